"""Statements that count what happened to messages."""

import itertools
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, Select, Table, and_, func, select
from sqlalchemy.sql.selectable import TableValuedAlias

from linkweir.db.click_probabilities import BASIS_POINTS, clicker_counts
from linkweir.db.events_table import HIT_EVENT_KIND, IS_HIT_EVENT
from linkweir.db.message_search import has_tag
from linkweir.db.portable_sql import each_item, item_value
from linkweir.db.schema import clicks, events, message_tags, messages

STORED_EVENT_KINDS = ("reception", "delivered", "transient_error", "bounced", "failed", "suppressed")
COUNTED_EVENT_KINDS = (*STORED_EVENT_KINDS, "opened", "clicked")  # these two are read from the hits themselves

PeriodUs = tuple[int, int]  # start and exclusive end in microseconds since 1970


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which messages count: of a sender's domain (None: of any), to one of these domains, with one of these tags."""

    sender_domain: str | None = None
    recipient_domains: Sequence[str] = ()
    tags: Sequence[str] = ()

    def to_conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on messages; sandbox messages never count."""
        conditions: list[ColumnElement[bool]] = [messages.c.sandbox_result.is_(None)]
        if self.sender_domain:
            conditions.append(messages.c.sender_domain == self.sender_domain)
        if self.recipient_domains:
            conditions.append(messages.c.recipient_domain.in_(self.recipient_domains))
        if self.tags:
            conditions.append(has_tag(self.tags))
        return conditions


NO_FILTER = DeliveryFilter()


def count_events_by_period(
    connection: Connection,
    account: uuid.UUID,
    periods: Sequence[PeriodUs],
    filters: DeliveryFilter = NO_FILTER,
) -> list[dict[str, int]]:
    """Count the messages with each kind of event in each period: one query of events, one of clicks and opens."""
    conditions = filters.to_conditions()
    noted = _select_by_period(events, events.c.kind).where(
        events.c.kind.in_(STORED_EVENT_KINDS), events.c.account_id == account
    )
    hits = _select_by_period(clicks, HIT_EVENT_KIND).where(IS_HIT_EVENT, clicks.c.account_id == account)
    counts = [dict.fromkeys(COUNTED_EVENT_KINDS, 0) for _ in periods]
    for statement in (noted, hits):
        parameters = {"periods": _dump_periods(periods)}
        for index, kind, count in connection.execute(statement.where(*conditions), parameters):
            if kind in COUNTED_EVENT_KINDS:
                counts[index][kind] = int(count)
    return counts


def sum_expected_clicked(
    connection: Connection,
    account: uuid.UUID,
    periods: Sequence[PeriodUs],
    filters: DeliveryFilter = NO_FILTER,
) -> list[tuple[int, int]]:
    """Return how many messages people are expected to have clicked in each period, and the variance of that: see
    `click_probabilities`.
    """
    period, index_in_list, is_within = _join_period(clicks)
    statement = (
        select(index_in_list, clicks.c.message_id, clicks.c.machine_basis_points)
        .select_from(period.join(clicks, is_within))
        .join(messages, messages.c.id == clicks.c.message_id)
        .where(clicks.c.account_id == account, clicks.c.kind == "click")
        .where(*filters.to_conditions())
        .order_by(index_in_list, clicks.c.message_id)
        .execution_options(yield_per=1000)
    )
    sums = [(0, 0)] * len(periods)
    rows = connection.execute(statement, {"periods": _dump_periods(periods)})
    for (index, _), hits in itertools.groupby(rows, lambda row: (row[0], row[1])):
        nobody = math.prod(row[2] / BASIS_POINTS for row in hits)
        expected, variance, _ = clicker_counts(round((1 - nobody) * BASIS_POINTS))
        sums[index] = sums[index][0] + expected, sums[index][1] + variance
    return sums


def count_outcomes(
    connection: Connection, account: uuid.UUID, span: PeriodUs, tag: str | None, limit: int
) -> Mapping[str, int]:
    """Count what became of the newest messages that were accepted in a period (with a tag), `limit` of them at most:
    `counted`, and of these `opened`, `bounced`, `failed` and `deferred`, which wait for another attempt. Sandbox
    messages are looked at and do not count.
    """
    outcome = (messages.c.open_count, messages.c.status, messages.c.sandbox_result)
    if tag is None:  # rows as the index finds them: to look each up by its id would double the cost
        at = messages.c.created_at
        mine: Select[Any] = select(*outcome).where(messages.c.account_id == account)
    else:
        at = message_tags.c.created_at
        mine = select(message_tags.c.message_id).where(message_tags.c.account_id == account, message_tags.c.tag == tag)
    newest = mine.where(at >= span[0], at < span[1]).order_by(at.desc()).limit(limit).subquery()
    if tag is not None:
        newest = select(*outcome).join(newest, messages.c.id == newest.c.message_id).subquery()
    kinds = {
        "opened": newest.c.open_count > 0,
        **{status.lower(): newest.c.status == status for status in ("Bounced", "Failed", "Deferred")},
    }
    counts = (func.count().filter(condition).label(name) for name, condition in kinds.items())
    statement = select(func.count().label("counted"), *counts).where(newest.c.sandbox_result.is_(None))
    return dict(connection.execute(statement).mappings().one())


def _dump_periods(periods: Sequence[PeriodUs]) -> str:
    return orjson.dumps([(index, *period) for index, period in enumerate(periods)]).decode()


def _join_period(table: Table) -> tuple[TableValuedAlias, ColumnElement[int], ColumnElement[bool]]:
    """Return the periods, the index of one, and the condition that a row is within it."""
    period = each_item("periods")
    first, last = (item_value(period, BigInteger(), index) for index in (1, 2))
    return period, item_value(period, Integer(), 0), and_(table.c.at >= first, table.c.at < last)


def _select_by_period(table: Table, kind: ColumnElement[str]) -> Select[Any]:
    """Count the messages with each kind of event in each period."""
    period, index, is_within = _join_period(table)
    columns: list[ColumnElement[Any]] = [index.label("period"), kind.label("event")]
    return (
        select(*columns, func.count(func.distinct(table.c.message_id)))
        .select_from(period.join(table, is_within))
        .join(messages, messages.c.id == table.c.message_id)
        .group_by("period", "event")
    )

"""Statements that rebuild the aggregates of clicks from the clicks, in batches that each are one short transaction.

A batch recomputes what it covers from committed rows, so counting may go on in between. Counts of clicks whose messages
were deleted are in `frozen_aggregates` and are added. A rebuild is marked as pending until all batches are done: after
an interruption it begins again.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    literal,
    literal_column,
    select,
    true,
    update,
)

from linkweir.clock import HOUR_US
from linkweir.db import aggregate_values_table, expected_clickers, time_buckets
from linkweir.db.aggregate_columns import COUNTED_VERDICTS, EXPECTED_LINK_COUNTS, EXPECTED_MESSAGE_COUNTS, VERDICTS
from linkweir.db.aggregate_contributions import select_contributions
from linkweir.db.bulk_statement import BulkStatement
from linkweir.db.click_aggregates_table import add_deltas, add_from_select, rebuild_coarse
from linkweir.db.click_probabilities import BASIS_POINTS, LIKELY_BASIS_POINTS, click_probability
from linkweir.db.dimensions import UNIQUE_FLAGS
from linkweir.db.portable_sql import insert
from linkweir.db.schema import (
    CLICK_COUNTS,
    accounts,
    aggregate_dimensions,
    click_aggregates,
    click_rows,
    clicks,
    frozen_aggregates,
    message_link_rows,
    message_links,
    messages,
    pending_jobs,
)

JOB_NAME = aggregate_values_table.REBUILD_JOB
AGGREGATES_PER_BATCH = 50_000  # sums over longer times in one transaction
CLICKS_PER_BATCH = 20_000  # clicks in one transaction: about a second, so that nobody waits long for the writers' turn

_IS_COUNTED = and_(clicks.c.kind == "click", clicks.c.verdict.in_(COUNTED_VERDICTS))


def mark_started(connection: Connection, now: int) -> None:
    """Mark the rebuild as pending."""
    connection.execute(insert(pending_jobs).values(name=JOB_NAME, at=now).on_conflict_do_nothing())


def is_pending(connection: Connection) -> bool:
    """Whether somebody has begun and not ended, or a migration wants it."""
    return connection.scalar(select(pending_jobs.c.at).where(pending_jobs.c.name == JOB_NAME)) is not None


def mark_done(connection: Connection) -> None:
    """Mark the rebuild as done; delete the values that only wrong aggregates used."""
    connection.execute(delete(pending_jobs).where(pending_jobs.c.name == JOB_NAME))
    aggregate_values_table.delete_unused(connection)


def rebuild_message_batch(connection: Connection, after: uuid.UUID | None) -> uuid.UUID | None:
    """Set right who came first, the links and the counts of some messages, in the order of their ids, from `after` on.
    The last one's id; None: these were the last.
    """
    column = clicks.c.message_id
    until: uuid.UUID | None = _get_batch_end(connection, column, after)
    here = and_(column.is_not(None), _is_between(column, after, until))
    _update_unique_flags(connection, here, column)
    _rebuild_links(connection, after, until)
    _rebuild_counts(connection, _is_between(messages.c.id, after, until))
    _rebuild_expected_counts(connection, here, _is_between(messages.c.id, after, until))
    return until


def rebuild_unattributed_batch(connection: Connection, after: str | None) -> str | None:
    """Set right who came first among clicks on messages that are not known here, by what their tokens call them."""
    column = clicks.c.message_ref
    until: str | None = _get_batch_end(connection, column, after)
    here = and_(clicks.c.message_id.is_(None), column.is_not(None), _is_between(column, after, until))
    _update_unique_flags(connection, here, column, clicks.c.account_id)
    return until


def _get_batch_end(connection: Connection, column: ColumnElement[Any], after: Any) -> Any:
    here = column.is_not(None) if after is None else column > after
    return connection.scalar(select(column).where(here).order_by(column).limit(1).offset(CLICKS_PER_BATCH - 1))


def _is_between(column: ColumnElement[Any], after: Any, until: Any) -> ColumnElement[bool]:
    return and_(true() if after is None else column > after, true() if until is None else column <= until)


def _update_unique_flags(connection: Connection, here: ColumnElement[bool], *message: ColumnElement[Any]) -> None:
    counted = case((_IS_COUNTED, 1), else_=0)

    def is_first(*along: ColumnElement[Any]) -> ColumnElement[Any]:
        order = (clicks.c.at, clicks.c.id)
        return func.row_number().over(partition_by=(*message, counted, *along), order_by=order) == 1

    firsts: ColumnElement[int] = literal(0)
    for name, flag in UNIQUE_FLAGS.items():
        value = clicks.c.destination if name == "link" else clicks.c[name]
        along = (clicks.c.position, value) if name == "link" else (value,)
        firsts = firsts + case((and_(is_first(*along), value.is_not(None)), flag), else_=0)
    expected = (
        select(
            clicks.c.id,
            case((_IS_COUNTED, is_first()), else_=false()).label("is_first"),
            case((_IS_COUNTED, firsts), else_=0).label("are_firsts"),
        )
        .where(here)
        .subquery()
    )
    wrong = (click_rows.c.first != expected.c.is_first) | (click_rows.c.firsts != expected.c.are_firsts)
    connection.execute(
        update(click_rows)
        .where(click_rows.c.id == expected.c.id, wrong)
        .values(first=expected.c.is_first, firsts=expected.c.are_firsts)
    )


def _rebuild_links(connection: Connection, after: uuid.UUID | None, until: uuid.UUID | None) -> None:
    """Rebuild the links of some messages, from the rows themselves: with the numbers of their texts."""
    clicks, links = click_rows, message_link_rows
    column = clicks.c.message_id
    connection.execute(delete(links).where(_is_between(links.c.message_id, after, until)))
    is_counted = and_(clicks.c.kind == "click", clicks.c.verdict.in_(COUNTED_VERDICTS))
    machine = clicks.c.machine_basis_points
    sums = select(
        clicks.c.message_id,
        clicks.c.position,
        func.min(clicks.c.destination),
        func.min(clicks.c.destination_id),
        *(func.sum(case((clicks.c.verdict == verdict, 1), else_=0)) for verdict in VERDICTS),
        func.sum(BASIS_POINTS - machine),
        func.sum((BASIS_POINTS - machine) * machine),
        func.min(case((is_counted, clicks.c.at))),
    ).where(column.is_not(None), _is_between(column, after, until), clicks.c.kind == "click")
    names = ["message_id", "position", "destination", "destination_id", *VERDICTS, *EXPECTED_LINK_COUNTS, "first_at"]
    grouped = sums.group_by(clicks.c.message_id, clicks.c.position)
    connection.execute(insert(links).from_select(names, grouped))


def _rebuild_counts(connection: Connection, here: ColumnElement[bool]) -> None:
    of_message = message_links.c.message_id == messages.c.id
    counted = sum((message_links.c[name] for name in COUNTED_VERDICTS[1:]), message_links.c[COUNTED_VERDICTS[0]])
    clicked = select(func.coalesce(func.sum(counted), 0)).where(of_message).scalar_subquery()
    status = case((clicked > 0, "Clicked"), (messages.c.open_count > 0, "Opened"), else_="Delivered")
    moving = messages.c.status.in_(("Delivered", "Opened", "Clicked"))
    connection.execute(
        update(messages)
        .where(here, messages.c.click_count != clicked)
        .values(click_count=clicked, status=case((moving, status), else_=messages.c.status))
    )


def _rebuild_expected_counts(connection: Connection, here: ColumnElement[bool], there: ColumnElement[bool]) -> None:
    """Set right how many clicks a message had, and how likely they were by people."""
    machine = clicks.c.machine_basis_points
    likely = func.sum(case((machine <= LIKELY_BASIS_POINTS, 1), else_=0))
    sums = (func.count(), likely, func.sum(BASIS_POINTS - machine), func.sum((BASIS_POINTS - machine) * machine))
    grouped = select(clicks.c.message_id, *sums).where(here, clicks.c.kind == "click").group_by(clicks.c.message_id)
    counted = {row[0]: tuple(row)[1:] for row in connection.execute(grouped)}
    columns = [messages.c[name] for name in EXPECTED_MESSAGE_COUNTS]
    was = {row[0]: tuple(row)[1:] for row in connection.execute(select(messages.c.id, *columns).where(there))}
    hits = expected_clickers.load_hits(connection, [(None, message) for message in was if message in counted])
    clicked = {key: click_probability(message_hits.values()) for (_, key), message_hits in hits.items()}
    nothing = (0,) * (len(EXPECTED_MESSAGE_COUNTS) - 1)
    rows = [(*counted.get(message, nothing), clicked.get(message, 0), message) for message in was]
    _SET_EXPECTED.run(connection, [row for row in rows if row[:-1] != was[row[-1]]])


_SET_EXPECTED = BulkStatement(
    update(messages)
    .where(messages.c.id == bindparam("message"))
    .values({name: bindparam(f"to_{name}", type_=messages.c[name].type) for name in EXPECTED_MESSAGE_COUNTS}),
    (*(f"to_{name}" for name in EXPECTED_MESSAGE_COUNTS), "message"),
    ("message",),
)


def list_account_ids(connection: Connection) -> list[uuid.UUID]:
    """Every account."""
    return list(connection.scalars(select(accounts.c.id)))


def rebuild_hour_batch(connection: Connection, account: uuid.UUID, start: int) -> int | None:
    """Rebuild an account's hourly aggregates for some hours (since 1970) from `start` on. Return the first hour that
    was not done, or None after the last.
    """
    first = clicks.c.at >= start * HOUR_US if start else true()
    after = select(clicks.c.at).where(clicks.c.account_id == account, first).order_by(clicks.c.at)
    at = connection.scalar(after.limit(1).offset(CLICKS_PER_BATCH - 1))
    until = None if at is None else max(at // HOUR_US, start + 1)
    mine = aggregate_dimensions.c.account_id == account
    here = (click_aggregates.c.hours == time_buckets.HOUR, *_is_in_hours(click_aggregates.c.hour, start, until))
    connection.execute(
        delete(click_aggregates).where(
            click_aggregates.c.axis.in_(select(aggregate_dimensions.c.id).where(mine)), *here
        )
    )
    times = [first] if until is None else [first, clicks.c.at < until * HOUR_US]
    rows = [tuple(row) for row in connection.execute(select_contributions(account, *times))]
    rows += _list_expected_clickers(connection, account, times, (start, until))
    add_deltas(connection, rows, hours_only=True)
    sums = [frozen_aggregates.c[name] for name in ("axis", "hours", "hour", "word", *CLICK_COUNTS)]
    frozen = select(*sums).join(aggregate_dimensions, aggregate_dimensions.c.id == frozen_aggregates.c.axis).where(mine)
    add_from_select(connection, frozen.where(*_is_in_hours(frozen_aggregates.c.hour, start, until)))
    return until


def _list_expected_clickers(
    connection: Connection, account: uuid.UUID, times: Sequence[ColumnElement[bool]], hours: tuple[int, int | None]
) -> list[expected_clickers.ContributionRow]:
    """List the expected clickers of messages that have a click at these times, as contributions to these hours."""
    mine = (clicks.c.account_id == account, clicks.c.kind == "click", ~clicks.c.settled)
    names = select(clicks.c.message_id, clicks.c.message_ref).where(*mine, *times).distinct()
    keys = [(account, row[0] or row[1]) for row in connection.execute(names) if row[0] or row[1]]
    first, until = hours
    rows: list[expected_clickers.ContributionRow] = []
    for start in range(0, len(keys), expected_clickers.BATCH_ROWS):
        some = keys[start : start + expected_clickers.BATCH_ROWS]
        contributions = expected_clickers.contributions_of(
            connection, account, some, expected_clickers.load_hits(connection, some)
        )
        rows += [row for row in contributions if first <= row[4] and (until is None or row[4] < until)]
    return rows


def _is_in_hours(column: ColumnElement[int], start: int, until: int | None) -> list[ColumnElement[bool]]:
    return [column >= literal_column(str(start)) if start else true(), true() if until is None else column < until]


def rebuild_coarse_batch(connection: Connection, after: int) -> int | None:
    """Rebuild the aggregates over longer times from the hourly ones, for some keys with numbers above `after`. Return
    the last one's number, or None after the last.
    """
    done = 0
    while done < AGGREGATES_PER_BATCH:
        axis = connection.scalar(select(func.min(aggregate_dimensions.c.id)).where(aggregate_dimensions.c.id > after))
        if axis is None:
            return None
        done += rebuild_coarse(connection, axis)
        after = axis
    return after

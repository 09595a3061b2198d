"""Stores facts of clicks and opens, and all that follows from them: verdicts, sums, counts, status.

All of it in one transaction, so that a fact that comes twice (a journal read again after a crash) counts once.

A new hit may change what is thought of earlier ones of its message, so those near it are judged anew, and the
*difference* between what each counted as and what it counts as now is added to the sums. That costs each fact a
bounded amount, whatever its message has seen: at most `store.hits.MOST` stored hits are looked at again for a message
and batch; who came first is kept with the clicks and moves on without looking back; the sums are written once for each
row and batch.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.ingest.aggregate_deltas import AggregateDeltas
from linkweir.clicks.ingest.attribution import AttributedClick, attribute_events
from linkweir.clicks.ingest.classifier import ClickClassifier
from linkweir.clicks.ingest.click import IngestedClick
from linkweir.clicks.ingest.message_clicks import MessageClicks
from linkweir.clicks.ingest.unique_clicks import LoadLaterClicks, UniqueClicks
from linkweir.db import click_aggregates_table, clicks_table, outbox_table, reclassification_queries
from linkweir.db.dimensions import CLICK_DIMENSIONS

DIMENSIONS_START = len(reclassification_queries.HIT_COLUMNS) - len(CLICK_DIMENSIONS)  # where they begin in a row


def ingest_events(connection: Connection, events: Sequence[ClickEvent], classifier: ClickClassifier, now: int) -> None:
    """Store these facts and what follows; `now` in microseconds since 1970. Those that are stored change nothing."""
    received = attribute_events(connection, events, classifier)
    if not received:
        return
    groups = list({id(one.message_clicks): one.message_clicks for one in received}.values())
    named = [group for group in groups if group.message_key is not None]
    _load_neighbours(connection, named, classifier.window_us)
    changed = [click for group in groups for click in group.classify(classifier)]
    for click in changed:
        _schedule_correction(click, now + classifier.correction_delay_us)
    reclassification_queries.update_verdicts(
        connection, [(*click.classification, click.notify_at, click.id) for click in changed]
    )
    firsts = _update_unique_clicks(connection, [group for group in named if _changes_counts(group)])
    _store_clicks(connection, received, classifier.notify_delay_us, now)
    moved = [
        click for group in named for click in group.stored.values() if click.unique_flags != click.stored_unique_flags
    ]
    reclassification_queries.update_unique_flags(connection, [(*click.flag_columns, click.id) for click in moved])
    tally = AggregateDeltas()
    for one in received:
        tally.add(one.click, one.target)
    for group in named:
        for click in group.stored.values():
            tally.add(click, group.target)
    _write_aggregates(connection, tally, firsts, now)


def _load_neighbours(connection: Connection, groups: Sequence[MessageClicks], window: int) -> None:
    spans = [
        (group.message_key, first - 2 * window, last + 2 * window)
        for group in groups
        if group.message_key is not None
        for first, last in group.time_windows(window)
    ]
    _attach_rows(groups, reclassification_queries.load_around(connection, spans))


def _attach_rows(groups: Iterable[MessageClicks], rows: Iterable[Row[Any]]) -> None:
    """Put stored clicks to their groups; one that is there already stays as it is."""
    by_name = {(group.account, group.message_key): group for group in groups}
    for row in rows:
        group = by_name.get((row.account_id, row.message_id or row.message_ref))
        if group is not None:
            _attach_row(group, row)


def _attach_row(group: MessageClicks, row: Row[Any]) -> IngestedClick:
    click = group.stored.get(row.id)
    if click is None:
        values = tuple(row)
        click = IngestedClick(*(*values[:DIMENSIONS_START], values[DIMENSIONS_START:]))
        group.stored[row.id] = click
        click.counted_verdict = click.verdict
    return click


def _schedule_correction(click: IngestedClick, at: int) -> None:
    """Webhooks that were told another verdict will be told of this one."""
    if click.notified_verdict is not None and click.kind == "click":
        click.notify_at = at if click.notified_verdict != click.verdict else None


def _changes_counts(group: MessageClicks) -> bool:
    """Whether a click of a person came or went."""
    return any(click.is_counted != click.was_counted for click in (*group.new, *group.stored.values()))


def _update_unique_clicks(connection: Connection, groups: Sequence[MessageClicks]) -> dict[uuid.UUID, UniqueClicks]:
    """Move on who came first in these groups; by message, for those that are known here."""
    _attach_rows(
        groups,
        reclassification_queries.load_unique(
            connection, [group.message_key for group in groups if group.message_key is not None]
        ),
    )
    found: dict[uuid.UUID, UniqueClicks] = {}
    for group in groups:
        firsts = UniqueClicks(group.stored.values())
        tied = [click for click in group.new if click.message_key is not None]
        firsts.update([*tied, *group.stored.values()], _load_later(connection, group))
        if isinstance(group.message_key, uuid.UUID):
            found[group.message_key] = firsts
    return found


def _load_later(connection: Connection, group: MessageClicks) -> LoadLaterClicks:
    def later(at: int) -> Iterator[IngestedClick]:
        assert group.message_key is not None
        for row in reclassification_queries.iter_counted_since(connection, group.message_key, at):
            if row.account_id == group.account:
                yield _attach_row(group, row)

    return later


def _store_clicks(connection: Connection, received: Sequence[AttributedClick], wait: int, now: int) -> None:
    asked = _subscribed_kinds(
        connection, {one.click.account for one in received if one.click.message and one.click.account}
    )
    rows = []
    for one in received:
        click = one.click
        if click.message and click.method == "GET" and click.kind in asked[click.account]:
            click.notify_at = min(click.at, now + wait) + wait  # the clock may have been ahead, and was set back
        rows.append(_to_row(one))
    clicks_table.add(connection, rows)


def _subscribed_kinds(connection: Connection, accounts: Iterable[uuid.UUID]) -> dict[uuid.UUID | None, set[str]]:
    """By account: whether its webhooks want to hear of clicks and opens; for the others nothing needs to be told."""
    found: dict[uuid.UUID | None, set[str]] = {}
    for account in accounts:
        wanted = {kind for hook in outbox_table.list_enabled_webhooks(connection, account) for kind in hook["events"]}
        heard = {"click": wanted & {"clicked", "click_corrected"}, "open": wanted & {"opened"}}
        found[account] = {kind for kind, some in heard.items() if some}
    return found


def _to_row(one: AttributedClick) -> tuple[Any, ...]:
    """The columns of `store.clicks.COLUMNS`, in their order."""
    click, fact = one.click, one.event
    first, firsts = click.flag_columns
    return (
        *(
            click.id,
            click.at,
            click.method,
            click.privacy,
            click.account,
            click.message,
            click.message_ref,
            fact.key_id,
        ),
        *(one.campaign, click.position, click.destination, click.ip, click.user_agent, click.kind, click.prefetch),
        *(click.signals, *click.dimension_values, one.system, one.region, click.network),
        *(*click.classification, first, firsts, click.notify_at),
    )


def _write_aggregates(
    connection: Connection, tally: AggregateDeltas, firsts: dict[uuid.UUID, UniqueClicks], now: int
) -> None:
    click_aggregates_table.add_deltas(connection, tally.rows())
    for moved in (True, False):
        links = [_link_row(tally, key, firsts) for key in tally.links if (key[0] in firsts) is moved]
        click_aggregates_table.add_link_deltas(connection, links, set_first_at=moved)
    counts = [(number, opens, now, message) for message, (number, opens) in tally.counts.items() if number or opens]
    clicks_table.update_message_counts(connection, counts)


def _link_row(
    tally: AggregateDeltas, key: tuple[uuid.UUID, int], firsts: dict[uuid.UUID, UniqueClicks]
) -> tuple[Any, ...]:
    message, position = key
    first_at = firsts[message].first_click_at(position) if message in firsts else None
    return message, position, tally.destinations[key], *tally.links[key], first_at

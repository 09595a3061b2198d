"""Stores click events and all that follows from them: verdicts, aggregates, counts, status.

All of it in one transaction, so that an event that comes twice (a journal read again after a crash) counts once.

A new hit may change what is thought of earlier ones of its message, so those near it are classified anew, and the
*difference* between what each counted as and what it counts as now is added to the aggregates. That costs each event a
bounded amount, whatever its message has seen: at most `MAX_HITS_PER_SPAN` stored hits are looked at again for a message
and batch; who came first is stored with the clicks and moves on without looking back; the aggregates are written once
for each row and batch.
"""

import gc
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import Connection, RowMapping

from linkweir.clicks.classify import Hit
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.ingest.aggregate_deltas import LINK_COLUMNS, AggregateDeltas, LinkKey
from linkweir.clicks.ingest.attribution import attribute_events
from linkweir.clicks.ingest.click import Click
from linkweir.clicks.ingest.clicker_changes import iter_clicker_changes
from linkweir.clicks.ingest.message_clicks import ClickClassifier, LoadLaterClicks, MessageClicks, UniqueClicks
from linkweir.db import click_aggregates_table, clicks_table, outbox_table, reclassification_queries

_link_counts = itemgetter(*LINK_COLUMNS)


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """A batch makes very many objects that reference counts free; looking for cycles among them takes a tenth of it."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_garbage_collection_paused()
def ingest_events(connection: Connection, events: Sequence[ClickEvent], classifier: ClickClassifier, now: int) -> int:
    """Store these events and what follows; return how many were new. Those that are stored already change nothing.
    `now` in microseconds since 1970.
    """
    groups = attribute_events(connection, events, classifier)
    if not groups:
        return 0
    named = [group for group in groups if group.message_key is not None]
    _load_neighbours(connection, named, classifier.window_us)
    changed = _classify_groups(connection, groups, classifier, now)
    for click in changed:
        _schedule_correction(click, now + classifier.correction_delay_us)
    clicker_changes = list(iter_clicker_changes(connection, named))  # before it is written what changed
    reclassification_queries.update_verdicts(
        connection,
        [
            (
                changed_click.verdict,
                changed_click.confidence,
                changed_click.reasons,
                changed_click.machine_basis_points,
                changed_click.notify_at,
                changed_click.id,
            )
            for changed_click in changed
        ],
    )
    unique_clicks = _update_unique_clicks(connection, [group for group in named if _changes_counts(group)])
    new = sorted((click for group in groups for click in group.new), key=attrgetter("sort_key"))
    stored = [click for group in named for click in group.stored.values()]
    _schedule_notifications(connection, new, classifier.notify_delay_us, now)
    clicks_table.add(connection, [click.to_row() for click in new])
    moved = [click for click in stored if click.unique_flags != click.stored_unique_flags]
    reclassification_queries.update_unique_flags(
        connection, [(changed_click.first, changed_click.firsts, changed_click.id) for changed_click in moved]
    )
    deltas = AggregateDeltas()
    for click in (*new, *stored):
        deltas.add(click)
    for change in clicker_changes:
        deltas.add_clickers(change)
    _write_aggregates(connection, deltas, unique_clicks, now)
    return len(new)


def _load_neighbours(connection: Connection, groups: Sequence[MessageClicks], window: int) -> None:
    spans = [
        (group.message_key, first - 2 * window, last + 2 * window)
        for group in groups
        if group.message_key is not None
        for first, last in group.time_windows(window)
    ]
    _attach_rows(groups, reclassification_queries.load_around(connection, spans))


def _attach_rows(groups: Iterable[MessageClicks], rows: Iterable[RowMapping]) -> None:
    """Add stored clicks to their groups; one that is there already stays as it is."""
    by_key = {(group.account_id, group.message_key): group for group in groups}
    for row in rows:
        group = by_key.get((row["account_id"], row["message_id"] or row["message_ref"]))
        if group is not None:
            _attach_row(group, row)


def _attach_row(group: MessageClicks, row: RowMapping) -> Click:
    click = group.stored.get(row["id"])
    if click is None:
        click = group.stored[row["id"]] = Click.from_row(row, group.target)
    return click


def _classify_groups(
    connection: Connection, groups: Sequence[MessageClicks], classifier: ClickClassifier, now: int
) -> list[Click]:
    """Judge the new clicks, and return the stored ones whose verdict has changed."""
    history, batch = classifier.history, None
    if classifier.memory is not None:
        batch = classifier.memory.open_batch(connection, history, _iter_sources(groups))
        history = batch.history
    arrivals = [
        (click.sort_key, click.ip, group.message_key)
        for group in groups
        if group.message_key is not None
        for click in group.new
        if click.ip
    ]
    for (at, _), ip, message in sorted(arrivals, key=itemgetter(0)):
        history.observe_arrival(ip, message, at)
    changed = [click for group in groups for click in group.classify(classifier, history)]
    if batch is not None:
        batch.store(connection, now)
    return changed


def _iter_sources(groups: Sequence[MessageClicks]) -> Iterator[Hit]:
    """What the memory knows clicks by, each combination once."""
    clicks = {
        (click.kind, click.ip, click.user_agent, click.signals, click.dimensions["device"], click.network)
        for group in groups
        for click in (*group.new, *group.stored.values())
    }
    for kind, ip, user_agent, signals, device, network in clicks:
        yield Hit(
            id=0,
            at=0,
            kind=kind,
            ip=ip,
            user_agent=user_agent,
            signals=tuple(signals.split()),
            device=device,
            network=network,
        )


def _schedule_correction(click: Click, at: int) -> None:
    """Schedule corrections for webhooks that were notified of another verdict."""
    if click.notified_verdict is not None and click.kind == "click":
        click.notify_at = at if click.notified_verdict != click.verdict else None


def _changes_counts(group: MessageClicks) -> bool:
    """Whether a click of a person came or went."""
    return any(click.is_counted != click.was_counted for click in (*group.new, *group.stored.values()))


def _update_unique_clicks(connection: Connection, groups: Sequence[MessageClicks]) -> dict[int, UniqueClicks]:
    """Move on who came first in these groups; by the number of a message's id, for those that are known here."""
    _attach_rows(
        groups,
        reclassification_queries.load_unique(
            connection, [group.message_key for group in groups if group.message_key is not None]
        ),
    )
    by_message: dict[int, UniqueClicks] = {}
    for group in groups:
        unique_clicks = UniqueClicks(group.stored.values())
        tied = [click for click in group.new if click.message_key is not None]
        unique_clicks.update([*tied, *group.stored.values()], _load_later(connection, group))
        if isinstance(group.message_key, uuid.UUID):
            by_message[group.message_key.int] = unique_clicks
    return by_message


def _load_later(connection: Connection, group: MessageClicks) -> LoadLaterClicks:
    def later(at: int) -> Iterator[Click]:
        assert group.message_key is not None
        for row in reclassification_queries.iter_counted_since(connection, group.message_key, at):
            if row["account_id"] == group.account_id:
                yield _attach_row(group, row)

    return later


def _schedule_notifications(connection: Connection, new: Sequence[Click], wait: int, now: int) -> None:
    subscribed = _subscribed_kinds(
        connection, {new_click.account_id for new_click in new if new_click.message_id and new_click.account_id}
    )
    for click in new:
        if click.message_id and click.method == "GET" and click.kind in subscribed[click.account_id]:
            click.notify_at = min(click.at, now + wait) + wait  # the clock may have been ahead, and was set back


def _subscribed_kinds(connection: Connection, accounts: Iterable[uuid.UUID]) -> dict[uuid.UUID | None, set[str]]:
    """By account: whether its webhooks want to hear of clicks and opens; for the others nothing needs to be told."""
    kinds_by_account: dict[uuid.UUID | None, set[str]] = {}
    for account in accounts:
        event_kinds = {
            kind for hook in outbox_table.list_enabled_webhooks(connection, account) for kind in hook["events"]
        }
        heard = {"click": event_kinds & {"clicked", "click_corrected"}, "open": event_kinds & {"opened"}}
        kinds_by_account[account] = {kind for kind, some in heard.items() if some}
    return kinds_by_account


def _write_aggregates(
    connection: Connection, deltas: AggregateDeltas, unique_clicks: dict[int, UniqueClicks], now: int
) -> None:
    click_aggregates_table.add_deltas(connection, list(deltas.rows()))
    for moved in (True, False):
        links = [_link_row(deltas, key, unique_clicks) for key in deltas.links if (key[0] in unique_clicks) is moved]
        click_aggregates_table.add_link_deltas(connection, links, set_first_at=moved)
    counts = [(*row, int(any(row[:2])), now, message) for message, row in deltas.message_rows()]
    clicks_table.update_message_counts(connection, counts)


def _link_row(deltas: AggregateDeltas, key: LinkKey, unique_clicks: dict[int, UniqueClicks]) -> tuple[Any, ...]:
    message, position = key
    first_at = unique_clicks[message].first_click_at(position) if message in unique_clicks else None
    return (
        deltas.message_ids[message],
        position,
        deltas.destinations[key],
        *_link_counts(deltas.link_counts(key)),
        first_at,
    )

"""Tells webhooks of clicks and opens, a moment after them: by then a scanner's burst is over and the verdict stands.

A verdict that changes after it was told is corrected, for webhooks that asked for corrections; what changed and
changed back in the meantime is told to nobody. A webhook may wait longer, until the verdict is settled, for no later
hit can change it then; what waits is a row of the database. Anonymous clicks belong to no message, so nobody hears of
them.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from linkweir.clicks.classify import VERDICT_REASONS, WINDOW_US
from linkweir.clicks.ingest.link_labels import LinkLabels
from linkweir.clock import MAX_SKEW_US, SECOND_US, rfc3339
from linkweir.db import events_table, notification_queries
from linkweir.db.click_probabilities import BASIS_POINTS
from linkweir.tokens import KeyRing
from linkweir.webhooks import message_events

BATCH_HITS = 200  # hits in one call, which is one transaction of its caller's
BOT_VERDICTS = ("machine", "prefetch")
_Subscription = tuple[Mapping[Any, Any], message_events.MessageEvent, Mapping[Any, Any]]  # hit, event, webhook


def enqueue_notifications(
    connection: Connection,
    now: int,
    keyring: KeyRing,
    *,
    window_us: int = WINDOW_US,
    max_delay_us: int = MAX_SKEW_US,
) -> int:
    """Queue the requests that are due at `now` (microseconds since 1970); how many hits were dealt with, at most
    BATCH_HITS of those that happened and of those that were waited for: then there may be more.

    `keyring` opens the links in mails, whose labels are told. `window_us`: how long after a hit its verdict is settled.
    `max_delay_us`: the longest that a notification is put off, but for webhooks that wait; what is due later was put
    off by a clock that was ahead, and is due now.
    """
    notification_queries.reset_future_times(connection, now, max_delay=max_delay_us, max_wait=window_us + MAX_SKEW_US)
    due = notification_queries.list_due(connection, now, BATCH_HITS)
    changed = [row for row in due if row["told"] != row["verdict"]]
    events = [_to_event(row, now, window_us) for row in changed]
    subscriptions = message_events.list_subscriptions(connection, events)
    hits = {id(event): row for row, event in zip(changed, events, strict=True)}
    labels = LinkLabels(connection, keyring)
    _enqueue_subscribed(
        connection,
        [(hits[id(event)], event, hook) for event, hook in subscriptions],
        labels,
        now,
        window_us,
    )
    notification_queries.mark_notified(connection, [(row["id"], row["verdict"]) for row in due])
    return len(due) + _enqueue_waited(connection, labels, now, window_us)


def _enqueue_subscribed(
    connection: Connection, subscriptions: Sequence[_Subscription], labels: LinkLabels, now: int, window_us: int
) -> None:
    """Queue what is to be sent at once; note for whom it is to wait, and leave out corrections of what a webhook was
    not told.
    """
    corrected = {row["id"] for row, event, hook in subscriptions if _is_correction(event) and _waits(hook)}
    waits = notification_queries.get_waits(connection, list(corrected))
    sent: list[tuple[message_events.MessageEvent, uuid.UUID]] = []
    notified: list[tuple[uuid.UUID, uuid.UUID, str]] = []
    waiting: list[dict[str, Any]] = []
    for row, event, hook in subscriptions:
        known = waits.get((row["id"], hook["id"]))
        if _waits(hook) and not _is_correction(event) and not event.data["settled"]:
            waiting.append(_to_wait(row, hook, now, window_us))
        elif known is None:
            sent.append((event, hook["id"]))
        elif known["told"] not in (None, row["verdict"]):
            sent.append((replace(event, data={**event.data, "was": known["told"]}), hook["id"]))
            notified.append((row["id"], hook["id"], row["verdict"]))
    _enqueue_labelled(connection, sent, labels)
    notification_queries.mark_waits_notified(connection, notified)
    notification_queries.add_waits(connection, waiting)


def _enqueue_waited(connection: Connection, labels: LinkLabels, now: int, window_us: int) -> int:
    """Queue what webhooks have waited for long enough; how many requests."""
    due = notification_queries.list_due_waits(connection, now, BATCH_HITS)
    sent = [(_to_event({**row, "told": None}, now, window_us), row["webhook_id"]) for row in due]
    _enqueue_labelled(connection, sent, labels)
    notification_queries.mark_waits_notified(
        connection, [(row["id"], row["webhook_id"], row["verdict"]) for row in due]
    )
    return len(due)


def _enqueue_labelled(
    connection: Connection, requests: Sequence[tuple[message_events.MessageEvent, uuid.UUID]], labels: LinkLabels
) -> None:
    """Queue requests that say of a link what its text is, too."""
    message_events.enqueue_for_webhooks(
        connection, [(_with_label(event, labels), webhook) for event, webhook in requests]
    )


def _with_label(event: message_events.MessageEvent, labels: LinkLabels) -> message_events.MessageEvent:
    if "link" not in event.data:
        return event
    position = event.data["link"]["position"]
    link = {"position": position, "label": labels.get(event.message["id"], position)}
    return replace(event, data={**event.data, "link": link})


def _waits(hook: Mapping[Any, Any]) -> bool:
    return bool(hook["verdict_wait_seconds"])


def _is_correction(event: message_events.MessageEvent) -> bool:
    return event.kind == "click_corrected"


def _to_wait(row: Mapping[Any, Any], hook: Mapping[Any, Any], now: int, window_us: int) -> dict[str, Any]:
    """The row of a wait: until the verdict is settled, at most as long as the webhook says."""
    at = min(row["at"], now)  # the clock may have been ahead, and was set back
    due_at = at + min(window_us, hook["verdict_wait_seconds"] * SECOND_US)
    return {"click_id": row["id"], "webhook_id": hook["id"], "message_id": row["message"], "due_at": due_at}


def _to_event(row: Mapping[Any, Any], now: int, window_us: int) -> message_events.MessageEvent:
    message = {**row, "id": row["message"], "message_id": row["header"]}
    data = {**click_payload(row), "settled": now - row["at"] >= window_us}
    if row["told"] is None:
        return message_events.MessageEvent(message, "opened" if row["kind"] == "open" else "clicked", row["at"], data)
    correction = {**data, "was": row["told"], "clicked_at": rfc3339(row["at"])}
    return message_events.MessageEvent(message, "click_corrected", now, correction)


def list_message_events(connection: Connection, message: uuid.UUID) -> list[tuple[int, str, dict[str, Any]]]:
    """Time (microseconds since 1970), kind and data of each event of a message; of a hit, its verdict as of now."""
    hits = notification_queries.get_for_message(connection, message)
    return [
        (row["at"], row["kind"], click_payload(hits[row["id"]]) if row["id"] in hits else row["data"])
        for row in events_table.list_for_message(connection, message)
    ]


def click_payload(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What is said of a hit to whoever may know of its message, as its privacy mode allows."""
    data: dict[str, Any] = {
        "click_id": str(row["id"]),
        "is_bot": row["verdict"] in BOT_VERDICTS,
        "verdict": row["verdict"],
        "confidence": row["confidence"],
        "machine_probability": None if row["verdict"] == "internal" else row["machine_basis_points"] / BASIS_POINTS,
        "reasons": [{"code": code, "sentence": VERDICT_REASONS.get(code, code)} for code in row["reasons"].split()],
    }
    if row["kind"] == "click":
        data |= {"first": row["first"], "url": row["destination"], "link": {"position": row["position"]}}
        data |= {"corrected_url": row["corrected_destination"]} if row["corrected_destination"] else {}
    if row["privacy"] == "full":
        data |= {"user_agent": row["user_agent"] or "", "ip": row["ip"] or ""}
    return data

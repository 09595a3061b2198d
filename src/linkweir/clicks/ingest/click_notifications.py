"""Tells webhooks of clicks and opens, a moment after them: by then a scanner's burst is over and the verdict stands.

A verdict that changes after it was told is corrected, for webhooks that asked for corrections; what changed and
changed back in the meantime is told to nobody. Anonymous clicks belong to no message, so nobody hears of them.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from linkweir.clicks.classify import VERDICT_REASONS
from linkweir.clock import rfc3339
from linkweir.db import notification_queries
from linkweir.webhooks import message_events

BATCH_HITS = 1000  # hits in one call, which is one transaction of its caller's
BOT_VERDICTS = ("machine", "prefetch")


def enqueue_notifications(connection: Connection, now: int) -> int:
    """Queue the requests that are due at `now` (microseconds since 1970); how many hits were dealt with, at most
    AT_ONCE: then there may be more.
    """
    due = notification_queries.list_due(connection, now, BATCH_HITS)
    happened = [_to_event(row, now) for row in due if row["told"] != row["verdict"]]
    message_events.enqueue_requests(connection, happened)
    notification_queries.mark_notified(connection, [(row["id"], row["verdict"]) for row in due])
    return len(due)


def _to_event(row: Mapping[Any, Any], now: int) -> message_events.MessageEvent:
    message = {**row, "id": row["message"], "message_id": row["header"]}
    if row["told"] is None:
        return message_events.MessageEvent(
            message, "opened" if row["kind"] == "open" else "clicked", row["at"], click_payload(row)
        )
    correction = {**click_payload(row), "was": row["told"], "clicked_at": rfc3339(row["at"])}
    return message_events.MessageEvent(message, "click_corrected", now, correction)


def click_payload(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What is said of a hit to whoever may know of its message, as its privacy mode allows."""
    data: dict[str, Any] = {
        "click_id": str(row["id"]),
        "is_bot": row["verdict"] in BOT_VERDICTS,
        "verdict": row["verdict"],
        "confidence": row["confidence"],
        "reasons": [{"code": code, "sentence": VERDICT_REASONS.get(code, code)} for code in row["reasons"].split()],
    }
    if row["kind"] == "click":
        data |= {"first": row["first"], "url": row["destination"], "link": {"position": row["position"]}}
    if row["privacy"] == "full":
        data |= {"user_agent": row["user_agent"] or "", "ip": row["ip"] or ""}
    return data

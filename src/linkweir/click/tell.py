"""Tells webhooks of clicks and opens, a moment after them: by then a scanner's burst is over and the verdict stands.

A verdict that changes after it was told is corrected, for webhooks that asked for corrections; what changed and
changed back in the meantime is told to nobody. Anonymous clicks belong to no message, so nobody hears of them.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from linkweir.click.verdict import REASONS
from linkweir.store import telling
from linkweir.webhook import outbox

AT_ONCE = 1000  # hits in one call, which is one transaction of its caller's
MACHINES = ("machine", "prefetch")


def tell(connection: Connection, now: int) -> int:
    """Queue the requests that are due at `now` (microseconds since 1970); how many hits were dealt with, at most
    AT_ONCE: then there may be more.
    """
    due = telling.due(connection, now, AT_ONCE)
    happened = [_happened(row, now) for row in due if row["told"] != row["verdict"]]
    outbox.request_many(connection, happened)
    telling.told(connection, [(row["id"], row["verdict"]) for row in due])
    return len(due)


def _happened(row: Mapping[Any, Any], now: int) -> outbox.Happened:
    message = {**row, "id": row["message"], "message_id": row["header"]}
    if row["told"] is None:
        return outbox.Happened(message, "opened" if row["kind"] == "open" else "clicked", row["at"], data_of(row))
    correction = {**data_of(row), "was": row["told"], "clicked_at": outbox.time_of(row["at"])}
    return outbox.Happened(message, "click_corrected", now, correction)


def data_of(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What is said of a hit to whoever may know of its message, as its privacy mode allows."""
    data: dict[str, Any] = {
        "click_id": str(row["id"]),
        "is_bot": row["verdict"] in MACHINES,
        "verdict": row["verdict"],
        "confidence": row["confidence"],
        "reasons": [{"code": code, "sentence": REASONS.get(code, code)} for code in row["reasons"].split()],
    }
    if row["kind"] == "click":
        data |= {"first": row["first"], "url": row["destination"], "link": {"position": row["position"]}}
    if row["privacy"] == "full":
        data |= {"user_agent": row["user_agent"] or "", "ip": row["ip"] or ""}
    return data

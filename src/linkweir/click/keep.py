"""Stores facts of clicks and opens, and what follows from each new one: counts, status, event, webhook requests.

All of it in one transaction, so that a fact that comes twice (a spool drained again after a crash) counts once.
Refuses to judge who clicked: `is_bot` says only what a request said of itself, and everything else is "unsure".
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from linkweir.click.fact import Fact
from linkweir.store import clicks
from linkweir.webhook import outbox

PERSONAL = ("full", "pseudonymous")  # privacy modes in which a message may be told of its clicks


def keep(connection: Connection, facts: Sequence[Fact]) -> None:
    """Store these facts; those that are new, were no HEAD and belong to a known message are counted and told."""
    new = clicks.add(connection, [fact.row() for fact in facts])
    counted: list[tuple[uuid.UUID, Fact]] = []
    for fact in facts:
        message = new.pop(fact.id, None)  # popped: the same fact twice in one group is one
        if message is not None and fact.method == "GET" and fact.privacy in PERSONAL:
            counted.append((message, fact))
    if counted:
        _count(connection, counted)


def _count(connection: Connection, counted: Sequence[tuple[uuid.UUID, Fact]]) -> None:
    known = clicks.messages_of(connection, list({message for message, _ in counted}))
    tally: Counter[tuple[uuid.UUID, str]] = Counter()
    happened = []
    for message, fact in counted:
        row = known[message]
        before = row["click_count" if fact.kind == "click" else "open_count"] + tally[message, fact.kind]
        tally[message, fact.kind] += 1
        kind: outbox.Kind = "clicked" if fact.kind == "click" else "opened"
        happened.append(outbox.Happened(row, kind, fact.at, _told(fact, first=not before)))
    latest = {message: fact.at for message, fact in counted}
    rows: list[dict[str, Any]] = [
        {"message": message, "clicks": tally[message, "click"], "opens": tally[message, "open"], "at": at}
        for message, at in latest.items()
    ]
    clicks.count_up(connection, rows)
    outbox.record_many(connection, happened)


def _told(fact: Fact, *, first: bool) -> Mapping[str, Any]:
    data: dict[str, Any] = {"is_bot": fact.prefetch, "verdict": "machine" if fact.prefetch else "unsure"}
    data["first"] = first
    if fact.kind == "click":
        data |= {"url": fact.destination, "link": {"position": fact.position}}
    if fact.privacy == "full":
        data |= {"user_agent": fact.user_agent or "", "ip": fact.ip or ""}
    return data

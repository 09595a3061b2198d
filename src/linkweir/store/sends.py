"""Statements that count messages by the hour they were accepted in, as clicks are counted: rates need both."""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from linkweir.store.tables import message_tags, messages, sends

HOUR = 3_600_000_000  # microseconds
ATTRIBUTE = "attribute:"
KEY = ("account_id", "scope", "dimension", "hour", "value")


def accepted(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Count these rows of `messages` as sent, and note their tags. What goes into a sandbox counts nowhere."""
    tagged = [
        {"account_id": row["account_id"], "tag": tag, "created_at": row["created_at"], "message_id": row["id"]}
        for row in rows
        for tag in dict.fromkeys(row["tags"])
    ]
    if tagged:
        connection.execute(insert(message_tags), tagged)
    _count(connection, [row for row in rows if row["sandbox_result"] is None], "sent")


def delivered(connection: Connection, message: uuid.UUID) -> None:
    """Count a message as delivered, in the hour it was accepted in: a rate compares the same messages."""
    names = ("account_id", "created_at", "tags", "attributes", "variant", "sender_domain", "recipient_domain")
    columns = [messages.c[name] for name in (*names, "sandbox_result")]
    row = connection.execute(select(*columns).where(messages.c.id == message)).mappings().first()
    if row is not None and row["sandbox_result"] is None:
        _count(connection, [dict(row)], "delivered")


def _count(connection: Connection, rows: Sequence[Mapping[str, Any]], column: str) -> None:
    found = Counter(key for row in rows for key in keys(row))
    if found:
        statement = upsert(sends).values({column: 0})
        more = {column: sends.c[column] + statement.excluded[column]}
        statement = statement.on_conflict_do_update(index_elements=KEY, set_=more)
        values = [{**dict(zip(KEY, key, strict=True)), column: count} for key, count in found.items()]
        connection.execute(statement, values)


def keys(row: Mapping[str, Any]) -> Iterator[tuple[uuid.UUID, str, str, int, str]]:
    """Under which keys a message counts: every scope with every dimension, each once."""
    tags = list(dict.fromkeys(row["tags"]))
    scopes = ["", f"sender:{row['sender_domain']}", *(f"tag:{tag}" for tag in tags)]
    sides = [("", ""), ("sender_domain", row["sender_domain"]), ("recipient_domain", row["recipient_domain"])]
    sides += [("tag", tag) for tag in tags]
    sides += [("variant", row["variant"])] if row["variant"] is not None else []
    sides += [(ATTRIBUTE + name, value) for name, value in (row["attributes"] or {}).items()]
    for scope in scopes:
        for dimension, value in sides:
            yield row["account_id"], scope, dimension, row["created_at"] // HOUR, value

"""Rows that are added without SQLAlchemy's work for each value are those that it would add."""

import sqlite3
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import exc, insert, select

from linkweir.db.row_insert import RowInsert
from linkweir.db.schema import accounts, contents, events, messages
from tests.databases import make_database

ACCOUNT = uuid.uuid4()


def make_rows(first: int) -> list[dict[str, Any]]:
    """Rows of `messages` with every kind of column: UUID, number, text, truth, JSON and none of them."""
    return [
        {
            "number": first + number,
            "id": uuid.uuid4(),
            "account_id": ACCOUNT,
            "message_id": f"{number}@example.com",
            "sender": "news@example.com",
            "recipient": "ada@example.org",
            "subject": "\u00fc\u2028'",
            "tags": ["a", "\u00fc"][:number],
            "status": "Received",
            "num_attempts": 0,
            "track_clicks": bool(number % 2),
            "privacy": "full",
            "created_at": 1 << 50,
            "updated_at": 2,
            "domain_id": uuid.uuid4() if number else None,
            "attributes": {"plan": "\u00fc"} if number else None,
            "switches": {},
        }
        for number in range(3)
    ]


@pytest.mark.both_databases
def test_rows_are_those_that_sqlalchemy_adds(tmp_path: Path) -> None:
    """Every kind of value is stored with the same bytes and of the same type, and omitted columns get their default."""
    database = make_database(tmp_path)
    left, right = make_rows(1), make_rows(101)
    bodies = [b"", bytes(range(256)), b"\0" * 70_000]
    with database.write() as connection:
        account = {"id": ACCOUNT, "name": "x", "website": "", "about": "", "track_opens": False, "track_clicks": True}
        account |= {"message_metadata_retention": 30, "message_data_retention": 1, "created_at": 5, "updated_at": 6}
        RowInsert(accounts).run(connection, [account])
        RowInsert(messages).run(connection, left)
        connection.execute(insert(messages), right)
        mails = [
            {"message_id": row["id"], "raw": body, "shared_id": None, "keep_until_at": 7}
            for row, body in zip(left, bodies, strict=True)
        ]
        RowInsert(contents).run(connection, mails)
        event = {"id": uuid.uuid4(), "account_id": ACCOUNT, "message_id": left[0]["id"], "at": 3, "kind": "x"}
        RowInsert(events).run(connection, [{**event, "data": {"a": None}}])
        RowInsert(messages).run(connection, [])
        stored = list(connection.execute(select(messages).order_by(messages.c.number)).mappings())
        names = [column.name for column in messages.c if column.name not in ("id", "number", "domain_id")]
        for mine, theirs, given in zip(stored[:3], stored[3:], left, strict=True):
            assert [mine[name] for name in names] == [theirs[name] for name in names]
            assert (mine["id"], mine["domain_id"]) == (given["id"], given["domain_id"])
        assert sorted(connection.scalars(select(contents.c.raw)), key=len) == sorted(bodies, key=len)
        assert connection.scalars(select(events.c.data)).all() == [{"a": None}]
    database.close()


def test_raw_values_are_those_that_sqlalchemy_stores(tmp_path: Path) -> None:
    """In SQLite's file each value has the type and the bytes that SQLAlchemy gives it, JSON's null among them."""
    database = make_database(tmp_path / "data")
    left, right = make_rows(1), make_rows(101)
    with database.write() as connection:
        account = {"id": ACCOUNT, "name": "x", "website": "", "about": "", "track_opens": False, "track_clicks": True}
        account |= {"message_metadata_retention": 30, "message_data_retention": 1, "created_at": 5, "updated_at": 6}
        connection.execute(insert(accounts), [account])
        RowInsert(messages).run(connection, left)
        connection.execute(insert(messages), right)
        names = [column.name for column in messages.c if column.name not in ("id", "number", "domain_id")]
        kinds = ", ".join(f"typeof({name}), {name}" for name in names)
        rows = connection.exec_driver_sql(f"SELECT {kinds} FROM messages ORDER BY number").fetchall()  # noqa: S608
        assert [tuple(row) for row in rows[:3]] == [tuple(row) for row in rows[3:]]
    database.close()


@pytest.mark.both_databases
def test_errors_are_sqlalchemys(tmp_path: Path) -> None:
    """A row that refers to nothing is an IntegrityError, as from any statement."""
    database = make_database(tmp_path)
    with pytest.raises((exc.IntegrityError, sqlite3.IntegrityError)), database.write() as connection:
        RowInsert(messages).run(connection, make_rows(1))
    database.close()

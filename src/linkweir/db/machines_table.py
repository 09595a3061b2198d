"""Statements on the machines that share a database: each says now and then that it is there, and how it does."""

from typing import Any

from sqlalchemy import Connection, RowMapping, Text, cast, delete, select

from linkweir.clock import DAY_US
from linkweir.db.portable_sql import insert
from linkweir.db.schema import machines

RETENTION_US = 7 * DAY_US  # microseconds after which a silent machine is forgotten that had no clicks


def store(connection: Connection, row: dict[str, Any]) -> None:
    """Store how a machine does at `seen_at`: all columns. Forgets those that have been silent for long, but not one
    that may have clicks in its journal: that is waited for until somebody says that it is gone.
    """
    statement = insert(machines).values(**row)
    changed = {name: value for name, value in row.items() if name not in ("host", "folder")}
    connection.execute(statement.on_conflict_do_update(index_elements=["host", "folder"], set_=changed))
    has_no_clicks = (machines.c.clicks_waiting == 0) & ~cast(machines.c.roles, Text).contains('"redirect"')
    connection.execute(delete(machines).where(machines.c.seen_at < row["seen_at"] - RETENTION_US, has_no_clicks))


def remove(connection: Connection, host: str, folder: str) -> None:
    """Forget a machine that was stopped, or is gone."""
    connection.execute(delete(machines).where(machines.c.host == host, machines.c.folder == folder))


def list_all(connection: Connection) -> list[RowMapping]:
    """All of them, by name."""
    return list(connection.execute(select(machines).order_by(machines.c.host, machines.c.folder)).mappings())

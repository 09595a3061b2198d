"""Statements on SMTP credentials."""

import uuid
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select

from linkweir.db.schema import smtp_credentials

_GET = select(smtp_credentials).where(
    smtp_credentials.c.account_id == bindparam("account"), smtp_credentials.c.id == bindparam("credential")
)  # made once: it runs for each mail


def get_by_username(connection: Connection, username: str) -> RowMapping | None:
    """The credential with this username."""
    statement = select(smtp_credentials).where(smtp_credentials.c.username == username)
    return connection.execute(statement).mappings().first()


def add(connection: Connection, values: dict[str, Any]) -> None:
    """A new credential."""
    connection.execute(insert(smtp_credentials).values(**values))


def count(connection: Connection, account: uuid.UUID) -> int:
    """How many an account has."""
    statement = select(func.count()).select_from(smtp_credentials).where(smtp_credentials.c.account_id == account)
    return connection.scalar(statement) or 0


def get(connection: Connection, account: uuid.UUID, credential: uuid.UUID) -> RowMapping | None:
    """One credential of this account."""
    return connection.execute(_GET, {"account": account, "credential": credential}).mappings().first()


def remove(connection: Connection, account: uuid.UUID, credential: uuid.UUID) -> bool:
    """Forget a credential; whether there was one."""
    here = (smtp_credentials.c.account_id == account, smtp_credentials.c.id == credential)
    return bool(connection.execute(delete(smtp_credentials).where(*here)).rowcount)

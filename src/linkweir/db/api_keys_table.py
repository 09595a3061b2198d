"""Statements on API keys; a key itself is never stored."""

import uuid
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, select, update

from linkweir.db.schema import api_keys

# made once: it runs for each request
_GET_BY_DIGEST = select(api_keys).where(api_keys.c.digest == bindparam("presented"))


def get_by_digest(connection: Connection, digest: bytes) -> RowMapping | None:
    """The key with this digest."""
    return connection.execute(_GET_BY_DIGEST, {"presented": digest}).mappings().first()


def get(connection: Connection, account: uuid.UUID, key: uuid.UUID) -> RowMapping | None:
    """One key of this account."""
    here = (api_keys.c.account_id == account, api_keys.c.id == key)
    return connection.execute(select(api_keys).where(*here)).mappings().first()


def list_for_account(connection: Connection, account: uuid.UUID) -> list[RowMapping]:
    """Every key of this account, oldest first."""
    mine = select(api_keys).where(api_keys.c.account_id == account).order_by(api_keys.c.created_at, api_keys.c.id)
    return list(connection.execute(mine).mappings())


def delete_by_label(connection: Connection, account: uuid.UUID, label: str) -> None:
    """Forget the keys with this label."""
    connection.execute(delete(api_keys).where(api_keys.c.account_id == account, api_keys.c.label == label))


def update_row(connection: Connection, key: uuid.UUID, values: dict[str, Any]) -> None:
    """Set the given columns."""
    connection.execute(update(api_keys).where(api_keys.c.id == key).values(**values))


def touch(connection: Connection, key: uuid.UUID, at: int) -> None:
    """The key was used."""
    update_row(connection, key, {"last_used_at": at})


def remove(connection: Connection, account: uuid.UUID, key: uuid.UUID) -> bool:
    """Forget a key; whether there was one."""
    here = (api_keys.c.account_id == account, api_keys.c.id == key)
    return bool(connection.execute(delete(api_keys).where(*here)).rowcount)

"""Statements on remembered replies, by which a repeated request is answered instead of carried out again."""

import uuid

from sqlalchemy import Connection, RowMapping, delete, insert, select

from linkweir.store.tables import idempotency


def find(connection: Connection, account: uuid.UUID, key: str) -> RowMapping | None:
    """The remembered reply for this key."""
    statement = select(idempotency).where(idempotency.c.account_id == account, idempotency.c.key == key)
    return connection.execute(statement).mappings().first()


def keep(connection: Connection, account: uuid.UUID, key: str, *, fingerprint: bytes, body: bytes, now: int) -> None:
    """Remember a reply together with what it was the answer to."""
    connection.execute(
        insert(idempotency).values(account_id=account, key=key, fingerprint=fingerprint, body=body, created_at=now)
    )


def drop_before(connection: Connection, at: int) -> None:
    """Forget replies made before `at`."""
    connection.execute(delete(idempotency).where(idempotency.c.created_at < at))

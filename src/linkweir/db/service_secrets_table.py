"""Statements on the secrets of a service that all its machines share, sealed by a key that the database never sees."""

from typing import NamedTuple

from sqlalchemy import Connection, select, update

from linkweir.db.portable_sql import insert
from linkweir.db.schema import service_secrets


class SealedSecret(NamedTuple):
    """A secret as it is stored; `revision` counts its changes."""

    name: str
    sealed: bytes
    revision: int
    updated_at: int


def list_all(connection: Connection) -> list[SealedSecret]:
    """All of them, by name."""
    rows = connection.execute(select(service_secrets).order_by(service_secrets.c.name))
    return [SealedSecret(row.name, bytes(row.sealed), row.revision, row.updated_at) for row in rows]


def get(connection: Connection, name: str) -> SealedSecret | None:
    """The secret of this name; None before it was stored."""
    return next((secret for secret in list_all(connection) if secret.name == name), None)


def get_revision(connection: Connection, name: str) -> int:
    """How often it was changed; 0 before it was stored."""
    return connection.scalar(select(service_secrets.c.revision).where(service_secrets.c.name == name)) or 0


def store(connection: Connection, name: str, sealed: bytes, now: int) -> None:
    """Store a secret, instead of the one that had its name."""
    values = {"sealed": sealed, "updated_at": now}
    changed = {**values, "revision": service_secrets.c.revision + 1}
    if not connection.execute(update(service_secrets).where(service_secrets.c.name == name).values(**changed)).rowcount:
        connection.execute(insert(service_secrets).values(name=name, revision=1, **values))

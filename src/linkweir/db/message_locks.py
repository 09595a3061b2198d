"""Locks of messages, held until the transaction ends: who judges clicks of a message, or settles it, is alone with it.

Rows are locked in the order of their numbers by all who lock several, so that nobody waits in a circle; and before
their clicks are read, so that what is read stands. SQLite has one writer and needs none of this.
"""

import uuid
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import BindParameter, Connection, Select, bindparam, select, text

from linkweir.db.schema import messages

REFERENCE_LOCKS: Final = 0x6C6B72  # the class of advisory locks of messages that are known by their references only
MAX_REFERENCE_LOCKS: Final = 512  # such locks: they are kept in memory by the server, which has room for some thousand
_IDS: BindParameter[uuid.UUID] = bindparam("ids", expanding=True)
_LOCK = text("SELECT pg_advisory_xact_lock(:kind, number) FROM unnest(CAST(:numbers AS integer[])) AS locks (number)")


def hold_rows(statement: Select[tuple[object, ...]], *, skip_locked: bool = False) -> Select[tuple[object, ...]]:
    """Let a statement on messages lock their rows, in order; rows that refer to them can still be added."""
    ordered = statement.order_by(messages.c.number)
    return ordered.with_for_update(key_share=True, skip_locked=skip_locked, of=messages)


_HOLD = hold_rows(select(messages.c.id).where(messages.c.id.in_(_IDS)))
_TRY = hold_rows(select(messages.c.id).where(messages.c.id.in_(_IDS)), skip_locked=True)


def needs_locks(connection: Connection) -> bool:
    """Whether other transactions write at the same time."""
    return connection.dialect.name == "postgresql"


def lock_messages(connection: Connection, ids: Sequence[uuid.UUID]) -> None:
    """Wait until nobody else holds one of these messages, and hold them."""
    if ids and needs_locks(connection):
        connection.execute(_HOLD, {"ids": list(ids)})


def try_lock_messages(connection: Connection, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Hold those of these messages that nobody else holds; which."""
    return set(connection.scalars(_TRY, {"ids": list(ids)})) if ids else set()


def lock_references(connection: Connection, references: Iterable[str]) -> None:
    """The same as `lock_messages` for messages that are not in this database; after those that are."""
    numbers = sorted(
        {zlib.crc32(reference.encode("utf-8", "replace")) % MAX_REFERENCE_LOCKS for reference in references}
    )
    if numbers and needs_locks(connection):
        connection.execute(_LOCK, {"kind": REFERENCE_LOCKS, "numbers": numbers})

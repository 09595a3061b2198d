"""Statements on the mails of messages.

The mails of one submission share one copy of what they have in common (`shared_contents`), and each row of `contents`
has the difference only. What is shared goes with the last mail that needs it.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Delete,
    Select,
    bindparam,
    delete,
    exists,
    select,
    update,
)

from linkweir.db.row_insert import RowInsert
from linkweir.db.schema import contents, queue, shared_contents
from linkweir.mime.mail_delta import decode_mail

BATCH_ROWS = 500  # SQLite takes at most 999 parameters in old builds


class SharedContent(NamedTuple):
    """What the mails of one submission have in common."""

    id: uuid.UUID
    data: bytes


def select_mails(*columns: Any) -> Select[Any]:
    """Select these columns with `raw` and `shared`, of which `to_mail` makes the mail."""
    joined = contents.outerjoin(shared_contents, shared_contents.c.id == contents.c.shared_id)
    return select(*columns, contents.c.raw, shared_contents.c.data.label("shared")).select_from(joined)


def to_mail(raw: bytes, shared: bytes | None) -> bytes:
    """Return the mail that is stored so."""
    return raw if shared is None else decode_mail(shared, raw)


# made once, since they run for each mail: SQLAlchemy takes longer to make a statement than to run it
_MESSAGE_IDS: BindParameter[uuid.UUID] = bindparam("ids", expanding=True)
_GET = select_mails().where(contents.c.message_id == bindparam("message"))
_INSERT, _INSERT_SHARED = RowInsert(contents), RowInsert(shared_contents)
_LIST_EXPIRED = select(contents.c.message_id).where(
    contents.c.message_id.in_(_MESSAGE_IDS), contents.c.keep_until_at <= bindparam("now")
)


def add_shared(connection: Connection, shared: Iterable[SharedContent]) -> None:
    """Store what mails have in common, before they are stored."""
    _INSERT_SHARED.run(connection, [each._asdict() for each in shared])


def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store mails: `message_id`, `raw`, `shared_id` and `keep_until_at`."""
    _INSERT.run(connection, rows)


def get(connection: Connection, message: uuid.UUID) -> bytes | None:
    """Return the mail as it was built, while it is stored."""
    row = connection.execute(_GET, {"message": message}).first()
    return None if row is None else to_mail(row.raw, row.shared)


def list_rows(connection: Connection, message: uuid.UUID) -> list[Mapping[Any, Any]]:
    """The row of a message's mail, if it is stored, with the whole mail."""
    statement = select_mails(contents.c.message_id, contents.c.keep_until_at).where(contents.c.message_id == message)
    return [
        {"message_id": row.message_id, "raw": to_mail(row.raw, row.shared), "keep_until_at": row.keep_until_at}
        for row in connection.execute(statement)
    ]


def delete_where(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    """Remove these mails, and what they alone have shared; how many mails."""
    return delete_mails(connection, list(connection.scalars(select(contents.c.message_id).where(*conditions))))


def delete_expired(connection: Connection, messages: Sequence[uuid.UUID], now: int) -> None:
    """Remove those of these messages' mails that need not be kept."""
    delete_mails(connection, list(connection.scalars(_LIST_EXPIRED, {"ids": messages, "now": now})))


def delete_mails(connection: Connection, messages: Sequence[uuid.UUID]) -> int:
    """Remove the mails of these messages, and what they alone have shared; how many mails."""
    removed = 0
    for start in range(0, len(messages), BATCH_ROWS):
        these = contents.c.message_id.in_(messages[start : start + BATCH_ROWS])
        used = select(contents.c.shared_id).where(these, contents.c.shared_id.is_not(None)).distinct()
        shared = list(connection.scalars(used))
        removed += connection.execute(delete(contents).where(these)).rowcount
        if shared:
            connection.execute(_delete_unused(shared))
    return removed


def delete_unreferenced(connection: Connection) -> None:
    """Remove what no mail shares any more: two transactions that each remove one of the last two see the other's."""
    is_used = exists().where(contents.c.shared_id == shared_contents.c.id)
    connection.execute(delete(shared_contents).where(~is_used))


def _delete_unused(shared: Sequence[uuid.UUID]) -> Delete:
    is_used = exists().where(contents.c.shared_id == shared_contents.c.id)
    return delete(shared_contents).where(shared_contents.c.id.in_(shared), ~is_used)


def delete_once_sent(connection: Connection, messages: Sequence[uuid.UUID]) -> None:
    """Remove the mails of these messages; those that still wait for delivery go right after it."""
    for start in range(0, len(messages), BATCH_ROWS):
        these = contents.c.message_id.in_(messages[start : start + BATCH_ROWS])
        delete_where(connection, these, contents.c.message_id.not_in(select(queue.c.message_id)))
        connection.execute(update(contents).where(these).values(keep_until_at=0))

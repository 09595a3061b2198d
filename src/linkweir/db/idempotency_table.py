"""Statements on remembered replies, by which a repeated request is answered instead of carried out again.

A row is made when a request begins (status 0, for the length of a lease) and filled when it has its answer. It names
the process that carries the request out: when that has died, there will be no answer.
"""

import uuid

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, or_, select, tuple_, update

from linkweir.clock import MAX_SKEW_US
from linkweir.db.portable_sql import insert
from linkweir.db.schema import idempotency

_KEY = (idempotency.c.account_id, idempotency.c.key)


def start(
    connection: Connection,
    account: uuid.UUID,
    key: str,
    *,
    fingerprint: bytes,
    now: int,
    until: int,
    process: uuid.UUID | None = None,
) -> RowMapping | None:
    """The earlier request with this key, running or answered; None when this one is the first and has begun.

    A lease that ends long after `until` was taken while the clock was ahead, and is over.
    """
    ahead = and_(idempotency.c.status == 0, idempotency.c.expires_at > until + MAX_SKEW_US)
    over = select(*_KEY).where(or_(idempotency.c.expires_at <= now, ahead)).with_for_update(skip_locked=True)
    connection.execute(delete(idempotency).where(tuple_(*_KEY).in_(over)))
    statement = select(idempotency).where(idempotency.c.account_id == account, idempotency.c.key == key)
    earlier = connection.execute(statement).mappings().first()
    if earlier is not None:
        return earlier
    values = {"account_id": account, "key": key, "fingerprint": fingerprint, "body": b"", "created_at": now}
    first = insert(idempotency).values(**values, status=0, expires_at=until, claimed_by=process)
    options = {"preserve_rowcount": True}  # of an insertion it is not known otherwise
    if connection.execute(first.on_conflict_do_nothing(), execution_options=options).rowcount == 1:
        return None
    return connection.execute(statement).mappings().one()  # of another machine, which was faster


def complete(
    connection: Connection,
    account: uuid.UUID,
    key: str,
    *,
    begun_at: int,
    status: int,
    body: bytes,
    expires_at: int,
    sealed: bool = False,
) -> bool:
    """Store the response of a request, remembered until `expires_at`. False when the request's lease has ended and
    another one has taken its place: then this one must not be carried out.
    """
    values = {"status": status, "body": body, "expires_at": expires_at, "sealed": sealed}
    return bool(
        connection.execute(update(idempotency).where(_is_request(account, key, begun_at)).values(**values)).rowcount
    )


def discard(connection: Connection, account: uuid.UUID, key: str, begun_at: int) -> None:
    """Forget a request that came to nothing: it may be made again."""
    connection.execute(delete(idempotency).where(_is_request(account, key, begun_at)))


def discard_claims(connection: Connection, process: uuid.UUID) -> None:
    """Forget the requests that a process had begun when it died: they came to nothing."""
    mine = and_(idempotency.c.status == 0, idempotency.c.claimed_by == process)
    connection.execute(delete(idempotency).where(mine))


def get_body(connection: Connection, account: uuid.UUID, key: str, fingerprint: bytes) -> bytes | None:
    """What is stored under this key with this fingerprint."""
    here = and_(idempotency.c.account_id == account, idempotency.c.key == key)
    statement = select(idempotency.c.body).where(here, idempotency.c.fingerprint == fingerprint)
    body = connection.execute(statement).scalar()
    return None if body is None else bytes(body)


def exchange_body(
    connection: Connection,
    account: uuid.UUID,
    key: str,
    fingerprint: bytes,
    *,
    before: bytes | None,
    body: bytes,
    now: int,
    expires_at: int,
) -> bool:
    """Store a body under this key if `before` (None: nothing) is there; whether it was."""
    if before is None:
        values = {"account_id": account, "key": key, "fingerprint": fingerprint, "body": body, "created_at": now}
        first = insert(idempotency).values(**values, status=200, expires_at=expires_at).on_conflict_do_nothing()
        return connection.execute(first, execution_options={"preserve_rowcount": True}).rowcount == 1
    here = and_(idempotency.c.account_id == account, idempotency.c.key == key, idempotency.c.body == before)
    statement = update(idempotency).where(here, idempotency.c.fingerprint == fingerprint)
    return connection.execute(statement.values(body=body, expires_at=expires_at)).rowcount == 1


def delete_expired(connection: Connection, now: int, limit: int) -> int:
    """Remove replies that need not be remembered any more; some hold a secret, or addresses."""
    some = select(*_KEY).where(idempotency.c.expires_at <= now).limit(limit)
    return connection.execute(delete(idempotency).where(tuple_(*_KEY).in_(some))).rowcount


def _is_request(account: uuid.UUID, key: str, begun_at: int) -> ColumnElement[bool]:
    here = and_(idempotency.c.account_id == account, idempotency.c.key == key)
    return and_(here, idempotency.c.created_at == begun_at, idempotency.c.status == 0)

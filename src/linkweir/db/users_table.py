"""Statements on the people who may look at an account's dashboard, and on their sessions.

Refuses to know passwords and cookies: it keeps a hash of one and a digest of the other.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from linkweir.db.schema import sessions, users


def add(connection: Connection, account: uuid.UUID, email: str, password: str, now: int) -> uuid.UUID:
    """A new user; `email` in lower case, `password` hashed. Raises IntegrityError when the e-mail is taken."""
    key = uuid.uuid4()
    values = {"id": key, "account_id": account, "email": email, "password": password}
    connection.execute(insert(users).values(**values, created_at=now, updated_at=now))
    return key


def get_by_email(connection: Connection, email: str) -> RowMapping | None:
    """The user with this e-mail address, in lower case."""
    return connection.execute(select(users).where(users.c.email == email)).mappings().first()


def get(connection: Connection, user: uuid.UUID) -> RowMapping | None:
    """One user."""
    return connection.execute(select(users).where(users.c.id == user)).mappings().first()


def list_all(connection: Connection) -> Sequence[RowMapping]:
    """All users, oldest first."""
    return connection.execute(select(users).order_by(users.c.created_at, users.c.email)).mappings().all()


def count(connection: Connection, account: uuid.UUID) -> int:
    """How many users an account has."""
    return connection.scalar(select(func.count()).select_from(users).where(users.c.account_id == account)) or 0


def set_password(connection: Connection, user: uuid.UUID, password: str, now: int) -> None:
    """A new hash; every session of the user ends."""
    connection.execute(update(users).where(users.c.id == user).values(password=password, updated_at=now))
    connection.execute(delete(sessions).where(sessions.c.user_id == user))


def rehash_password(connection: Connection, user: uuid.UUID, password: str) -> None:
    """The same password under today's parameters; sessions go on."""
    connection.execute(update(users).where(users.c.id == user).values(password=password))


def remove(connection: Connection, user: uuid.UUID) -> None:
    """Forget a user with all sessions."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user))
    connection.execute(delete(users).where(users.c.id == user))


def open_session(connection: Connection, user: uuid.UUID, digest: bytes, now: int, expires_at: int) -> None:
    """Somebody has signed in; sessions that have expired are cleared away on the way."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    connection.execute(insert(sessions).values(digest=digest, user_id=user, created_at=now, expires_at=expires_at))
    connection.execute(update(users).where(users.c.id == user).values(last_seen_at=now))


def get_by_session(connection: Connection, digest: bytes, now: int) -> RowMapping | None:
    """Whose session this is, while it lasts."""
    statement = (
        select(users).join(sessions, sessions.c.user_id == users.c.id).where(sessions.c.digest == digest)
    ).where(sessions.c.expires_at > now)
    return connection.execute(statement).mappings().first()


def close_session(connection: Connection, digest: bytes) -> None:
    """Somebody has signed out."""
    connection.execute(delete(sessions).where(sessions.c.digest == digest))

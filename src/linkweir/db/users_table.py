"""Statements on the people who may look at an account's dashboard, and on their sessions.

Refuses to know passwords and cookies: it keeps a hash of one and a digest of the other.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from linkweir.db.schema import (
    accounts,
    memberships,
    report_mails,
    report_subscriptions,
    sessions,
    user_identities,
    user_links,
    users,
)


def add(
    connection: Connection, account: uuid.UUID, email: str, password: str, now: int, *, role: str = "owner"
) -> uuid.UUID:
    """A new user of an account; `email` in lower case, `password` hashed. Raises IntegrityError when the e-mail is
    taken.
    """
    key = uuid.uuid4()
    values = {"id": key, "email": email, "password": password}
    connection.execute(insert(users).values(**values, created_at=now, updated_at=now))
    add_membership(connection, key, account, role, now)
    return key


def add_membership(connection: Connection, user: uuid.UUID, account: uuid.UUID, role: str, now: int) -> None:
    """A user belongs to one more account. Raises IntegrityError when they do already."""
    values = {"user_id": user, "account_id": account, "role": role}
    connection.execute(insert(memberships).values(**values, created_at=now))


def list_memberships(connection: Connection, user: uuid.UUID) -> Sequence[RowMapping]:
    """The accounts that a user belongs to with their names and the user's role, the first one first."""
    statement = (
        select(memberships, accounts.c.name)
        .join(accounts, accounts.c.id == memberships.c.account_id)
        .where(memberships.c.user_id == user)
        .order_by(memberships.c.created_at, accounts.c.created_at, memberships.c.account_id)
    )
    return connection.execute(statement).mappings().all()


def list_members(connection: Connection, account: uuid.UUID) -> Sequence[RowMapping]:
    """The users of an account with their roles, oldest first."""
    statement = (
        select(users, memberships.c.role, memberships.c.account_id)
        .join(memberships, memberships.c.user_id == users.c.id)
        .where(memberships.c.account_id == account)
        .order_by(memberships.c.created_at, users.c.email)
    )
    return connection.execute(statement).mappings().all()


def set_role(connection: Connection, user: uuid.UUID, account: uuid.UUID, role: str) -> None:
    """Another role in this account, from the next request on."""
    here = (memberships.c.user_id == user, memberships.c.account_id == account)
    connection.execute(update(memberships).where(*here).values(role=role))


def remove_membership(connection: Connection, user: uuid.UUID, account: uuid.UUID) -> None:
    """A user leaves an account; one who belongs to no other is forgotten."""
    for table in (memberships, sessions, report_subscriptions, report_mails):
        connection.execute(delete(table).where(table.c.user_id == user, table.c.account_id == account))
    if not list_memberships(connection, user):
        remove(connection, user)


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
    statement = select(func.count()).select_from(memberships).where(memberships.c.account_id == account)
    return connection.scalar(statement) or 0


def set_password(connection: Connection, user: uuid.UUID, password: str, now: int) -> None:
    """A new hash; every session of the user ends."""
    connection.execute(update(users).where(users.c.id == user).values(password=password, updated_at=now))
    close_sessions(connection, user)


def set_email(connection: Connection, user: uuid.UUID, email: str, now: int) -> None:
    """Another address, in lower case. Raises IntegrityError when somebody has it."""
    connection.execute(update(users).where(users.c.id == user).values(email=email, updated_at=now))


def rehash_password(connection: Connection, user: uuid.UUID, password: str) -> None:
    """The same password under today's parameters; sessions go on."""
    connection.execute(update(users).where(users.c.id == user).values(password=password))


def remove(connection: Connection, user: uuid.UUID) -> None:
    """Forget a user with all sessions, memberships and links."""
    for table in (sessions, memberships, user_identities, user_links, report_subscriptions, report_mails):
        connection.execute(delete(table).where(table.c.user_id == user))
    connection.execute(delete(users).where(users.c.id == user))


def open_session(
    connection: Connection, user: uuid.UUID, account: uuid.UUID, digest: bytes, now: int, *, expires_at: int
) -> None:
    """Somebody has signed in; sessions that have expired are cleared away on the way."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    values = {"digest": digest, "user_id": user, "account_id": account}
    connection.execute(insert(sessions).values(**values, created_at=now, expires_at=expires_at))
    connection.execute(update(users).where(users.c.id == user).values(last_seen_at=now))


def get_by_session(connection: Connection, digest: bytes, now: int) -> RowMapping | None:
    """Whose session this is, while it lasts and they belong to its account: with `account_id` and `role` there."""
    belongs = (memberships.c.user_id == users.c.id) & (memberships.c.account_id == sessions.c.account_id)
    statement = (
        select(users, memberships.c.account_id, memberships.c.role)
        .join(sessions, sessions.c.user_id == users.c.id)
        .join(memberships, belongs)
        .where(sessions.c.digest == digest, sessions.c.expires_at > now)
    )
    return connection.execute(statement).mappings().first()


def set_session_account(connection: Connection, digest: bytes, account: uuid.UUID) -> None:
    """The session looks at another account from now on."""
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(account_id=account))


def close_session(connection: Connection, digest: bytes) -> None:
    """Somebody has signed out."""
    connection.execute(delete(sessions).where(sessions.c.digest == digest))


def close_sessions(connection: Connection, user: uuid.UUID) -> None:
    """The user is signed out everywhere."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user))

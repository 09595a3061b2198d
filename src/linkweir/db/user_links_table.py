"""Statements on links that a person may use once: to join an account, or to set a new password.

Refuses to know the secret of a link: it keeps a digest.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from linkweir.db.schema import user_links


def add(connection: Connection, values: dict[str, Any]) -> None:
    """A new link; those that have expired are cleared away on the way."""
    connection.execute(delete(user_links).where(user_links.c.expires_at <= values["created_at"]))
    connection.execute(insert(user_links).values(**values))


def get(connection: Connection, digest: bytes, now: int) -> RowMapping | None:
    """The link with this digest, while it lasts."""
    here = (user_links.c.digest == digest, user_links.c.expires_at > now)
    return connection.execute(select(user_links).where(*here)).mappings().first()


def list_invitations(connection: Connection, account: uuid.UUID, now: int) -> Sequence[RowMapping]:
    """The invitations to an account that can still be used, newest first."""
    here = (user_links.c.account_id == account, user_links.c.expires_at > now)
    statement = select(user_links).where(*here).order_by(user_links.c.created_at.desc(), user_links.c.email)
    return connection.execute(statement).mappings().all()


def take_invitations(connection: Connection, email: str, now: int) -> Sequence[RowMapping]:
    """The invitations of an address that can still be used, and can no longer."""
    here = (user_links.c.email == email, user_links.c.account_id.is_not(None), user_links.c.expires_at > now)
    rows = connection.execute(select(user_links).where(*here).order_by(user_links.c.created_at)).mappings().all()
    connection.execute(delete(user_links).where(*here))
    return rows


def remove(connection: Connection, digest: bytes) -> bool:
    """Use a link up; False when somebody else was faster."""
    return bool(connection.execute(delete(user_links).where(user_links.c.digest == digest)).rowcount)


def remove_invitations(connection: Connection, account: uuid.UUID, email: str) -> None:
    """Take back what this address was sent for the account."""
    here = (user_links.c.account_id == account, user_links.c.email == email)
    connection.execute(delete(user_links).where(*here))


def remove_invitation(connection: Connection, account: uuid.UUID, link: uuid.UUID) -> bool:
    """Take back one invitation of the account; False when there is no such one."""
    here = (user_links.c.account_id == account, user_links.c.id == link)
    return bool(connection.execute(delete(user_links).where(*here)).rowcount)


def remove_resets(connection: Connection, user: uuid.UUID) -> None:
    """Take back all links that set a user's password."""
    connection.execute(delete(user_links).where(user_links.c.user_id == user))

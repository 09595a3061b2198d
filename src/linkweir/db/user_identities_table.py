"""Statements on who a user is to an identity provider: an issuer, and a subject that it never gives to anybody else."""

import uuid

from sqlalchemy import Connection, RowMapping, delete, insert, select

from linkweir.db.schema import user_identities, users


def find_user(connection: Connection, issuer: str, subject: str) -> RowMapping | None:
    """The user who is this subject of the issuer's."""
    belongs = user_identities.c.user_id == users.c.id
    here = (user_identities.c.issuer == issuer, user_identities.c.subject == subject)
    return connection.execute(select(users).join(user_identities, belongs).where(*here)).mappings().first()


def has_subject(connection: Connection, user: uuid.UUID, issuer: str) -> bool:
    """Whether the user is known to be a subject of the issuer's."""
    here = (user_identities.c.user_id == user, user_identities.c.issuer == issuer)
    return connection.scalar(select(user_identities.c.user_id).where(*here)) is not None


def add(connection: Connection, user: uuid.UUID, issuer: str, subject: str, now: int) -> None:
    """The user is this subject. Raises IntegrityError when somebody is already, or the user is another one."""
    values = {"user_id": user, "issuer": issuer, "subject": subject, "created_at": now}
    connection.execute(insert(user_identities).values(**values))


def remove_all(connection: Connection, user: uuid.UUID) -> int:
    """Forget who the user is to any provider, and return how many there were."""
    return connection.execute(delete(user_identities).where(user_identities.c.user_id == user)).rowcount

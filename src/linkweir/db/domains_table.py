"""Statements on the domains that an account sends from."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update

from linkweir.db.schema import accounts, domains

_FIND = select(domains).where(domains.c.account_id == bindparam("account"), domains.c.domain == bindparam("name"))


def add(connection: Connection, values: dict[str, Any]) -> None:
    """A new domain. Raises IntegrityError when the account has it already."""
    connection.execute(insert(domains).values(**values))


def find(connection: Connection, account: uuid.UUID, domain: str) -> RowMapping | None:
    """The account's domain of this name, in ASCII and lower case."""
    return connection.execute(_FIND, {"account": account, "name": domain}).mappings().first()


def get(connection: Connection, account: uuid.UUID, domain: uuid.UUID) -> RowMapping | None:
    """The account's domain with this id."""
    statement = select(domains).where(domains.c.account_id == account, domains.c.id == domain)
    return connection.execute(statement).mappings().first()


def update_row(connection: Connection, domain: uuid.UUID, values: dict[str, Any]) -> None:
    """Set the given columns."""
    connection.execute(update(domains).where(domains.c.id == domain).values(**values))


def remove(connection: Connection, domain: uuid.UUID) -> None:
    """Forget a domain; mail that was sent from it stays."""
    connection.execute(delete(domains).where(domains.c.id == domain))


def list_names(connection: Connection, account: uuid.UUID) -> Sequence[str]:
    """The names of an account's domains."""
    return connection.scalars(select(domains.c.domain).where(domains.c.account_id == account)).all()


def count(connection: Connection, account: uuid.UUID) -> int:
    """How many domains an account has."""
    return connection.scalar(select(func.count()).where(domains.c.account_id == account)) or 0


def mark_all_proven(connection: Connection, now: int) -> None:
    """Let the domains that are there go on serving links, whoever comes."""
    connection.execute(update(domains).where(domains.c.proven_at.is_(None)).values(proven_at=now))


def has_several_accounts(connection: Connection) -> bool:
    """Whether a domain has to be proven before it serves links."""
    return len(connection.scalars(select(accounts.c.id).limit(2)).all()) > 1


def serves_links(connection: Connection, row: Mapping[Any, Any]) -> bool:
    """Whether links may be on the tracking host of this domain: its DNS has proven it, or there is one account only."""
    return row["proven_at"] is not None or not has_several_accounts(connection)


def list_due(connection: Connection, fine_before: int, others_before: int, limit: int) -> Sequence[RowMapping]:
    """Domains with a tracking host to be checked, the longest unchecked first: those that led here at a check before
    `fine_before`, and those that did not, or were made or changed and not checked since, before `others_before`.
    """
    checked_at = func.coalesce(domains.c.dns_checked_at, domains.c.updated_at)
    is_fine = domains.c.found_at == domains.c.dns_checked_at
    is_other = domains.c.found_at.is_(None) | (domains.c.found_at != domains.c.dns_checked_at)
    due = (is_fine & (checked_at < fine_before)) | (is_other & (checked_at < others_before))
    statement = select(domains).where(domains.c.tracking_subdomain.is_not(None), due)
    return connection.execute(statement.order_by(checked_at, domains.c.id).limit(limit)).mappings().all()


def list_lost(connection: Connection, account: uuid.UUID, limit: int) -> Sequence[RowMapping]:
    """Domains of the account whose tracking host led here and no longer does, the first one lost first."""
    here = (domains.c.account_id == account, domains.c.lost_at.is_not(None))
    statement = select(domains).where(*here).order_by(domains.c.lost_at, domains.c.id).limit(limit)
    return connection.execute(statement).mappings().all()


def list_tracking_hosts(connection: Connection) -> list[str]:
    """Every host that tracking links of some domain live on."""
    statement = select(domains.c.tracking_subdomain, domains.c.domain).where(domains.c.tracking_subdomain.is_not(None))
    if has_several_accounts(connection):
        statement = statement.where(domains.c.proven_at.is_not(None))
    return [f"{row.tracking_subdomain}.{row.domain}" for row in connection.execute(statement)]

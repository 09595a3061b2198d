"""Statements on reports by mail: who wants which, and which of them were sent.

What a report is about is kept as a digest: a campaign may be named after a person.
"""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, or_, select, update

from linkweir.db import portable_sql
from linkweir.db.schema import accounts, memberships, report_mails, report_subscriptions, users


class ReportKey(NamedTuple):
    """One report: for whom, and a digest of what it is about."""

    user: uuid.UUID
    account: uuid.UUID
    subject: bytes


def set_subscription(connection: Connection, user: uuid.UUID, account: uuid.UUID, values: dict[str, Any]) -> None:
    """Replace what a user wants of an account: `kind`, `dashboard_root`, `language` and `since_at`; without `values`:
    nothing.
    """
    key = {"user_id": user, "account_id": account}
    here = (report_subscriptions.c.user_id == user, report_subscriptions.c.account_id == account)
    connection.execute(delete(report_subscriptions).where(*here))
    if values:
        connection.execute(insert(report_subscriptions).values(**key, **values))


def get_kind(connection: Connection, user: uuid.UUID, account: uuid.UUID) -> str | None:
    """What a user wants of an account; None for nothing."""
    here = (report_subscriptions.c.user_id == user, report_subscriptions.c.account_id == account)
    return connection.scalar(select(report_subscriptions.c.kind).where(*here))


def set_language(connection: Connection, user: uuid.UUID, language: str) -> None:
    """Change the language of all reports that a user wants."""
    mine = report_subscriptions.c.user_id == user
    connection.execute(update(report_subscriptions).where(mine).values(language=language))


def list_subscriptions(connection: Connection) -> Sequence[RowMapping]:
    """All that users want of accounts they still belong to, with their `email` and the account's `name`."""
    belongs = and_(
        memberships.c.user_id == report_subscriptions.c.user_id,
        memberships.c.account_id == report_subscriptions.c.account_id,
    )
    statement = (
        select(report_subscriptions, users.c.email, accounts.c.name)
        .join(memberships, belongs)
        .join(users, users.c.id == report_subscriptions.c.user_id)
        .join(accounts, accounts.c.id == report_subscriptions.c.account_id)
        .order_by(report_subscriptions.c.since_at, report_subscriptions.c.user_id, report_subscriptions.c.account_id)
    )
    return connection.execute(statement).mappings().all()


def list_settled(connection: Connection, user: uuid.UUID, account: uuid.UUID, now: int) -> set[bytes]:
    """The subjects of reports that are not to be tried now: sent, given up, or to be tried later."""
    mine = (report_mails.c.user_id == user, report_mails.c.account_id == account)
    waits = or_(report_mails.c.due_at.is_(None), report_mails.c.due_at > now)
    return set(connection.scalars(select(report_mails.c.subject).where(*mine, waits)))


def count_since(connection: Connection, user: uuid.UUID, account: uuid.UUID, since: int) -> int:
    """Count the reports that were first tried since then."""
    mine = (report_mails.c.user_id == user, report_mails.c.account_id == account)
    return connection.scalar(select(func.count()).where(*mine, report_mails.c.created_at > since)) or 0


def claim(connection: Connection, key: ReportKey, kind: str, now: int) -> int:
    """Take a report that is due, for whoever still wants it; return the number of this attempt, 0 when it is another's
    or nobody's. It is tried again only after `release`.
    """
    user, account, subject = key
    belongs = (memberships.c.user_id == user, memberships.c.account_id == account)
    is_member = connection.scalar(select(memberships.c.user_id).where(*belongs))
    if is_member is None or get_kind(connection, user, account) != kind:
        return 0
    new = portable_sql.insert(report_mails).values(
        user_id=user, account_id=account, subject=subject, attempts=1, created_at=now
    )
    if attempt := connection.scalar(new.on_conflict_do_nothing().returning(report_mails.c.attempts)):
        return int(attempt)
    again = (
        update(report_mails)
        .where(_is_report(key), report_mails.c.due_at <= now)
        .values(attempts=report_mails.c.attempts + 1, due_at=None)
        .returning(report_mails.c.attempts)
    )
    return connection.scalar(again) or 0


def release(connection: Connection, key: ReportKey, due_at: int) -> None:
    """A report that was not sent is to be tried again."""
    connection.execute(update(report_mails).where(_is_report(key)).values(due_at=due_at))


def delete_old(connection: Connection, before: int) -> None:
    """Forget reports that nobody would send any more."""
    connection.execute(delete(report_mails).where(report_mails.c.created_at < before))


def _is_report(key: ReportKey) -> Any:
    return and_(
        report_mails.c.user_id == key.user,
        report_mails.c.account_id == key.account,
        report_mails.c.subject == key.subject,
    )

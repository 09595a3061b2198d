"""Statements on links to the report of one campaign, for people without an account. The secret is kept as a digest."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from linkweir.db.schema import report_links


def add(connection: Connection, values: dict[str, Any]) -> None:
    """A new link; those that have expired are cleared away on the way."""
    connection.execute(delete(report_links).where(report_links.c.expires_at <= values["created_at"]))
    connection.execute(insert(report_links).values(**values))


def get(connection: Connection, digest: bytes, now: int) -> RowMapping | None:
    """The link with this digest, while it lasts."""
    here = (report_links.c.digest == digest, report_links.c.expires_at > now)
    return connection.execute(select(report_links).where(*here)).mappings().first()


def list_for_campaign(connection: Connection, account: uuid.UUID, tag: str, now: int) -> Sequence[RowMapping]:
    """The links to a campaign's report that can be used, newest first."""
    here = (report_links.c.account_id == account, report_links.c.tag == tag, report_links.c.expires_at > now)
    statement = select(report_links).where(*here).order_by(report_links.c.created_at.desc(), report_links.c.id)
    return connection.execute(statement).mappings().all()


def remove(connection: Connection, account: uuid.UUID, link: uuid.UUID) -> bool:
    """Take a link back; False when the account has no such one."""
    here = (report_links.c.account_id == account, report_links.c.id == link)
    return bool(connection.execute(delete(report_links).where(*here)).rowcount)

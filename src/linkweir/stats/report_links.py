"""Links that show the sums of one campaign to whoever has them, until a date or until they are revoked.

The attack: a link that is passed on or found. It shows no addresses, hits or destinations, it ends, and the database
keeps only a digest of it.
"""

import hashlib
import secrets
import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping

from linkweir.clock import DAY_US
from linkweir.db import report_links_table
from linkweir.errors import NotFound, ValidationError
from linkweir.translation import gettext

MAX_DAYS = 366
MAX_LINKS = 100  # of one campaign that can be used at a time
DEFAULT_DAYS = 30


def create_report_link(
    connection: Connection, account: uuid.UUID, tag: str, now: int, *, days: str, author: str
) -> tuple[str, int]:
    """Create a link; return its secret, which cannot be read again, and when it ends. Raises ValidationError."""
    if not days.isascii() or not days.isdigit() or not 1 <= int(days[:9]) <= MAX_DAYS:
        raise ValidationError("days", gettext("must be a number from %(least)s to %(most)s", least=1, most=MAX_DAYS))
    if len(report_links_table.list_for_campaign(connection, account, tag, now)) >= MAX_LINKS:
        raise ValidationError(
            "days",
            gettext("cannot be set: the campaign already has %(most)s links, which is the maximum", most=MAX_LINKS),
        )
    secret, expires_at = secrets.token_urlsafe(32), now + int(days) * DAY_US
    names = {"id": uuid.uuid4(), "account_id": account, "tag": tag, "digest": _digest(secret)}
    report_links_table.add(connection, {**names, "created_at": now, "created_by": author, "expires_at": expires_at})
    return secret, expires_at


def load_report_link(connection: Connection, secret: str, now: int) -> RowMapping:
    """The account and the tag that a link shows. Raises NotFound for one that has ended, was revoked or never was."""
    row = report_links_table.get(connection, _digest(secret), now)
    if row is None:
        raise NotFound(gettext("This link has expired or was revoked. Ask whoever sent it for a new one."))
    return row


def list_report_links(connection: Connection, account: uuid.UUID, tag: str, now: int) -> Sequence[RowMapping]:
    """The links to a campaign's report that can be used, newest first."""
    return report_links_table.list_for_campaign(connection, account, tag, now)


def revoke_report_link(connection: Connection, account: uuid.UUID, link: uuid.UUID) -> None:
    """Take a link back. Raises NotFound."""
    if not report_links_table.remove(connection, account, link):
        raise NotFound(gettext("There is no such link."))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()

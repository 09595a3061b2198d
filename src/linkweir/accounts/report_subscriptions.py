"""What reports by mail a user wants of an account: none, one of each campaign, or one of each week."""

import uuid
from typing import Final

from sqlalchemy import Connection

from linkweir.db import report_mails_table
from linkweir.errors import ValidationError

NO_REPORTS: Final = "none"
DESCRIPTIONS: Final = {
    NO_REPORTS: "None",
    "campaign": "Of each campaign, 48 hours after its first message",
    "weekly": "Of each week, on Monday",
}


def get_report_kind(connection: Connection, user: uuid.UUID, account: uuid.UUID) -> str:
    """What a user wants: a key of DESCRIPTIONS."""
    return report_mails_table.get_kind(connection, user, account) or NO_REPORTS


def set_report_kind(
    connection: Connection, user: uuid.UUID, account: uuid.UUID, kind: str, now: int, *, dashboard_root: str
) -> None:
    """Choose anew, from `now` (microseconds since 1970) on. `dashboard_root`: the path of the dashboard, for links in
    reports. Raises ValidationError.
    """
    if kind not in DESCRIPTIONS:
        raise ValidationError("reports", f"is {kind[:40]!r}; known are {', '.join(DESCRIPTIONS)}")
    if kind == get_report_kind(connection, user, account):
        return
    values = {} if kind == NO_REPORTS else {"kind": kind, "dashboard_root": dashboard_root, "since_at": now}
    report_mails_table.set_subscription(connection, user, account, values)

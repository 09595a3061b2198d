"""What reports by mail a user wants of an account: none, one of each campaign, or one of each week."""

import uuid
from typing import Final

from sqlalchemy import Connection

from linkweir.db import report_mails_table
from linkweir.errors import ValidationError
from linkweir.translation import current_language, gettext, gettext_noop

NO_REPORTS: Final = "none"
DESCRIPTIONS: Final = {
    NO_REPORTS: gettext_noop("None"),
    "campaign": gettext_noop("Of each campaign, 48 hours after its first message"),
    "weekly": gettext_noop("Of each week, on Monday"),
}


def get_report_kind(connection: Connection, user: uuid.UUID, account: uuid.UUID) -> str:
    """What a user wants: a key of DESCRIPTIONS."""
    return report_mails_table.get_kind(connection, user, account) or NO_REPORTS


def set_report_kind(
    connection: Connection, user: uuid.UUID, account: uuid.UUID, kind: str, now: int, *, dashboard_root: str
) -> None:
    """Choose anew, from `now` (microseconds since 1970) on. `dashboard_root`: the path of the dashboard, for links in
    reports, which are written in the language that is set now, as are the user's other ones. Raises ValidationError.
    """
    if kind not in DESCRIPTIONS:
        raise ValidationError(
            "reports", gettext("is %(value)r; known are %(choices)s", value=kind[:40], choices=", ".join(DESCRIPTIONS))
        )
    language = current_language().code
    report_mails_table.set_language(connection, user, language)
    if kind == get_report_kind(connection, user, account):
        return
    wanted = {"kind": kind, "dashboard_root": dashboard_root, "language": language, "since_at": now}
    values = {} if kind == NO_REPORTS else wanted
    report_mails_table.set_subscription(connection, user, account, values)

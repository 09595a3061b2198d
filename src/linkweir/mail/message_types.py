"""A message as a customer asked for it, in words that know no HTTP, no SQL and no MIME.

Every interface (API v1 and v2, SMTP) translates its own request into a `Submission`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from linkweir.accounts.tracking_preferences import NO_PREFERENCES, TrackingPreferences

SandboxResult = Literal["deliver", "bounce", "defer", "fail", "suppress"]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name shown for it."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class MailRecipient:
    """One recipient. `substitutions` is None when none were given. `attributes` and `variant` (A/B) only come back
    in statistics.
    """

    mailbox: Mailbox
    substitutions: Mapping[str, Any] | None = None
    preferences: TrackingPreferences = NO_PREFERENCES
    attributes: Mapping[str, str] | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class MailAttachment:
    """A file that goes along; with a `content_id` it is shown inside the HTML."""

    data: bytes
    content_type: str
    file_name: str
    inline: bool = False
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Everything asked for in one request. Times are microseconds since 1970, retention is days; None: as the
    account has it; `warnings` are noted with each message. With a `sandbox_result` nothing is delivered.
    """

    sender: Mailbox
    recipients: tuple[MailRecipient, ...]
    subject: str
    text: str | None = None
    html: str | None = None
    amp: str | None = None
    reply_to: Mailbox | None = None
    attachments: tuple[MailAttachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    substitutions: Mapping[str, Any] | None = None
    tags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    preferences: TrackingPreferences = NO_PREFERENCES
    sandbox_result: SandboxResult | None = None
    metadata_retention_days: int | None = None
    content_retention_days: int | None = None
    first_attempt_at: int | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """What became of one recipient: `message_id` (`<uuid@domain>`) and status, or the error that kept it
    out.
    """

    recipient: MailRecipient
    message_id: str | None
    status: Literal["queued", "scheduled", "error"]
    error: str | None = None

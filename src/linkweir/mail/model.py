"""A message as a customer asked for it, in words that know no HTTP, no SQL and no MIME.

Every front door (API v2 today) translates its own request into a `Submission`.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from linkweir.token import Privacy

LinkStyle = Literal["sealed", "short"]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name shown for it."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient. `substitutions` is None when none were given; `track_clicks` None leaves it to the
    message.
    """

    mailbox: Mailbox
    substitutions: Mapping[str, Any] | None = None
    track_clicks: bool | None = None
    privacy: Privacy = Privacy.FULL


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along; with a `content_id` it is shown inside the HTML."""

    data: bytes
    content_type: str
    file_name: str
    inline: bool = False
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Everything asked for in one request. Times are microseconds since 1970."""

    sender: Mailbox
    recipients: tuple[Recipient, ...]
    subject: str
    text: str | None = None
    html: str | None = None
    reply_to: Mailbox | None = None
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    substitutions: Mapping[str, Any] | None = None
    tags: tuple[str, ...] = ()
    track_clicks: bool | None = None
    privacy: Privacy = Privacy.FULL
    link_style: LinkStyle | None = None
    first_attempt_at: int | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one recipient: `message_id` (`<uuid@domain>`) and status, or the error that kept it
    out.
    """

    recipient: Recipient
    message_id: str | None
    status: Literal["queued", "scheduled", "error"]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What sending needs to know of the account."""

    id: uuid.UUID
    track_clicks: bool
    keep_content_days: int

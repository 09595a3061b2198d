"""From the JSON of API v2 to a submission. What cannot be done yet is refused, never left out silently."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from linkweir.edge.v2 import shapes
from linkweir.errors import BadInput, NotSupported
from linkweir.mail.model import Attachment, Mailbox, Recipient, Submission, Wishes
from linkweir.token import Privacy

DEPTH = 32  # of lists and objects inside each other
DAY = 86_400 * 1_000_000  # microseconds
TRUE = frozenset(["true", "1"])
FALSE = frozenset(["false", "0"])
UNSUPPORTED_HEADERS = frozenset(["ahasend-sandbox-result", "ahasend-metadata-retention", "ahasend-data-retention"])


def submission(message: shapes.Message, now: int) -> Submission:
    """What the request asks for. Raises BadInput or NotSupported naming the field."""
    _refuse_unsupported(message)
    if not message.text_content and not message.html_content:
        raise BadInput("text_content", "text_content or html_content is required")
    wishes = _Wishes(message.headers or {})
    first_attempt_at, expires_at = _schedule(message.schedule, now)
    return Submission(
        sender=_mailbox(message.sender),
        recipients=tuple(_recipient(item, place) for place, item in enumerate(message.recipients)),
        subject=message.subject,
        text=message.text_content or None,
        html=message.html_content or None,
        reply_to=_mailbox(message.reply_to) if message.reply_to else None,
        attachments=tuple(_attachment(item, place) for place, item in enumerate(message.attachments or ())),
        headers=message.headers or {},
        substitutions=_substitutions(message.substitutions, "substitutions"),
        tags=tuple(message.tags) if message.tags is not None else wishes.tags,
        wishes=Wishes(
            track_clicks=_first(message.tracking.click if message.tracking else None, wishes.track_clicks),
            privacy=Privacy(message.privacy) if message.privacy else None,
            link_style=message.link_style,
        ),
        first_attempt_at=first_attempt_at,
        expires_at=expires_at,
    )


class _Wishes:
    """What `ahasend-*` names inside `headers` ask for, as they do in SMTP; the fields of the request win."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.track_clicks: bool | None = None
        self.tags: tuple[str, ...] = ()
        for name, value in headers.items():
            self._take(name.lower(), value.strip().lower(), value, f"headers.{name!a}")

    def _take(self, name: str, word: str, value: str, field: str) -> None:
        if name == "ahasend-track-clicks" and word in ("true", "false"):
            self.track_clicks = word == "true"
        elif name == "ahasend-tags":
            self.tags = _header_tags(value, field)
        elif (name in ("ahasend-track-opens", "ahasend-sandbox") and word in TRUE) or name in UNSUPPORTED_HEADERS:
            raise NotSupported(field, "is not supported yet")


def _header_tags(value: str, field: str) -> tuple[str, ...]:
    tags = tuple(tag.strip() for tag in value.split(",") if tag.strip())
    if len(tags) > 10 or any(len(tag) > 64 for tag in tags):
        raise BadInput(field, "must be at most 10 tags of at most 64 characters")
    return tags


def _refuse_unsupported(message: shapes.Message) -> None:
    asked = {
        "amp_content": bool(message.amp_content),
        "sandbox": bool(message.sandbox),
        "sandbox_result": message.sandbox_result is not None,
        "retention": message.retention is not None,
        "utm": message.utm is not None,
        "tracking.open": bool(message.tracking and message.tracking.open),
    }
    for place, one in enumerate(message.recipients):
        asked[f"recipients[{place}].attributes"] = one.attributes is not None
        asked[f"recipients[{place}].variant"] = one.variant is not None
        asked[f"recipients[{place}].tracking.open"] = bool(one.tracking and one.tracking.open)
    for field, wanted in asked.items():
        if wanted:
            raise NotSupported(field, "is not supported yet")


def _first(*values: bool | None) -> bool | None:
    return next((value for value in values if value is not None), None)


def _mailbox(address: shapes.Address) -> Mailbox:
    return Mailbox(address.email, address.name or "")


def _recipient(item: shapes.Recipient, place: int) -> Recipient:
    return Recipient(
        Mailbox(item.email, item.name or ""),
        _substitutions(item.substitutions, f"recipients[{place}].substitutions"),
        Wishes(
            track_clicks=item.tracking.click if item.tracking else None,
            privacy=Privacy(item.privacy) if item.privacy else None,
        ),
    )


def _substitutions(values: dict[str, Any] | None, field: str) -> dict[str, Any] | None:
    """The values, if they can be walked: what recurses over them has a stack with an end."""
    level: list[Any] = [values]
    for _ in range(DEPTH):
        level = [part for item in level for part in _parts(item)]
    if any(isinstance(item, dict | list) for item in level):
        raise BadInput(field, f"is nested deeper than {DEPTH} levels")
    return values


def _parts(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()


def _attachment(item: shapes.Attachment, place: int) -> Attachment:
    field = f"attachments[{place}]"
    if item.content_disposition not in (None, "", "attachment", "inline"):
        raise BadInput(f"{field}.content_disposition", "must be attachment or inline")
    try:
        data = base64.b64decode(item.data, validate=True) if item.base64 else item.data.encode()
    except (binascii.Error, ValueError):
        raise BadInput(f"{field}.data", "is not base64") from None
    # inline only with an id: without one no HTML could show it
    inline = bool(item.content_id) and item.content_disposition != "attachment"
    return Attachment(data, item.content_type, item.file_name, inline, item.content_id or "")


def _schedule(schedule: shapes.Schedule | None, now: int) -> tuple[int | None, int | None]:
    if schedule is None:
        return None, None
    first = _moment(schedule.first_attempt)
    expires = _moment(schedule.expires)
    if first is not None and first > now + 7 * DAY:
        raise BadInput("schedule.first_attempt", "must be at most 7 days ahead")
    if expires is not None and not max(first or now, now) < expires <= now + 8 * DAY:
        raise BadInput("schedule.expires", "must be after the first attempt and at most 8 days ahead")
    return first, expires


def _moment(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp() * 1_000_000)

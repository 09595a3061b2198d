"""Converts requests of API v2 to submissions; applies no settings of the account."""

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
import orjson

from linkweir.accounts.resource_changes import UtmOptions
from linkweir.accounts.skip_patterns import to_link_options
from linkweir.accounts.tracking_preferences import TrackingPreferences, UtmSettings
from linkweir.api.v2 import request_types
from linkweir.clock import DAY_US
from linkweir.errors import ValidationError
from linkweir.mail import content_validation, tracking_headers
from linkweir.mail.message_types import MailAttachment, Mailbox, MailRecipient, SandboxResult, Submission
from linkweir.mail.tracking_headers import HeaderPreferences
from linkweir.tokens import Privacy

MAX_DEPTH = 32  # nested lists and objects
BASE64_CHUNK_CHARS = 1024 * 1024  # characters of base64 decoded at once, a multiple of 4: decoding holds the GIL
CONTENT_ID_SAFE = "!#$&'()*+,/:;=?@[]{|}^`\"\\%"
T = TypeVar("T")


def to_submission(message: request_types.SendRequest, now: int) -> Submission:
    """Convert the request. Raises ValidationError naming the field."""
    if not message.text_content and not message.html_content:
        raise ValidationError("text_content", "text_content or html_content is required")
    headers = message.headers or {}
    from_headers = tracking_headers.parse_headers(headers.items())
    first_attempt_at, expires_at = _parse_schedule(message.schedule, now)
    retention = message.retention or request_types.RetentionOptions()
    return Submission(
        sender=_to_mailbox(message.sender),
        recipients=tuple(_to_recipient(item, index) for index, item in enumerate(message.recipients)),
        subject=message.subject,
        text=message.text_content or None,
        html=message.html_content or None,
        amp=message.amp_content or None,
        reply_to=_to_mailbox(message.reply_to) if message.reply_to else None,
        attachments=tuple(_to_attachment(item, index) for index, item in enumerate(message.attachments or ())),
        headers=headers,
        substitutions=_parse_substitutions(message.substitutions, "substitutions"),
        tags=tuple(message.tags) if message.tags is not None else from_headers.tags,
        warnings=(*from_headers.warnings, *content_validation.list_ignored_headers(headers)),
        preferences=to_message_preferences(message, from_headers),
        sandbox_result=_sandbox_result(message, from_headers),
        metadata_retention_days=_coalesce(retention.metadata, from_headers.metadata_retention_days),
        content_retention_days=_coalesce(retention.data, from_headers.content_retention_days),
        first_attempt_at=first_attempt_at,
        expires_at=expires_at,
    )


def to_message_preferences(
    message: request_types.SendRequest | request_types.CheckRequest, from_headers: HeaderPreferences
) -> TrackingPreferences:
    """Return the message's tracking preferences; fields override headers. Raises ValidationError."""
    tracking = message.tracking or request_types.TrackingOptions()
    return TrackingPreferences(
        track_clicks=_coalesce(tracking.click, from_headers.track_clicks),
        track_opens=_coalesce(tracking.open, from_headers.track_opens),
        privacy=Privacy(message.privacy) if message.privacy else None,
        link_style=message.link_style,
        utm=to_utm(message.utm),
        honeypot=message.honeypot,
        **to_link_options(message.opt_out, message.skip, message.outlook),
    )


def to_utm(options: UtmOptions | None) -> UtmSettings | None:
    """Return the UTM parameters."""
    return UtmSettings(**{**msgspec.structs.asdict(options), "hosts": tuple(options.hosts or ())}) if options else None


def _sandbox_result(message: request_types.SendRequest, from_headers: HeaderPreferences) -> SandboxResult | None:
    is_sandbox = from_headers.sandbox if message.sandbox is None else message.sandbox
    return (message.sandbox_result or from_headers.sandbox_result or "deliver") if is_sandbox else None


def _coalesce(*values: T | None) -> T | None:
    return next((value for value in values if value is not None), None)


def _to_mailbox(address: request_types.EmailAddress) -> Mailbox:
    return Mailbox(address.email, address.name or "")


def _to_recipient(item: request_types.SendRecipient, position: int) -> MailRecipient:
    return MailRecipient(
        Mailbox(item.email, item.name or ""),
        _parse_substitutions(item.substitutions, f"recipients[{position}].substitutions"),
        TrackingPreferences(
            track_clicks=item.tracking.click if item.tracking else None,
            track_opens=item.tracking.open if item.tracking else None,
            privacy=Privacy(item.privacy) if item.privacy else None,
        ),
        item.attributes,
        item.variant,
    )


def _parse_substitutions(raw: msgspec.Raw, field: str) -> dict[str, Any] | None:
    """Decode substitutions and limit their depth, since rendering recurses. Raises ValidationError."""
    if not memoryview(raw):
        return None
    try:
        values = orjson.loads(memoryview(raw))
    except orjson.JSONDecodeError as error:
        raise ValidationError(field, f"cannot be read: {error}") from None
    if not isinstance(values, dict | None):
        raise ValidationError(
            field, f"must be an object, not {memoryview(raw)[:40].tobytes().decode('utf-8', 'replace')}"
        )
    level: list[Any] = [values]
    for _ in range(MAX_DEPTH):
        level = [part for item in level for part in _child_values(item)]
    if any(isinstance(item, dict | list) for item in level):
        raise ValidationError(field, f"is nested deeper than {MAX_DEPTH} levels")
    return values


def _child_values(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()


def _to_attachment(item: request_types.SendAttachment, position: int) -> MailAttachment:
    field = f"attachments[{position}]"
    if item.content_disposition not in (None, "", "attachment", "inline"):
        raise ValidationError(f"{field}.content_disposition", "must be attachment or inline")
    try:
        data = _decode_base64(item.data) if item.base64 else item.data.encode()
    except (binascii.Error, ValueError):
        raise ValidationError(f"{field}.data", "is not base64") from None
    content_id = _to_content_id(item.content_id or "")
    inline = bool(content_id) and item.content_disposition != "attachment"
    return MailAttachment(data, item.content_type, item.file_name, inline, content_id)


def _decode_base64(text: str) -> bytes:
    """Decode base64 with optional line breaks and spaces, as mail encoders write it. Raises ValueError."""
    data = text.encode("ascii").translate(None, b" \t\r\n")
    return b"".join(
        base64.b64decode(data[start : start + BASE64_CHUNK_CHARS], validate=True)
        for start in range(0, len(data), BASE64_CHUNK_CHARS)
    )


def _to_content_id(text: str) -> str:
    """Return the Content-ID in `<...>`; some clients send a file name with arbitrary characters."""
    name = text.strip()
    if not name or name.startswith("<"):
        return name
    return f"<{quote(name, safe=CONTENT_ID_SAFE)}>"


def _parse_schedule(schedule: request_types.SendSchedule | None, now: int) -> tuple[int | None, int | None]:
    if schedule is None:
        return None, None
    first = _to_microseconds(schedule.first_attempt)
    expires = _to_microseconds(schedule.expires)
    if first is not None and not now < first <= now + 7 * DAY_US:
        raise ValidationError("schedule.first_attempt", "must be in the future and at most 7 days ahead")
    if expires is not None and not max(first or now, now) < expires <= now + 8 * DAY_US:
        raise ValidationError("schedule.expires", "must be after the first attempt and at most 8 days ahead")
    return first, expires


def _to_microseconds(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp() * 1_000_000)

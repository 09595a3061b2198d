"""From the JSON of API v2 to a submission; decides nothing that the request does not say."""

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
import orjson

from linkweir.edge.v2 import shapes
from linkweir.errors import BadInput, BadSwitch
from linkweir.html import Switches
from linkweir.mail import compose, wish_headers
from linkweir.mail.model import Attachment, Mailbox, Recipient, SandboxResult, Submission, Utm, Wishes
from linkweir.mail.patterns import skipping
from linkweir.mail.wish_headers import HeaderWishes
from linkweir.token import Privacy

PATTERNS = 50  # of one message, as of a domain and an account
DEPTH = 32  # of lists and objects inside each other
DAY = 86_400 * 1_000_000  # microseconds
PIECE = 1024 * 1024  # characters of base64 read at once, whole groups of four: no other thread runs meanwhile
IN_CONTENT_ID = "!#$&'()*+,/:;=?@[]{|}^`\"\\%"
T = TypeVar("T")


def submission(message: shapes.Message, now: int) -> Submission:
    """What the request asks for. Raises BadInput naming the field."""
    if not message.text_content and not message.html_content:
        raise BadInput("text_content", "text_content or html_content is required")
    headers = message.headers or {}
    asked = wish_headers.read(headers.items())
    first_attempt_at, expires_at = _schedule(message.schedule, now)
    retention = message.retention or shapes.Retention()
    return Submission(
        sender=_mailbox(message.sender),
        recipients=tuple(_recipient(item, place) for place, item in enumerate(message.recipients)),
        subject=message.subject,
        text=message.text_content or None,
        html=message.html_content or None,
        amp=message.amp_content or None,
        reply_to=_mailbox(message.reply_to) if message.reply_to else None,
        attachments=tuple(_attachment(item, place) for place, item in enumerate(message.attachments or ())),
        headers=headers,
        substitutions=_substitutions(message.substitutions, "substitutions"),
        tags=tuple(message.tags) if message.tags is not None else asked.tags,
        warnings=(*asked.warnings, *compose.ignored_headers(headers)),
        wishes=message_wishes(message, asked),
        sandbox_result=_sandbox(message, asked),
        keep_metadata_days=_first(retention.metadata, asked.keep_metadata_days),
        keep_content_days=_first(retention.data, asked.keep_content_days),
        first_attempt_at=first_attempt_at,
        expires_at=expires_at,
    )


def message_wishes(message: shapes.Message | shapes.Check, asked: HeaderWishes) -> Wishes:
    """What the message wants of tracking; the field wins over the header. Raises BadInput."""
    tracking = message.tracking or shapes.Tracking()
    return Wishes(
        track_clicks=_first(tracking.click, asked.track_clicks),
        track_opens=_first(tracking.open, asked.track_opens),
        privacy=Privacy(message.privacy) if message.privacy else None,
        link_style=message.link_style,
        utm=utm(message.utm),
        honeypot=message.honeypot,
        **switches(message.opt_out, message.skip, message.outlook),
    )


def utm(asked: shapes.Utm | None) -> Utm | None:
    """The campaign parameters."""
    return Utm(**{**msgspec.structs.asdict(asked), "hosts": tuple(asked.hosts or ())}) if asked else None


def switches(opt_out: list[str] | None, skip: list[str] | None, outlook: bool | None) -> dict[str, Any]:
    """The switches of the link rules, checked. Raises BadInput."""
    try:
        if len(skip or ()) > PATTERNS or len(opt_out or ()) > PATTERNS:
            raise BadInput("skip" if len(skip or ()) > PATTERNS else "opt_out", f"has more than {PATTERNS} items")
        Switches(opt_out=tuple(opt_out or ()), skip=tuple(map(skipping, skip or ())))
    except BadSwitch as error:
        field, _, reason = str(error).partition(": ")  # the error names the switch, which is the field
        raise BadInput(field, reason) from None
    return {"opt_out": tuple(opt_out or ()), "skip": tuple(skip or ()), "outlook": outlook}


def _sandbox(message: shapes.Message, asked: HeaderWishes) -> SandboxResult | None:
    wanted = asked.sandbox if message.sandbox is None else message.sandbox
    return (message.sandbox_result or asked.sandbox_result or "deliver") if wanted else None


def _first(*values: T | None) -> T | None:
    return next((value for value in values if value is not None), None)


def _mailbox(address: shapes.Address) -> Mailbox:
    return Mailbox(address.email, address.name or "")


def _recipient(item: shapes.Recipient, place: int) -> Recipient:
    return Recipient(
        Mailbox(item.email, item.name or ""),
        _substitutions(item.substitutions, f"recipients[{place}].substitutions"),
        Wishes(
            track_clicks=item.tracking.click if item.tracking else None,
            track_opens=item.tracking.open if item.tracking else None,
            privacy=Privacy(item.privacy) if item.privacy else None,
        ),
        item.attributes,
        item.variant,
    )


def _substitutions(raw: msgspec.Raw, field: str) -> dict[str, Any] | None:
    """The values, if they can be walked: what recurses over them has a stack with an end. Raises BadInput."""
    try:
        values = orjson.loads(memoryview(raw)) if memoryview(raw) else None
    except orjson.JSONDecodeError as error:
        raise BadInput(field, f"cannot be read: {error}") from None
    if not isinstance(values, dict | None):
        raise BadInput(field, f"must be an object, not {memoryview(raw)[:40].tobytes().decode('utf-8', 'replace')}")
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
        data = _base64(item.data) if item.base64 else item.data.encode()
    except (binascii.Error, ValueError):
        raise BadInput(f"{field}.data", "is not base64") from None
    content_id = _content_id(item.content_id or "")
    inline = bool(content_id) and item.content_disposition != "attachment"
    return Attachment(data, item.content_type, item.file_name, inline, content_id)


def _base64(text: str) -> bytes:
    """The bytes; line breaks and spaces, as encoders for mail write them, are no matter. Raises ValueError."""
    data = text.encode("ascii").translate(None, b" \t\r\n")
    return b"".join(
        base64.b64decode(data[start : start + PIECE], validate=True) for start in range(0, len(data), PIECE)
    )


def _content_id(text: str) -> str:
    """The id as its header has it, in `<...>`; some clients send a file's name, which may hold anything."""
    name = text.strip()
    if not name or name.startswith("<"):
        return name
    return f"<{quote(name, safe=IN_CONTENT_ID)}>"


def _schedule(schedule: shapes.Schedule | None, now: int) -> tuple[int | None, int | None]:
    if schedule is None:
        return None, None
    first = _moment(schedule.first_attempt)
    expires = _moment(schedule.expires)
    if first is not None and not now < first <= now + 7 * DAY:
        raise BadInput("schedule.first_attempt", "must be in the future and at most 7 days ahead")
    if expires is not None and not max(first or now, now) < expires <= now + 8 * DAY:
        raise BadInput("schedule.expires", "must be after the first attempt and at most 8 days ahead")
    return first, expires


def _moment(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp() * 1_000_000)

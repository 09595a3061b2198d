"""`GET …/messages`, `GET …/messages/{id}` and `DELETE …/messages/{id}/cancel`."""

import base64
import contextlib
import email.parser
import email.policy
import re
import uuid
from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial

from sqlalchemy import Connection, RowMapping

from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2 import cursor_pagination
from linkweir.api.v2.query_parameters import MessageQuery, normalize_email, to_microseconds
from linkweir.api.v2.response_types import (
    Acknowledgement,
    AttachmentResource,
    DeliveryAttemptResource,
    MessageEventResource,
    MessageResource,
    ParsedContent,
    ResourcePage,
    TextPart,
    from_row,
)
from linkweir.clicks.ingest import click_notifications
from linkweir.clock import now, rfc3339
from linkweir.errors import NotFound
from linkweir.mail import stored_messages
from linkweir.stats import estimates

CHUNK_BYTES = 3 * 256 * 1024  # a multiple of 3 and of 4, the groups of base64
MAX_MULTIPARTS = 100  # multiparts whose parts are shown
MESSAGE_ID_PATTERN = re.compile(r"<?(?P<uuid>[0-9a-fA-F-]{32,36})(?:@[^<>\s]+)?>?")


def list_messages(call: ApiRequest) -> ResourcePage[MessageResource]:
    """List the messages that match all filters, newest first, without content."""
    query = call.parse_query(MessageQuery)
    conditions = {
        **{name: normalize_email(getattr(query, name)) for name in ("sender", "recipient")},
        **{name: getattr(query, name) for name in ("subject", "message_id_header", "status", "tags")},
        **{name: to_microseconds(getattr(query, name)) for name in ("from_time", "to_time")},
        "domains": call.principal.domains_for("messages:read"),
    }
    page_request = cursor_pagination.to_page_request(query)
    with call.services.database.read() as connection:
        page = stored_messages.search_messages(connection, call.account_id, page_request, conditions)
        return cursor_pagination.to_resource_page(page, partial(_load_resource, connection))


def get_message(call: ApiRequest) -> MessageResource:
    """Return one message by `<uuid@domain>` or UUID, with its content while that is stored."""
    with call.services.database.read() as connection:
        row = load_message(call, connection)
        events = click_notifications.list_message_events(connection, row["id"])
        content = stored_messages.load_mail(connection, row["id"])
        shown = _load_resource(connection, row)
    call.principal.require("messages:read:all", row["sender_domain"])
    shown.events = [MessageEventResource(rfc3339(at), kind, data) for at, kind, data in events]
    if content is not None:
        shown.content = content.decode("utf-8", "replace")
        shown.content_parsed = _parse_content(content)
    return shown


def cancel_message(call: ApiRequest) -> Acknowledgement:
    """Cancel a scheduled message. Raises Conflict when it is too late."""
    with call.services.database.write() as connection:
        row = load_message(call, connection)
        call.principal.require("messages:cancel:all", row["sender_domain"])
        stored_messages.cancel_message(connection, call.account_id, row["id"], now())
    return Acknowledgement("the message was cancelled")


def load_message(call: ApiRequest, connection: Connection) -> RowMapping:
    """Return the message in the path. Raises NotFound."""
    match = MESSAGE_ID_PATTERN.fullmatch(call.request.path_params["message_id"])
    if match is None:
        raise NotFound("there is no such message")
    return stored_messages.get_message(connection, call.account_id, match["uuid"])


def _load_resource(connection: Connection, row: RowMapping) -> MessageResource:
    """Return the resource of a message."""
    return from_row(
        MessageResource,
        row,
        message_id=f"<{row['message_id']}>",
        domain_id=row["domain_id"] or uuid.uuid5(row["account_id"], row["sender_domain"]),
        retain_until=rfc3339(row["retain_until_at"]),
        direction="outbound",
        is_bounce_notification=row["source"] != "api" and not row["envelope_from"],  # RFC 5321 section 4.5.5
        bounce_classification=row["bounce_classification"] or "",
        **estimates.expected_clicks_fields(row, row["hit_count"]),
        click_probability=estimates.click_probability(row),
        delivery_attempts=[
            DeliveryAttemptResource(rfc3339(attempt["at"]), attempt["log"], attempt["status"])
            for attempt in stored_messages.list_delivery_attempts(connection, row)
        ],
    )


def _parse_content(raw: bytes) -> ParsedContent:
    """Parse texts, attachments and headers; what cannot be decoded is approximated."""
    mail = _parse_mail(raw)
    headers: dict[str, list[str]] = {}
    for header, value in mail.items():
        headers.setdefault(_replace_surrogates(header), []).append(_replace_surrogates(str(value)))
    parts: list[TextPart] = []
    files: list[AttachmentResource] = []
    for part in mail.walk():
        if part.is_multipart():
            continue
        data = _decode_part(part)
        kind = part.get_content_type()
        name = _file_name(part)
        if part.get_content_maintype() == "text" and name is None:
            parts.append(TextPart(kind, _decode_text(data, _charset(part))))
        else:
            encoded = b"".join(map(base64.b64encode, _split_chunks(data))).decode("ascii")
            content_id = _replace_surrogates(str(part.get("content-id", ""))).strip("<> ")
            files.append(AttachmentResource(name or "", encoded, kind, content_id))
    return ParsedContent(parts, files, headers)


def _parse_mail(raw: bytes) -> EmailMessage:
    """Parse the mail; only its headers if multiparts are nested deeper than in any real mail: the parser recurses, and
    reads each line once per level.
    """
    deep = raw.lower().count(b"boundary") > MAX_MULTIPARTS
    parser = email.parser.BytesParser(EmailMessage, policy=email.policy.compat32)
    mail = parser.parsebytes(raw, headersonly=deep)
    assert isinstance(mail, EmailMessage)
    return mail


def _decode_part(part: EmailMessage) -> bytes:
    """Decode a part, in chunks: decoding holds the GIL."""
    text = part.get_payload()
    if (
        isinstance(text, str)
        and len(text) > CHUNK_BYTES
        and str(part.get("content-transfer-encoding")).lower() == "base64"
    ):
        plain = text.encode("ascii", "surrogateescape").translate(None, b" \t\r\n")
        with contextlib.suppress(ValueError):
            return b"".join(base64.b64decode(piece, validate=True) for piece in _split_chunks(plain))
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _split_chunks(data: bytes) -> Iterator[bytes]:
    return (data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES))


def _file_name(part: EmailMessage) -> str | None:
    try:
        name: str | None = part.get_filename()
    except (LookupError, ValueError, TypeError):
        return ""
    return name if name is None else _replace_surrogates(name)


def _charset(part: EmailMessage) -> str | None:
    try:
        return part.get_content_charset()
    except (LookupError, ValueError, TypeError):
        return None


def _decode_text(data: bytes, charset: str | None) -> str:
    try:
        return _replace_surrogates(data.decode(charset or "utf-8", "replace"))
    except (LookupError, ValueError):  # an unknown charset, or a codec of Python that is not one
        return data.decode("utf-8", "replace")


def _replace_surrogates(text: str) -> str:
    """Replace surrogates, which JSON cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")

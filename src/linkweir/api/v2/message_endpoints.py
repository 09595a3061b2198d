"""`GET …/messages`, `GET …/messages/{id}` and `DELETE …/messages/{id}/cancel`."""

import base64
import contextlib
import email.parser
import email.policy
import re
import uuid
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.responses import Response

from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2 import cursor_pagination
from linkweir.api.v2.query_parameters import MessageQuery, normalize_email, to_microseconds
from linkweir.api.v2.response_types import Acknowledgement
from linkweir.clicks.ingest import click_notifications
from linkweir.clock import now, rfc3339
from linkweir.db import events_table, message_search, messages_table, notification_queries
from linkweir.errors import Conflict, NotFound
from linkweir.stats import estimates
from linkweir.web.json_response import JSONResponse

CHUNK_BYTES = 3 * 256 * 1024  # bytes, whole groups of base64 in both directions
MAX_MULTIPARTS = 100  # whose parts are shown
MESSAGE_ID_PATTERN = re.compile(r"<?(?P<uuid>[0-9a-fA-F-]{32,36})(?:@[^<>\s]+)?>?")


def list_messages(call: ApiRequest) -> Response:
    """Messages that meet all filters, newest first, without their content."""
    query = call.parse_query(MessageQuery)
    conditions = {
        **{name: normalize_email(getattr(query, name)) for name in ("sender", "recipient")},
        **{name: getattr(query, name) for name in ("subject", "message_id_header", "status", "tags")},
        **{name: to_microseconds(getattr(query, name)) for name in ("from_time", "to_time")},
        "domains": call.principal.domains_for("messages:read"),
    }
    wanted = cursor_pagination.to_page_request(query)
    with call.services.store.read() as connection:
        found = message_search.search(connection, call.principal.account["id"], wanted, conditions)
        tried = {row["id"]: _load_attempts(connection, row) for row in found.rows}
    return cursor_pagination.list_response(
        found, lambda row: {**message_to_json(row), "delivery_attempts": tried[row["id"]]}
    )


def get_message(call: ApiRequest) -> Response:
    """One message, by `<uuid@domain>` or its bare UUID, with its content while that is kept."""
    with call.services.store.read() as connection:
        row = load_message(call, connection)
        told = events_table.list_for_message(connection, row["id"])
        hits = notification_queries.get_for_message(connection, row["id"])
        content = messages_table.get_content(connection, row["id"])
        shown = {**message_to_json(row), "delivery_attempts": _load_attempts(connection, row)}
    call.principal.require("messages:read:all", row["sender_domain"])
    shown["events"] = [
        {"time": rfc3339(one["at"]), "kind": one["kind"], "data": _event_data(one, hits.get(one["id"]))} for one in told
    ]
    if content is not None:
        shown["content"] = content.decode("utf-8", "replace")
        shown["content_parsed"] = _parse_content(content)
    return JSONResponse(shown)


def cancel_message(call: ApiRequest) -> Acknowledgement:
    """Take a scheduled message back; 409 when it is too late."""
    with call.services.store.write() as connection:
        row = load_message(call, connection)
        call.principal.require("messages:cancel:all", row["sender_domain"])
        if not message_search.cancel(connection, call.principal.account["id"], row["id"], now()):
            raise Conflict("the message is not scheduled, or is on its way already")
    return Acknowledgement("the message was cancelled")


def load_message(call: ApiRequest, connection: Connection) -> RowMapping:
    """The message that the path names. Raises NotFound."""
    found = MESSAGE_ID_PATTERN.fullmatch(call.request.path_params["message_id"])
    try:
        key = uuid.UUID(found["uuid"]) if found else None
    except ValueError:
        key = None
    row = messages_table.get(connection, call.principal.account["id"], key) if key else None
    if row is None:
        raise NotFound("there is no such message")
    return row


def _load_attempts(connection: Connection, row: RowMapping) -> list[dict[str, Any]]:
    if not row["num_attempts"]:
        return []
    found = messages_table.list_delivery_attempts(connection, row["id"])
    return [{"time": rfc3339(one["at"]), "log": one["log"], "status": one["status"]} for one in found]


def _event_data(event: RowMapping, hit: RowMapping | None) -> dict[str, Any]:
    """What is said of an event; of a click or an open, what is thought of it now."""
    if hit is not None:
        return click_notifications.click_payload(hit)
    data: dict[str, Any] = event["data"]
    return data


def _parse_content(raw: bytes) -> dict[str, Any]:
    """The mail for people: texts, attachments, headers. What cannot be decoded is left as well as may be."""
    mail = _parse_mail(raw)
    headers: dict[str, list[str]] = {}
    for header, value in mail.items():
        headers.setdefault(_replace_surrogates(header), []).append(_replace_surrogates(str(value)))
    parts: list[dict[str, str]] = []
    files: list[dict[str, str]] = []
    for part in mail.walk():
        if part.is_multipart():
            continue
        data = _decode_part(part)
        kind = part.get_content_type()
        name = _file_name(part)
        if part.get_content_maintype() == "text" and name is None:
            parts.append({"content_type": kind, "content": _decode_text(data, _charset(part))})
        else:
            file: dict[str, str] = {
                "filename": name or "",
                "content": b"".join(map(base64.b64encode, _split_chunks(data))).decode("ascii"),
                "content_type": kind,
            }
            files.append({**file, "content_id": _replace_surrogates(str(part.get("content-id", ""))).strip("<> ")})
    return {"parts": parts, "attachments": files, "headers": headers}


def _parse_mail(raw: bytes) -> EmailMessage:
    """The mail, taken apart; only its headers where multiparts are inside each other more often than in any mail: the
    parser recurses, and looks at each line once for each of them.
    """
    deep = raw.lower().count(b"boundary") > MAX_MULTIPARTS
    parser = email.parser.BytesParser(EmailMessage, policy=email.policy.compat32)
    mail = parser.parsebytes(raw, headersonly=deep)
    assert isinstance(mail, EmailMessage)
    return mail


def _decode_part(part: EmailMessage) -> bytes:
    """The bytes of a part; those of a large file piece by piece, for no other thread runs while one is decoded."""
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
    except (LookupError, ValueError):  # a charset that is none, or one of Python's own that is no charset
        return data.decode("utf-8", "replace")


def _replace_surrogates(text: str) -> str:
    """The text without halves of characters, which JSON cannot carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def message_to_json(row: RowMapping) -> dict[str, Any]:
    """A message as lists and single answers show it."""
    return {
        "object": "message",
        "id": str(row["id"]),
        "message_id": f"<{row['message_id']}>",
        "account_id": str(row["account_id"]),
        "domain_id": str(row["domain_id"] or uuid.uuid5(row["account_id"], row["sender_domain"])),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "sent_at": rfc3339(row["sent_at"]),
        "delivered_at": rfc3339(row["delivered_at"]),
        "retain_until": rfc3339(row["retain_until_at"]),
        "direction": "outbound",
        "is_bounce_notification": row["source"] != "api" and not row["envelope_from"],  # RFC 5321 section 4.5.5
        "bounce_classification": row["bounce_classification"] or "",
        "reference_message_id": None,
        "subject": row["subject"],
        "tags": row["tags"],
        "sender": row["sender"],
        "recipient": row["recipient"],
        "status": row["status"],
        "num_attempts": row["num_attempts"],
        "click_count": row["click_count"],
        **estimates.expected_clicks_fields(row, row["hit_count"]),
        "click_probability": estimates.click_probability(row),
        "open_count": row["open_count"],
    }

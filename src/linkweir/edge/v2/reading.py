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
from starlette.requests import Request
from starlette.responses import Response

from linkweir.click import tell
from linkweir.edge import door
from linkweir.edge.door import Call
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2 import filters, paging
from linkweir.edge.v2.filters import microseconds, text, texts
from linkweir.errors import Conflict, NotFound
from linkweir.store import browse, events, messages, telling

PIECE = 3 * 256 * 1024  # bytes, whole groups of base64 in both directions
MULTIPARTS = 100  # whose parts are shown
MESSAGE_ID = re.compile(r"<?(?P<uuid>[0-9a-fA-F-]{32,36})(?:@[^<>\s]+)?>?")


async def list_messages(request: Request) -> Response:
    """Messages that meet all filters, newest first, without their content."""
    return await door.enter(request, "messages:read:any", _list)


async def get_message(request: Request) -> Response:
    """One message, by `<uuid@domain>` or its bare UUID, with its content while that is kept."""
    return await door.enter(request, "messages:read:any", _get)


async def cancel_message(request: Request) -> Response:
    """Take a scheduled message back; 409 when it is too late."""
    return await door.enter(request, "messages:cancel:any", _cancel)


def _list(call: Call) -> Response:
    query = call.request.query_params
    conditions = {
        **{name: filters.email(query, name) for name in ("sender", "recipient")},
        **{name: text(query, name) for name in ("subject", "message_id_header")},
        **{name: texts(query, name) for name in ("status", "tags")},
        **{name: microseconds(query, name) for name in ("from_time", "to_time")},
        "domains": call.who.domains("messages:read"),
    }
    wanted = paging.wanted(query)
    with call.parts.store.read() as connection:
        found = browse.find(connection, call.who.account["id"], wanted, conditions)
        tried = {row["id"]: _attempts(connection, row) for row in found.rows}
    return paging.listed(found, lambda row: {**show(row), "delivery_attempts": tried[row["id"]]})


def _get(call: Call) -> Response:
    with call.parts.store.read() as connection:
        row = message_row(call, connection)
        told = events.of_message(connection, row["id"])
        hits = telling.of_message(connection, row["id"])
        content = messages.content(connection, row["id"])
        shown = {**show(row), "delivery_attempts": _attempts(connection, row)}
    call.who.require("messages:read:all", row["sender_domain"])
    shown["events"] = [
        {"time": rfc3339(one["at"]), "kind": one["kind"], "data": _data(one, hits.get(one["id"]))} for one in told
    ]
    if content is not None:
        shown["content"] = content.decode("utf-8", "replace")
        shown["content_parsed"] = _parsed(content)
    return JSON(shown)


def _cancel(call: Call) -> Response:
    with call.parts.store.write() as connection:
        row = message_row(call, connection)
        call.who.require("messages:cancel:all", row["sender_domain"])
        if not browse.cancel(connection, call.who.account["id"], row["id"], now()):
            raise Conflict("the message is not scheduled, or is on its way already")
    return JSON({"message": "the message was cancelled"})


def message_row(call: Call, connection: Connection) -> RowMapping:
    """The message that the path names. Raises NotFound."""
    found = MESSAGE_ID.fullmatch(call.request.path_params["message_id"])
    try:
        key = uuid.UUID(found["uuid"]) if found else None
    except ValueError:
        key = None
    row = messages.get(connection, call.who.account["id"], key) if key else None
    if row is None:
        raise NotFound("there is no such message")
    return row


def _attempts(connection: Connection, row: RowMapping) -> list[dict[str, Any]]:
    if not row["num_attempts"]:
        return []
    found = messages.delivery_attempts(connection, row["id"])
    return [{"time": rfc3339(one["at"]), "log": one["log"], "status": one["status"]} for one in found]


def _data(event: RowMapping, hit: RowMapping | None) -> dict[str, Any]:
    """What is said of an event; of a click or an open, what is thought of it now."""
    if hit is not None:
        return tell.data_of(hit)
    data: dict[str, Any] = event["data"]
    return data


def _parsed(raw: bytes) -> dict[str, Any]:
    """The mail for people: texts, attachments, headers. What cannot be decoded is left as well as may be."""
    mail = _read(raw)
    headers: dict[str, list[str]] = {}
    for header, value in mail.items():
        headers.setdefault(_whole(header), []).append(_whole(str(value)))
    parts: list[dict[str, str]] = []
    files: list[dict[str, str]] = []
    for part in mail.walk():
        if part.is_multipart():
            continue
        data = _decoded(part)
        kind = part.get_content_type()
        name = _file_name(part)
        if part.get_content_maintype() == "text" and name is None:
            parts.append({"content_type": kind, "content": _text(data, _charset(part))})
        else:
            file: dict[str, str] = {
                "filename": name or "",
                "content": b"".join(map(base64.b64encode, _pieces(data))).decode("ascii"),
                "content_type": kind,
            }
            files.append({**file, "content_id": _whole(str(part.get("content-id", ""))).strip("<> ")})
    return {"parts": parts, "attachments": files, "headers": headers}


def _read(raw: bytes) -> EmailMessage:
    """The mail, taken apart; only its headers where multiparts are inside each other more often than in any mail: the
    parser recurses, and looks at each line once for each of them.
    """
    deep = raw.lower().count(b"boundary") > MULTIPARTS
    parser = email.parser.BytesParser(EmailMessage, policy=email.policy.compat32)
    mail = parser.parsebytes(raw, headersonly=deep)
    assert isinstance(mail, EmailMessage)
    return mail


def _decoded(part: EmailMessage) -> bytes:
    """The bytes of a part; those of a large file piece by piece, for no other thread runs while one is decoded."""
    text = part.get_payload()
    if isinstance(text, str) and len(text) > PIECE and str(part.get("content-transfer-encoding")).lower() == "base64":
        plain = text.encode("ascii", "surrogateescape").translate(None, b" \t\r\n")
        with contextlib.suppress(ValueError):
            return b"".join(base64.b64decode(piece, validate=True) for piece in _pieces(plain))
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + PIECE] for start in range(0, len(data), PIECE))


def _file_name(part: EmailMessage) -> str | None:
    try:
        name: str | None = part.get_filename()
    except (LookupError, ValueError, TypeError):
        return ""
    return name if name is None else _whole(name)


def _charset(part: EmailMessage) -> str | None:
    try:
        return part.get_content_charset()
    except (LookupError, ValueError, TypeError):
        return None


def _text(data: bytes, charset: str | None) -> str:
    try:
        return _whole(data.decode(charset or "utf-8", "replace"))
    except (LookupError, ValueError):  # a charset that is none, or one of Python's own that is no charset
        return data.decode("utf-8", "replace")


def _whole(text: str) -> str:
    """The text without halves of characters, which JSON cannot carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def show(row: RowMapping) -> dict[str, Any]:
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
        "open_count": row["open_count"],
    }

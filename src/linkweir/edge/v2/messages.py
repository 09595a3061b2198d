"""`POST …/messages` and `GET …/messages/{id}`."""

import re
import uuid
from typing import Any

import orjson
from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import auth, body
from linkweir.edge.parts import Parts, now, parts_of
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2 import shapes, translate
from linkweir.errors import BadInput, NotFound
from linkweir.mail import lookup
from linkweir.mail.model import Accepted, Submission
from linkweir.mail.submit import Once
from linkweir.store import events, messages

MESSAGE_ID = re.compile(r"<?(?P<uuid>[0-9a-fA-F-]{32,36})(?:@[^<>\s]+)?>?")


async def send_message(request: Request) -> Response:
    """Accept a message for each recipient; 202 only when all of them are stored durably."""
    parts = parts_of(request)
    row = await auth.signed_in(request, parts)
    data = await body.read(request, parts.settings.max_body)
    once = _once(request, data)
    return await parts.in_thread(lambda: _send(parts, row, data, once))


def _once(request: Request, data: bytes) -> Once | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255:
        raise BadInput("Idempotency-Key", "must have 1 to 255 characters")
    return Once(key, f"{request.method} {request.scope['path']}\n".encode() + data)


def _send(parts: Parts, row: RowMapping, data: bytes, once: Once | None) -> Response:
    moment = now()
    submission = translate.submission(body.shaped(data, shapes.Message), moment)
    account = lookup.account_of(row)
    answer = parts.submitter.submit(
        parts.ring, account, submission, moment, write=lambda results: _reply(results, submission), once=once
    )
    if answer.results is None:
        return JSON(answer.reply, 202, headers={"Idempotent-Replayed": "true"})
    parts.worker.wake()
    accepted = sum(result.message_id is not None for result in answer.results)
    refused = len(answer.results) - accepted
    parts.metrics.accepted.inc(accepted)
    parts.log.info("messages.accepted", account=str(account.id), accepted=accepted, refused=refused)
    return JSON(answer.reply, 202)


def _reply(results: list[Accepted], submission: Submission) -> bytes:
    return orjson.dumps({"object": "list", "data": [_entry(result, submission) for result in results]})


def _entry(result: Accepted, submission: Submission) -> dict[str, Any]:
    recipient: dict[str, Any] = {
        "email": result.recipient.mailbox.email,
        "name": result.recipient.mailbox.name or None,
    }
    if result.recipient.substitutions is not None:
        recipient["substitutions"] = result.recipient.substitutions
    entry = {
        "object": "message",
        "id": result.message_id,
        "recipient": recipient,
        "status": result.status,
        "error": result.error,
    }
    if result.status == "scheduled":
        times = {"first_attempt": submission.first_attempt_at, "expires": submission.expires_at}
        entry["schedule"] = {name: rfc3339(at) for name, at in times.items() if at is not None}
    return entry


async def get_message(request: Request) -> Response:
    """One message, by `<uuid@domain>` or its bare UUID, with its number of clicks."""
    parts = parts_of(request)
    account = await auth.signed_in(request, parts)
    key = _message_key(request.path_params["message_id"])
    return JSON(await parts.in_thread(lambda: _read(parts, account, key)))


def _message_key(text: str) -> uuid.UUID:
    found = MESSAGE_ID.fullmatch(text)
    try:
        return uuid.UUID(found["uuid"]) if found else _no_such_message()
    except ValueError:
        return _no_such_message()


def _no_such_message() -> uuid.UUID:
    raise NotFound("there is no such message")


def _read(parts: Parts, account: RowMapping, key: uuid.UUID) -> dict[str, Any]:
    with parts.store.read() as connection:
        row = messages.get(connection, account["id"], key)
        if row is None:
            raise NotFound("there is no such message")
        told = events.of_message(connection, key)
        attempts = messages.delivery_attempts(connection, key)
        content = messages.content(connection, key)
    shown = show(row)
    shown["delivery_attempts"] = [
        {"time": rfc3339(one["at"]), "log": one["log"], "status": one["status"]} for one in attempts
    ]
    shown["events"] = [{"time": rfc3339(one["at"]), "kind": one["kind"], "data": one["data"]} for one in told]
    if content is not None:
        shown["content"] = content.decode("ascii", "replace")
    return shown


def show(row: RowMapping) -> dict[str, Any]:
    """A message as lists and single answers show it."""
    return {
        "object": "message",
        "id": str(row["id"]),
        "message_id": f"<{row['message_id']}>",
        "account_id": str(row["account_id"]),
        "domain_id": str(row["domain_id"]) if row["domain_id"] else None,
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "sent_at": rfc3339(row["sent_at"]),
        "delivered_at": rfc3339(row["delivered_at"]),
        "retain_until": rfc3339(row["retain_until_at"]),
        "direction": "outgoing",
        "is_bounce_notification": False,
        "bounce_classification": row["bounce_classification"],
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

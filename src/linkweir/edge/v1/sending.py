"""`POST /v1/email/send`: the older request, taken by the same flow."""

from typing import Annotated

import orjson
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.edge import auth, body
from linkweir.edge.auth import SignedIn
from linkweir.edge.parts import Parts, now, parts_of
from linkweir.edge.reply import JSON
from linkweir.edge.v2 import shapes, translate
from linkweir.edge.v2.sending import may_send_from
from linkweir.errors import AccessDenied, BadInput, NotAllowed
from linkweir.mail import lookup
from linkweir.mail.model import Accepted

IN_CONTENT = ("subject", "text_body", "html_body", "attachments", "reply_to", "headers")


class Content(Struct):
    """What is sent."""

    subject: str
    text_body: str | None = None
    html_body: str | None = None
    attachments: list[shapes.Attachment] | None = None
    reply_to: shapes.Address | None = None
    headers: shapes.Headers | None = None


class Email(Struct, rename={"sender": "from"}):
    """A request to send."""

    sender: shapes.Address
    recipients: Annotated[list[shapes.Address], Meta(min_length=1, max_length=100)]
    content: Content


async def send_email(request: Request) -> Response:
    """201 with what became of each recipient; errors are 400 and 403."""
    parts = parts_of(request)
    try:
        key = request.headers.get("x-api-key", "").strip()
        if not key or len(key) > auth.KEY_LIMIT:
            raise AccessDenied
        who = await auth.signed_in(request, parts, key)
        parts.limits.take(who.account["id"])
        with parts.incoming.hold() as held:
            data = await body.read(request, parts.settings.max_body, held)
            return await parts.in_thread(lambda: _send(parts, who, data))
    except BadInput as error:
        return JSON({"status": str(error)}, 400)
    except (AccessDenied, NotAllowed):
        return JSON({"status": "the API key is missing or may not send this"}, 403)


def _send(parts: Parts, who: SignedIn, data: bytes) -> Response:
    asked = body.shaped(data, Email)
    if not asked.content.text_body and not asked.content.html_body:
        raise BadInput("content.text_body", "text_body or html_body is required")
    try:
        return _accepted(parts, who, asked)
    except BadInput as error:
        field = error.field.replace("_content", "_body")  # the same thing has other names there
        raise BadInput(f"content.{field}" if field.startswith(IN_CONTENT) else field, error.reason) from None


def _accepted(parts: Parts, who: SignedIn, asked: Email) -> Response:
    moment = now()
    message = _message(asked)
    may_send_from(who, message)
    submission = translate.submission(message, moment)
    account = lookup.account_of(who.account)
    answer = parts.submitter.submit(parts.ring, account, submission, moment, write=_reply)
    parts.worker.wake()
    parts.metrics.accepted.inc(sum(result.message_id is not None for result in answer.results))
    return JSON(answer.reply, 201)


def _message(asked: Email) -> shapes.Message:
    content = asked.content
    return shapes.Message(
        sender=asked.sender,
        recipients=[shapes.Recipient(one.email, one.name) for one in asked.recipients],
        subject=content.subject,
        text_content=content.text_body,
        html_content=content.html_body,
        attachments=content.attachments,
        reply_to=content.reply_to,
        headers=content.headers,
    )


def _reply(results: list[Accepted]) -> bytes:
    failed = [result for result in results if result.message_id is None]
    return orjson.dumps(
        {
            "success_count": len(results) - len(failed),
            "fail_count": len(failed),
            "failed_recipients": [
                {"email": one.recipient.mailbox.email, "name": one.recipient.mailbox.name or None} for one in failed
            ],
            "errors": [f"{one.recipient.mailbox.email}: {one.error}" for one in failed],
        }
    )


ROUTES = [Route("/v1/email/send", send_email, methods=["POST"])]

"""`POST /v1/email/send`: converted to a request of API v2."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from linkweir.accounts import account_lookup
from linkweir.accounts.api_keys import ApiPrincipal
from linkweir.api.v2 import request_types, submission_parsing
from linkweir.api.v2.response_types import ResultRecipient, V1ErrorResponse, V1SendResponse
from linkweir.api.v2.send_endpoints import require_sender_domains
from linkweir.errors import Forbidden, Unauthorized, ValidationError
from linkweir.mail.message_types import RecipientResult
from linkweir.web import authentication, request_body
from linkweir.web.json_response import JSONResponse
from linkweir.web.services import AppServices, services_from

CONTENT_FIELDS = ("subject", "text_body", "html_body", "attachments", "reply_to", "headers")


class V1Content(Struct):
    """The content of a message."""

    subject: str
    text_body: str | None = None
    html_body: str | None = None
    attachments: list[request_types.SendAttachment] | None = None
    reply_to: request_types.EmailAddress | None = None
    headers: request_types.HeaderFields | None = None


class V1SendRequest(Struct, rename={"sender": "from"}):
    """A request to send."""

    sender: request_types.EmailAddress
    recipients: Annotated[list[request_types.EmailAddress], Meta(min_length=1, max_length=100)]
    content: V1Content


async def send_email(request: Request) -> Response:
    """Send the message: 201 with the result of each recipient; errors are 400 and 403."""
    parts = services_from(request)
    try:
        key = request.headers.get("x-api-key", "").strip()
        if not key or len(key) > authentication.MAX_KEY_LENGTH:
            raise Unauthorized
        who = await authentication.authenticate(request, parts, key)
        await parts.consume_request(parts.limits, who.account["id"])
        with parts.memory_budget.reserve() as held:
            data = await request_body.read_body(request, parts.settings.max_body, held)
            return await parts.run_blocking(lambda: _send(parts, who, data))
    except ValidationError as error:
        return JSONResponse(V1ErrorResponse(str(error)), 400)
    except (Unauthorized, Forbidden):
        return JSONResponse(V1ErrorResponse("the API key is missing or may not send this"), 403)


def _send(services: AppServices, principal: ApiPrincipal, data: bytes) -> Response:
    send_request = request_body.decode_body(data, V1SendRequest)
    if not send_request.content.text_body and not send_request.content.html_body:
        raise ValidationError("content.text_body", "text_body or html_body is required")
    try:
        return _submit(services, principal, send_request)
    except ValidationError as error:
        field = error.field.replace("_content", "_body")  # v2 has other names for these fields
        raise ValidationError(f"content.{field}" if field.startswith(CONTENT_FIELDS) else field, error.reason) from None


def _submit(services: AppServices, principal: ApiPrincipal, email: V1SendRequest) -> Response:
    moment = services.database.now()
    message = _to_send_request(email)
    require_sender_domains(principal, message)
    submission = submission_parsing.to_submission(message, moment)
    account = account_lookup.account_from_row(principal.account)
    reply, results = services.submitter.submit(
        services.keyring, account, submission, moment, make_reply=lambda _, results: _response_body(results)
    )
    services.delivery_worker.wake()
    services.metrics.accepted_messages.inc(sum(result.message_id is not None for result in results))
    return JSONResponse(reply, 201)


def _to_send_request(email: V1SendRequest) -> request_types.SendRequest:
    content = email.content
    return request_types.SendRequest(
        sender=email.sender,
        recipients=[request_types.SendRecipient(recipient.email, recipient.name) for recipient in email.recipients],
        subject=content.subject,
        text_content=content.text_body,
        html_content=content.html_body,
        attachments=content.attachments,
        reply_to=content.reply_to,
        headers=content.headers,
    )


def _response_body(results: list[RecipientResult]) -> bytes:
    failed = [result for result in results if result.message_id is None]
    mailboxes = [failure.recipient.mailbox for failure in failed]
    return msgspec.json.encode(
        V1SendResponse(
            success_count=len(results) - len(failed),
            fail_count=len(failed),
            failed_recipients=[ResultRecipient(failure.email, failure.name or None) for failure in mailboxes],
            errors=[f"{failure.recipient.mailbox.email}: {failure.error}" for failure in failed],
        )
    )

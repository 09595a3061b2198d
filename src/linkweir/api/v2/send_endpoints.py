"""`POST …/messages`: sends a message to each recipient; and the same without HTTP, for who embeds the service."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection
from starlette.responses import Response

from linkweir.accounts import account_lookup
from linkweir.accounts.api_keys import ApiPrincipal
from linkweir.accounts.domain_names import to_ascii_domain
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2 import request_types, submission_parsing
from linkweir.api.v2.response_types import ResourceList, ResultRecipient, ScheduleTimes, SendResult
from linkweir.clock import rfc3339
from linkweir.errors import ValidationError
from linkweir.mail.content_validation import check_header_length, parse_mailboxes
from linkweir.mail.message_types import RecipientResult, Submission
from linkweir.web import request_body
from linkweir.web.json_response import JSONResponse
from linkweir.web.services import AppServices


def authorize_send(call: ApiRequest) -> None:
    require_sender_domains(call.principal, call.decode(request_types.SendRequest))


def require_sender_domains(principal: ApiPrincipal, message: request_types.SendRequest) -> None:
    """Raise Forbidden unless the key may send from the domains of `from` and `Sender`; ValidationError without a
    domain.
    """
    for domain in list_sender_domains(message):
        principal.require("messages:send:all", domain)


def list_sender_domains(message: request_types.SendRequest) -> list[str]:
    """Return the domains of `from` and `Sender`. Raises ValidationError for an address without one."""
    domains = [to_ascii_domain(message.sender.email.rpartition("@")[2], "from.email")]
    for name, value in (message.headers or {}).items():
        if name.lower() == "sender" and value:
            senders = parse_mailboxes(check_header_length(value, "headers.'Sender'"), "headers.'Sender'")
            domains += [sender.email.rpartition("@")[2] for sender in senders]
    return domains


def send_message(call: ApiRequest) -> Response:
    """Accept a message for each recipient; 202 only when all of them are stored durably."""
    account = account_lookup.account_from_row(call.principal.account)
    message = call.decode(request_types.SendRequest)

    def store_reply(connection: Connection, reply: bytes) -> None:
        call.idempotency.store_response(connection, 202, reply)

    return JSONResponse(_accept_message(call.services, account, message, store_reply), 202)


def send_without_http(services: AppServices, message: Mapping[str, Any], account_id: uuid.UUID) -> list[dict[str, Any]]:
    """Accept a message as `POST …/messages` does, for a program that runs the service in its own process.

    `message`: the fields of the request; attachments may have bytes as `data`. Returns the entries of the response.
    Raises ValidationError, NotFound (of the account), DatabaseUnavailable.
    """
    body = request_body.decode_body(_encode_message(message), request_types.SendRequest)
    list_sender_domains(body)
    with services.database.read() as connection:
        account = account_lookup.load_account(connection, account_id)
    entries: list[dict[str, Any]] = msgspec.json.decode(_accept_message(services, account, body))["data"]
    return entries


def _encode_message(message: Mapping[str, Any]) -> bytes:
    """Return the fields as the JSON of a request, so that they are validated as one. Raises ValidationError."""
    fields = dict(message)
    if isinstance(attachments := fields.get("attachments"), list | tuple):
        fields["attachments"] = [
            {**each, "base64": True} if isinstance(each, Mapping) and isinstance(each.get("data"), bytes) else each
            for each in attachments
        ]
    try:
        return msgspec.json.encode(fields)  # bytes as base64, times as RFC 3339
    except (TypeError, ValueError, RecursionError) as error:
        raise ValidationError("", f"the message cannot be written as JSON: {error}") from None


def _accept_message(
    services: AppServices,
    account: account_lookup.SendingAccount,
    message: request_types.SendRequest,
    store_reply: Callable[[Connection, bytes], None] = lambda _connection, _reply: None,
) -> bytes:
    """Accept a message and return the response; `store_reply` runs in the transaction that accepts it."""
    moment = services.database.now()
    submission = submission_parsing.to_submission(message, moment)

    def make_reply(connection: Connection, results: list[RecipientResult]) -> bytes:
        body = _response_body(results, submission)
        store_reply(connection, body)
        return body

    reply, results = services.submitter.submit(services.keyring, account, submission, moment, make_reply=make_reply)
    services.delivery_worker.wake()
    accepted = sum(result.message_id is not None for result in results)
    refused = len(results) - accepted
    services.metrics.accepted_messages.inc(accepted)
    services.log.info("messages.accepted", account=str(account.id), accepted=accepted, refused=refused)
    return reply


def _response_body(results: list[RecipientResult], submission: Submission) -> bytes:
    return msgspec.json.encode(ResourceList([_to_send_result(result, submission) for result in results]))


def _to_send_result(result: RecipientResult, submission: Submission) -> SendResult:
    mailbox, given = result.recipient.mailbox, result.recipient.substitutions
    schedule: ScheduleTimes | UnsetType = UNSET
    if result.status == "scheduled":
        first, last = (
            UNSET if at is None else rfc3339(at) for at in (submission.first_attempt_at, submission.expires_at)
        )
        schedule = ScheduleTimes(first, last)
    return SendResult(
        id=result.message_id,
        recipient=ResultRecipient(mailbox.email, mailbox.name or None, UNSET if given is None else given),
        status=result.status,
        error=result.error,
        schedule=schedule,
    )

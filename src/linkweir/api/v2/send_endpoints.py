"""`POST …/messages`: sends a message to each recipient."""

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
from linkweir.clock import now, rfc3339
from linkweir.mail.content_validation import check_header_length, parse_mailboxes
from linkweir.mail.message_types import RecipientResult, Submission
from linkweir.web.json_response import JSONResponse


def authorize_send(call: ApiRequest) -> None:
    require_sender_domains(call.principal, call.decode(request_types.SendRequest))


def require_sender_domains(principal: ApiPrincipal, message: request_types.SendRequest) -> None:
    """Raise Forbidden unless the key may send from the domains of `from` and `Sender`; ValidationError without a
    domain.
    """
    domains = [to_ascii_domain(message.sender.email.rpartition("@")[2], "from.email")]
    for name, value in (message.headers or {}).items():
        if name.lower() == "sender" and value:
            senders = parse_mailboxes(check_header_length(value, "headers.'Sender'"), "headers.'Sender'")
            domains += [sender.email.rpartition("@")[2] for sender in senders]
    for domain in domains:
        principal.require("messages:send:all", domain)


def send_message(call: ApiRequest) -> Response:
    """Accept a message for each recipient; 202 only when all of them are stored durably."""
    moment = now()
    submission = submission_parsing.to_submission(call.decode(request_types.SendRequest), moment)
    account = account_lookup.account_from_row(call.principal.account)
    parts = call.services

    def make_reply(connection: Connection, results: list[RecipientResult]) -> bytes:
        body = _response_body(results, submission)
        call.idempotency.store_response(connection, 202, body)
        return body

    reply, results = parts.submitter.submit(parts.keyring, account, submission, moment, make_reply=make_reply)
    parts.delivery_worker.wake()
    accepted = sum(result.message_id is not None for result in results)
    refused = len(results) - accepted
    parts.metrics.accepted_messages.inc(accepted)
    parts.log.info("messages.accepted", account=str(account.id), accepted=accepted, refused=refused)
    return JSONResponse(reply, 202)


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

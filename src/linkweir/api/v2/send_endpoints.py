"""`POST …/messages`: accepted for each recipient when all of them are stored durably."""

from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from linkweir.accounts import account_lookup
from linkweir.accounts.api_keys import ApiPrincipal
from linkweir.accounts.domain_names import to_ascii_domain
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2 import request_types, submission_parsing
from linkweir.api.v2.resource import to_json_bytes
from linkweir.clock import now, rfc3339
from linkweir.mail.message_types import RecipientResult, Submission
from linkweir.mail.mime_builder import check_header_length, parse_mailboxes
from linkweir.web.json_response import JSONResponse


def authorize_send(call: ApiRequest) -> None:
    require_sender_domains(call.principal, call.decode(request_types.SendRequest))


def require_sender_domains(principal: ApiPrincipal, message: request_types.SendRequest) -> None:
    """Raises Forbidden unless the key covers the domains of `from` and of a `Sender`; ValidationError when there is
    none.
    """
    domains = [to_ascii_domain(message.sender.email.rpartition("@")[2], "from.email")]
    for name, value in (message.headers or {}).items():
        if name.lower() == "sender" and value:
            senders = parse_mailboxes(check_header_length(value, "headers.'Sender'"), "headers.'Sender'")
            domains += [one.email.rpartition("@")[2] for one in senders]
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
    return to_json_bytes({"object": "list", "data": [_result_to_json(result, submission) for result in results]})


def _result_to_json(result: RecipientResult, submission: Submission) -> dict[str, Any]:
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

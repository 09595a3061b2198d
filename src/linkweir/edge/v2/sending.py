"""`POST …/messages`: accepted for each recipient when all of them are stored durably."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import door
from linkweir.edge.auth import SignedIn
from linkweir.edge.door import Call
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2 import shapes, translate
from linkweir.edge.v2.resource import body_of
from linkweir.mail import lookup
from linkweir.mail.address import ascii_domain
from linkweir.mail.compose import check_length, mailboxes
from linkweir.mail.model import Accepted, Submission


async def send_message(request: Request) -> Response:
    """Accept a message for each recipient; 202 only when all of them are stored durably."""
    return await door.enter(request, "messages:send:any", _send, permit=_may_send)


def _may_send(call: Call) -> None:
    may_send_from(call.who, call.shaped(shapes.Message))


def may_send_from(who: SignedIn, message: shapes.Message) -> None:
    """Raises NotAllowed unless the key covers the domains of `from` and of a `Sender`; BadInput when there is none."""
    domains = [ascii_domain(message.sender.email.rpartition("@")[2], "from.email")]
    for name, value in (message.headers or {}).items():
        if name.lower() == "sender" and value:
            senders = mailboxes(check_length(value, "headers.'Sender'"), "headers.'Sender'")
            domains += [one.email.rpartition("@")[2] for one in senders]
    for domain in domains:
        who.require("messages:send:all", domain)


def _send(call: Call) -> Response:
    moment = now()
    submission = translate.submission(call.shaped(shapes.Message), moment)
    account = lookup.account_of(call.who.account)
    parts = call.parts
    answer = parts.submitter.submit(
        parts.ring, account, submission, moment, write=lambda results: _reply(results, submission), once=call.once
    )
    parts.worker.wake()
    accepted = sum(result.message_id is not None for result in answer.results)
    refused = len(answer.results) - accepted
    parts.metrics.accepted.inc(accepted)
    parts.log.info("messages.accepted", account=str(account.id), accepted=accepted, refused=refused)
    return JSON(answer.reply, 202)


def _reply(results: list[Accepted], submission: Submission) -> bytes:
    return body_of({"object": "list", "data": [_entry(result, submission) for result in results]})


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

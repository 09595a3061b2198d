"""Every operation of the API in one table: path, method, what it is for, what it takes and gives."""

from msgspec import Struct

from linkweir.edge.openapi import answers
from linkweir.edge.openapi.clicking import CLICKING
from linkweir.edge.openapi.operation import ACCOUNT, FLAG, PAGES, TEXT, TEXTS, TIME, Operation
from linkweir.edge.v1 import sending as v1
from linkweir.edge.v2 import asked, shapes
from linkweir.edge.v2.hook_columns import KINDS, NEVER

MESSAGES = {
    **PAGES,
    **dict.fromkeys(("sender", "recipient", "subject", "message_id_header"), TEXT),
    **dict.fromkeys(("status", "tags"), TEXTS),
    **dict.fromkeys(("from_time", "to_time"), TIME),
}
FILTERS = {
    "webhooks": dict.fromkeys(("enabled", *(f"on_{kind}" for kind in (*KINDS, *NEVER))), FLAG),
    "domains": {"dns_valid": FLAG},
}
STATISTICS = {
    "from_time": TIME,
    "to_time": TIME,
    "sender_domain": TEXT,
    "recipient_domains": TEXTS,
    "tags": TEXTS,
    "group_by": {"type": "string", "enum": ["hour", "day", "week", "month"], "default": "day"},
}


def _a(noun: str) -> str:
    """The noun with its article."""
    return f"{'an' if noun[:3] in ('API', 'SMT') else 'a'} {noun}"


def _thing(
    name: str, what: str, scope: str, *, gives: type[Struct], new: type[Struct], change: type[Struct] | None
) -> list[Operation]:
    path, one = f"{ACCOUNT}/{name}", f"{ACCOUNT}/{name}/{{id}}"
    every = ":all" if scope in ("webhooks", "smtp-credentials") else ""
    found = [
        Operation(
            "get",
            path,
            f"List {what}s",
            gives,
            listed=True,
            pages=True,
            query={**PAGES, **FILTERS.get(name, {})},
            scope=f"{scope}:read{every}",
        ),
        Operation(
            "post",
            path,
            f"Make {_a(what)}",
            gives,
            201,
            new,
            f"{scope}:write{every}",
            errors=(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
        ),
        Operation("get", one, f"Get a {what}", gives, scope=f"{scope}:read{every}"),
    ]
    if change:
        found.append(
            Operation(
                "put",
                one,
                f"Change a {what}",
                gives,
                takes=change,
                scope=f"{scope}:write{every}",
                errors=(400, 401, 403, 404, 413, 415, 429, 503),
            )
        )
    every = ":all" if scope == "domains" else every
    found.append(Operation("delete", one, f"Delete a {what}", answers.Done, scope=f"{scope}:delete{every}"))
    return found


SENDING = (400, 401, 403, 409, 413, 415, 422, 429, 503)
OPERATIONS = (
    Operation("get", "/v2/ping", "Is the service there?", answers.Done, errors=(401,)),
    Operation("get", ACCOUNT, "Get the account", answers.Account, scope="accounts:read"),
    Operation(
        "put",
        ACCOUNT,
        "Change the account",
        answers.Account,
        takes=asked.AccountChange,
        scope="accounts:write",
        errors=(400, 401, 403, 404, 413, 415, 429, 503),
    ),
    Operation(
        "post",
        f"{ACCOUNT}/messages",
        "Send a message to each recipient",
        answers.Sent,
        202,
        shapes.Message,
        "messages:send:all",
        listed=True,
        errors=SENDING,
    ),
    Operation(
        "get",
        f"{ACCOUNT}/messages",
        "List messages",
        answers.Message,
        listed=True,
        pages=True,
        query=MESSAGES,
        scope="messages:read:all",
    ),
    Operation("get", f"{ACCOUNT}/messages/{{message_id}}", "Get a message", answers.Message, scope="messages:read:all"),
    Operation(
        "delete",
        f"{ACCOUNT}/messages/{{message_id}}/cancel",
        "Cancel a scheduled message",
        answers.Done,
        scope="messages:cancel:all",
        errors=(400, 401, 403, 404, 409, 429, 503),
    ),
    Operation(
        "post",
        f"{ACCOUNT}/check",
        "See what would be tracked and why; nothing is sent",
        answers.Checked,
        takes=shapes.Check,
        scope="messages:send:all",
        errors=SENDING,
        own=True,
    ),
    *_thing("domains", "domain", "domains", gives=answers.Domain, new=asked.NewDomain, change=asked.DomainChange),
    *_thing("api-keys", "API key", "api-keys", gives=answers.ApiKey, new=asked.NewApiKey, change=asked.ApiKeyChange),
    *_thing(
        "smtp-credentials",
        "SMTP credential",
        "smtp-credentials",
        gives=answers.SmtpCredential,
        new=asked.NewSmtpCredential,
        change=None,
    ),
    *_thing("webhooks", "webhook", "webhooks", gives=answers.Webhook, new=asked.NewWebhook, change=asked.WebhookChange),
    Operation(
        "get",
        f"{ACCOUNT}/statistics/transactional/deliverability",
        "Count what happened to messages, by period",
        answers.Deliverability,
        listed=True,
        query=STATISTICS,
        scope="statistics-transactional:read:all",
    ),
    *CLICKING,
    Operation(
        "post",
        "/v1/email/send",
        "Send by the older API",
        answers.SentV1,
        201,
        v1.Email,
        errors=(400, 403, 413, 415, 429, 503),
    ),
)

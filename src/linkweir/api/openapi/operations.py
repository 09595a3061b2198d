"""Every operation of the API in one table: path, method, what it is for, what it takes and gives."""

from msgspec import Struct

from linkweir.accounts import resource_changes
from linkweir.accounts.webhook_settings import EVENT_KINDS, UNSUPPORTED_EVENT_KINDS
from linkweir.api.openapi.click_operations import CLICK_OPERATIONS
from linkweir.api.openapi.operation import (
    ACCOUNT_PATH,
    BOOLEAN_SCHEMA,
    PAGE_PARAMETERS,
    STRING_LIST_SCHEMA,
    STRING_SCHEMA,
    TIME_SCHEMA,
    Operation,
)
from linkweir.api.v1 import v1_endpoints as v1
from linkweir.api.v2 import request_types, response_types

MESSAGE_FILTERS = {
    **PAGE_PARAMETERS,
    **dict.fromkeys(("sender", "recipient", "subject", "message_id_header"), STRING_SCHEMA),
    **dict.fromkeys(("status", "tags"), STRING_LIST_SCHEMA),
    **dict.fromkeys(("from_time", "to_time"), TIME_SCHEMA),
}
RESOURCE_FILTERS = {
    "webhooks": dict.fromkeys(
        ("enabled", *(f"on_{kind}" for kind in (*EVENT_KINDS, *UNSUPPORTED_EVENT_KINDS))), BOOLEAN_SCHEMA
    ),
    "domains": {"dns_valid": BOOLEAN_SCHEMA},
}
STATISTICS_PARAMETERS = {
    "from_time": TIME_SCHEMA,
    "to_time": TIME_SCHEMA,
    "sender_domain": STRING_SCHEMA,
    "recipient_domains": STRING_LIST_SCHEMA,
    "tags": STRING_LIST_SCHEMA,
    "group_by": {"type": "string", "enum": ["hour", "day", "week", "month"], "default": "day"},
}


def _with_article(noun: str) -> str:
    """The noun with its article."""
    return f"{'an' if noun[:3] in ('API', 'SMT') else 'a'} {noun}"


def _crud_operations(
    name: str,
    noun: str,
    scope: str,
    *,
    response: type[Struct],
    create_request: type[Struct],
    update_request: type[Struct] | None,
) -> list[Operation]:
    path, one = f"{ACCOUNT_PATH}/{name}", f"{ACCOUNT_PATH}/{name}/{{id}}"
    every = ":all" if scope in ("webhooks", "smtp-credentials") else ""
    found = [
        Operation(
            "get",
            path,
            f"List {noun}s",
            response,
            is_list=True,
            is_paged=True,
            query={**PAGE_PARAMETERS, **RESOURCE_FILTERS.get(name, {})},
            scope=f"{scope}:read{every}",
        ),
        Operation(
            "post",
            path,
            f"Make {_with_article(noun)}",
            response,
            201,
            create_request,
            f"{scope}:write{every}",
            errors=(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
        ),
        Operation("get", one, f"Get a {noun}", response, scope=f"{scope}:read{every}"),
    ]
    if update_request:
        found.append(
            Operation(
                "put",
                one,
                f"Change a {noun}",
                response,
                request=update_request,
                scope=f"{scope}:write{every}",
                errors=(400, 401, 403, 404, 413, 415, 429, 503),
            )
        )
    every = ":all" if scope == "domains" else every
    found.append(
        Operation("delete", one, f"Delete a {noun}", response_types.Acknowledgement, scope=f"{scope}:delete{every}")
    )
    return found


SEND_ERRORS = (400, 401, 403, 409, 413, 415, 422, 429, 503)
OPERATIONS = (
    Operation("get", "/v2/ping", "Is the service there?", response_types.Acknowledgement, errors=(401,)),
    Operation("get", ACCOUNT_PATH, "Get the account", response_types.AccountResource, scope="accounts:read"),
    Operation(
        "put",
        ACCOUNT_PATH,
        "Change the account",
        response_types.AccountResource,
        request=resource_changes.AccountUpdate,
        scope="accounts:write",
        errors=(400, 401, 403, 404, 413, 415, 429, 503),
    ),
    Operation(
        "post",
        f"{ACCOUNT_PATH}/messages",
        "Send a message to each recipient",
        response_types.SendResult,
        202,
        request_types.SendRequest,
        "messages:send:all",
        is_list=True,
        errors=SEND_ERRORS,
    ),
    Operation(
        "get",
        f"{ACCOUNT_PATH}/messages",
        "List messages",
        response_types.MessageResource,
        is_list=True,
        is_paged=True,
        query=MESSAGE_FILTERS,
        scope="messages:read:all",
    ),
    Operation(
        "get",
        f"{ACCOUNT_PATH}/messages/{{message_id}}",
        "Get a message",
        response_types.MessageResource,
        scope="messages:read:all",
    ),
    Operation(
        "delete",
        f"{ACCOUNT_PATH}/messages/{{message_id}}/cancel",
        "Cancel a scheduled message",
        response_types.Acknowledgement,
        scope="messages:cancel:all",
        errors=(400, 401, 403, 404, 409, 429, 503),
    ),
    Operation(
        "post",
        f"{ACCOUNT_PATH}/check",
        "See what would be tracked and why; nothing is sent",
        response_types.CheckResponse,
        request=request_types.CheckRequest,
        scope="messages:send:all",
        errors=SEND_ERRORS,
        is_extension=True,
    ),
    *_crud_operations(
        "domains",
        "domain",
        "domains",
        response=response_types.DomainResource,
        create_request=resource_changes.DomainCreate,
        update_request=resource_changes.DomainUpdate,
    ),
    *_crud_operations(
        "api-keys",
        "API key",
        "api-keys",
        response=response_types.ApiKeyResource,
        create_request=resource_changes.ApiKeyCreate,
        update_request=resource_changes.ApiKeyUpdate,
    ),
    *_crud_operations(
        "smtp-credentials",
        "SMTP credential",
        "smtp-credentials",
        response=response_types.SmtpCredentialResource,
        create_request=resource_changes.SmtpCredentialCreate,
        update_request=None,
    ),
    *_crud_operations(
        "webhooks",
        "webhook",
        "webhooks",
        response=response_types.WebhookResource,
        create_request=resource_changes.WebhookCreate,
        update_request=resource_changes.WebhookUpdate,
    ),
    Operation(
        "get",
        f"{ACCOUNT_PATH}/statistics/transactional/deliverability",
        "Count what happened to messages, by period",
        response_types.DeliverabilityRow,
        is_list=True,
        query=STATISTICS_PARAMETERS,
        scope="statistics-transactional:read:all",
    ),
    *CLICK_OPERATIONS,
    Operation(
        "post",
        "/v1/email/send",
        "Send by the older API",
        response_types.V1SendResponse,
        201,
        v1.V1SendRequest,
        errors=(400, 403, 413, 415, 429, 503),
    ),
)

"""Every operation of the API in one table: the routes and the OpenAPI document follow from it."""

from collections.abc import Callable

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from linkweir.accounts import resource_changes
from linkweir.api.endpoint import ApiRequest, Operation, to_route
from linkweir.api.v1 import v1_endpoints as v1
from linkweir.api.v2 import (
    account_endpoints,
    api_key_endpoints,
    check_endpoints,
    click_endpoints,
    click_response_types,
    click_statistics_endpoints,
    delivery_statistics_endpoints,
    domain_endpoints,
    message_endpoints,
    query_parameters,
    recipient_endpoints,
    request_types,
    response_types,
    send_endpoints,
    smtp_credential_endpoints,
    webhook_endpoints,
)
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.web import authentication
from linkweir.web.json_response import JSONResponse
from linkweir.web.services import services_from

ACCOUNT_PATH = "/v2/accounts/{account_id}"
MESSAGE_PATH = f"{ACCOUNT_PATH}/messages/{{message_id}}"
STATISTICS_PATH = f"{ACCOUNT_PATH}/statistics"
MESSAGES_SCOPE = "messages:read:all"
STATISTICS_SCOPE = "statistics-transactional:read:all"

SEND_ERRORS = (400, 401, 403, 409, 413, 415, 422, 429, 503)
CREATE_ERRORS = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
UPDATE_ERRORS = (400, 401, 403, 404, 413, 415, 429, 503)
CANCEL_ERRORS = (400, 401, 403, 404, 409, 429, 503)
STATISTICS_ERRORS = (400, 401, 403, 404, 422, 429, 503)

Handler = Callable[[ApiRequest], Response | Struct]


async def ping(request: Request) -> Response:
    """Answer without a key, but check one that comes along: clients use this to try theirs."""
    if "authorization" in request.headers:
        await authentication.authenticate(request, services_from(request))
    return JSONResponse({"message": "pong"})


def _crud_operations(
    name: str,
    noun: str,
    *,
    response: type[Struct],
    list_all: Handler,
    create: Handler,
    create_request: type[Struct],
    get: Handler,
    delete: Handler,
    update: Handler | None = None,
    update_request: type[Struct] | None = None,
    authorize: Callable[[ApiRequest], None] | None = None,
    query: type[Struct] = PageQuery,
    scope_suffix: str = "",
    is_deleted_per_domain: bool = False,
) -> list[Operation]:
    """Return the operations on what an account has several of, under one path."""
    all_path, one_path = f"{ACCOUNT_PATH}/{name}", f"{ACCOUNT_PATH}/{name}/{{id}}"
    read, write, remove = (f"{name}:{action}{scope_suffix}" for action in ("read", "write", "delete"))
    found = [
        Operation(
            method="get",
            path=all_path,
            summary=f"List {noun}s",
            handler=list_all,
            scope=read,
            query=query,
            response=response,
            is_list=True,
            is_paged=True,
        ),
        Operation(
            method="post",
            path=all_path,
            summary=f"Create {'an' if noun.startswith(('API', 'SMTP')) else 'a'} {noun}",
            handler=create,
            authorize=authorize,
            scope=write,
            request=create_request,
            response=response,
            status=201,
            errors=CREATE_ERRORS,
        ),
        Operation(method="get", path=one_path, summary=f"Get a {noun}", handler=get, scope=read, response=response),
        Operation(
            method="delete",
            path=one_path,
            summary=f"Delete a {noun}",
            handler=delete,
            scope=f"{remove}:all" if is_deleted_per_domain else remove,
            is_per_domain=is_deleted_per_domain,
            response=response_types.Acknowledgement,
        ),
    ]
    if update is not None:
        found.append(
            Operation(
                method="put",
                path=one_path,
                summary=f"Change a {noun}",
                handler=update,
                scope=write,
                request=update_request,
                response=response,
                errors=UPDATE_ERRORS,
            )
        )
    return found


OPERATIONS = (
    Operation(
        method="get",
        path="/v2/ping",
        summary="Check that the service answers",
        endpoint=ping,
        response=response_types.Acknowledgement,
        errors=(401,),
    ),
    Operation(
        method="get",
        path=ACCOUNT_PATH,
        summary="Get the account",
        handler=account_endpoints.get_account,
        scope="accounts:read",
        response=response_types.AccountResource,
    ),
    Operation(
        method="put",
        path=ACCOUNT_PATH,
        summary="Change the account",
        handler=account_endpoints.update_account,
        scope="accounts:write",
        request=resource_changes.AccountUpdate,
        response=response_types.AccountResource,
        errors=UPDATE_ERRORS,
    ),
    Operation(
        method="post",
        path=f"{ACCOUNT_PATH}/messages",
        summary="Send a message to each recipient",
        handler=send_endpoints.send_message,
        authorize=send_endpoints.authorize_send,
        scope="messages:send:all",
        is_per_domain=True,
        request=request_types.SendRequest,
        response=response_types.SendResult,
        status=202,
        is_list=True,
        errors=SEND_ERRORS,
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT_PATH}/messages",
        summary="List messages",
        handler=message_endpoints.list_messages,
        scope=MESSAGES_SCOPE,
        is_per_domain=True,
        query=query_parameters.MessageQuery,
        response=response_types.MessageResource,
        is_list=True,
        is_paged=True,
    ),
    Operation(
        method="get",
        path=MESSAGE_PATH,
        summary="Get a message",
        handler=message_endpoints.get_message,
        scope=MESSAGES_SCOPE,
        is_per_domain=True,
        response=response_types.MessageResource,
    ),
    Operation(
        method="delete",
        path=f"{MESSAGE_PATH}/cancel",
        summary="Cancel a scheduled message",
        handler=message_endpoints.cancel_message,
        scope="messages:cancel:all",
        is_per_domain=True,
        response=response_types.Acknowledgement,
        errors=CANCEL_ERRORS,
    ),
    Operation(
        method="post",
        path=f"{ACCOUNT_PATH}/check",
        summary="See what would be tracked and why; nothing is sent",
        handler=check_endpoints.check_message,
        authorize=check_endpoints.authorize_check,
        scope="messages:send:all",
        is_per_domain=True,
        request=request_types.CheckRequest,
        response=response_types.CheckResponse,
        errors=SEND_ERRORS,
        is_extension=True,
    ),
    *_crud_operations(
        "domains",
        "domain",
        response=response_types.DomainResource,
        list_all=domain_endpoints.list_domains,
        query=query_parameters.DomainQuery,
        create=domain_endpoints.create_domain,
        create_request=resource_changes.DomainCreate,
        get=domain_endpoints.get_domain,
        update=domain_endpoints.update_domain,
        update_request=resource_changes.DomainUpdate,
        delete=domain_endpoints.delete_domain,
        is_deleted_per_domain=True,
    ),
    *_crud_operations(
        "api-keys",
        "API key",
        response=response_types.ApiKeyResource,
        list_all=api_key_endpoints.list_api_keys,
        create=api_key_endpoints.create_api_key,
        authorize=api_key_endpoints.authorize_create,
        create_request=resource_changes.ApiKeyCreate,
        get=api_key_endpoints.get_api_key,
        update=api_key_endpoints.update_api_key,
        update_request=resource_changes.ApiKeyUpdate,
        delete=api_key_endpoints.delete_api_key,
    ),
    *_crud_operations(
        "smtp-credentials",
        "SMTP credential",
        response=response_types.SmtpCredentialResource,
        list_all=smtp_credential_endpoints.list_smtp_credentials,
        create=smtp_credential_endpoints.create_smtp_credential,
        authorize=smtp_credential_endpoints.authorize_create,
        create_request=resource_changes.SmtpCredentialCreate,
        get=smtp_credential_endpoints.get_smtp_credential,
        delete=smtp_credential_endpoints.delete_smtp_credential,
        scope_suffix=":all",
    ),
    *_crud_operations(
        "webhooks",
        "webhook",
        response=response_types.WebhookResource,
        list_all=webhook_endpoints.list_webhooks,
        query=query_parameters.WebhookQuery,
        create=webhook_endpoints.create_webhook,
        create_request=resource_changes.WebhookCreate,
        get=webhook_endpoints.get_webhook,
        update=webhook_endpoints.update_webhook,
        update_request=resource_changes.WebhookUpdate,
        delete=webhook_endpoints.delete_webhook,
        scope_suffix=":all",
    ),
    Operation(
        method="get",
        path=f"{STATISTICS_PATH}/transactional/deliverability",
        summary="Count what happened to messages, by period",
        handler=delivery_statistics_endpoints.get_deliverability,
        scope=STATISTICS_SCOPE,
        is_per_domain=True,
        has_statistics_limit=True,
        query=query_parameters.DeliverabilityQuery,
        response=response_types.DeliverabilityRow,
        is_list=True,
    ),
    Operation(
        method="get",
        path=f"{MESSAGE_PATH}/clicks",
        summary="List the clicks on a message's links, each with its verdict and why",
        handler=click_endpoints.list_clicks,
        scope=MESSAGES_SCOPE,
        is_per_domain=True,
        query=PageQuery,
        response=click_response_types.ClickResource,
        is_list=True,
        is_paged=True,
        is_extension=True,
    ),
    Operation(
        method="get",
        path=f"{MESSAGE_PATH}/links",
        summary="List a message's links with their clicks",
        handler=click_endpoints.list_links,
        scope=MESSAGES_SCOPE,
        is_per_domain=True,
        response=click_response_types.MessageLinkList,
        is_extension=True,
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT_PATH}/clicks/export",
        summary="Export every click of a time (the last 30 days) as a file",
        handler=click_endpoints.export_clicks,
        scope=MESSAGES_SCOPE,
        is_per_domain=True,
        has_statistics_limit=True,
        query=query_parameters.ClickExportQuery,
        response=None,
        is_downloadable=True,
        errors=STATISTICS_ERRORS,
        is_extension=True,
    ),
    Operation(
        method="get",
        path=f"{STATISTICS_PATH}/clicks",
        summary="Count clicks by period or by one dimension",
        handler=click_statistics_endpoints.count_clicks,
        scope=STATISTICS_SCOPE,
        is_per_domain=True,
        has_statistics_limit=True,
        query=query_parameters.ClickStatisticsQuery,
        response=click_response_types.ClickStatistics,
        is_downloadable=True,
        errors=STATISTICS_ERRORS,
        is_extension=True,
    ),
    Operation(
        method="get",
        path=f"{STATISTICS_PATH}/campaigns",
        summary="Compare campaigns: messages, clicks, click rates",
        handler=click_statistics_endpoints.compare_campaigns,
        scope=STATISTICS_SCOPE,
        has_statistics_limit=True,
        query=query_parameters.CampaignQuery,
        response=click_response_types.CampaignStatistics,
        is_downloadable=True,
        errors=STATISTICS_ERRORS,
        is_extension=True,
    ),
    Operation(
        method="get",
        path=f"{STATISTICS_PATH}/variants",
        summary="Compare the variants of a campaign, with the significance of their differences",
        handler=click_statistics_endpoints.compare_variants,
        scope=STATISTICS_SCOPE,
        has_statistics_limit=True,
        query=query_parameters.VariantQuery,
        response=click_response_types.VariantStatistics,
        is_downloadable=True,
        is_extension=True,
    ),
    Operation(
        method="get",
        path=f"{STATISTICS_PATH}/clickers",
        summary="List who clicked in a campaign, or on one of its links",
        handler=click_endpoints.list_clickers,
        scope=MESSAGES_SCOPE,
        has_statistics_limit=True,
        query=query_parameters.ClickerQuery,
        response=click_response_types.ClickerResource,
        is_list=True,
        is_paged=True,
        is_downloadable=True,
        errors=STATISTICS_ERRORS,
        is_extension=True,
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT_PATH}/recipients/{{email}}",
        summary="Export everything that is stored on one person",
        handler=recipient_endpoints.export_recipient,
        scope="recipients:read",
        response=click_response_types.RecipientExport,
        is_extension=True,
    ),
    Operation(
        method="delete",
        path=f"{ACCOUNT_PATH}/recipients/{{email}}",
        summary="Erase everything that is stored on one person, for good",
        handler=recipient_endpoints.erase_recipient,
        scope="recipients:delete",
        response=click_response_types.ErasureResponse,
        is_extension=True,
    ),
    Operation(
        method="post",
        path="/v1/email/send",
        summary="Send by the older API",
        endpoint=v1.send_email,
        request=v1.V1SendRequest,
        response=response_types.V1SendResponse,
        status=201,
        errors=(400, 403, 413, 415, 429, 503),
    ),
)
ROUTES = [to_route(operation) for operation in OPERATIONS]

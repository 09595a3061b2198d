"""The table of all operations of the API; routes and the OpenAPI document are generated from it."""

from starlette.requests import Request
from starlette.responses import Response

from linkweir.accounts import resource_changes
from linkweir.api.endpoint import ACCOUNT_PATH, UPDATE_ERRORS, Operation, to_route
from linkweir.api.v1 import v1_endpoints as v1
from linkweir.api.v2 import (
    account_endpoints,
    check_endpoints,
    click_endpoints,
    click_response_types,
    click_statistics_endpoints,
    delivery_statistics_endpoints,
    message_endpoints,
    query_parameters,
    recipient_endpoints,
    request_types,
    response_types,
    send_endpoints,
)
from linkweir.api.v2.api_key_endpoints import ApiKeyEndpoints
from linkweir.api.v2.correction_endpoints import CorrectionEndpoints
from linkweir.api.v2.domain_endpoints import DomainEndpoints
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.api.v2.response_types import ResourceList, ResourcePage
from linkweir.api.v2.smtp_credential_endpoints import SmtpCredentialEndpoints
from linkweir.api.v2.webhook_endpoints import WebhookEndpoints
from linkweir.web import authentication
from linkweir.web.json_response import JSONResponse
from linkweir.web.services import services_from

MESSAGE_PATH = f"{ACCOUNT_PATH}/messages/{{message_id}}"
STATISTICS_PATH = f"{ACCOUNT_PATH}/statistics"
MESSAGES_SCOPE = "messages:read:all"
STATISTICS_SCOPE = "statistics-transactional:read:all"

SEND_ERRORS = (400, 401, 403, 409, 413, 415, 422, 429, 503)
CANCEL_ERRORS = (400, 401, 403, 404, 409, 429, 503)
STATISTICS_ERRORS = (400, 401, 403, 404, 422, 429, 503)


async def ping(request: Request) -> Response:
    """Answer without a key, but verify one that is sent: clients test their keys here."""
    if "authorization" in request.headers:
        await authentication.authenticate(request, services_from(request))
    return JSONResponse(response_types.Acknowledgement("pong"))


OPERATIONS = (
    Operation(
        method="get",
        path="/v2/ping",
        summary="Check that the service is running",
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
        summary="Update the account",
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
        response=ResourceList[response_types.SendResult],
        status=202,
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
        response=ResourcePage[response_types.MessageResource],
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
        summary="Check which links would be tracked, and why not the others; nothing is sent",
        handler=check_endpoints.check_message,
        authorize=check_endpoints.authorize_check,
        scope="messages:send:all",
        is_per_domain=True,
        request=request_types.CheckRequest,
        response=response_types.CheckResponse,
        errors=SEND_ERRORS,
        is_extension=True,
    ),
    *CorrectionEndpoints().operations(),
    *DomainEndpoints().operations(),
    *ApiKeyEndpoints().operations(),
    *SmtpCredentialEndpoints().operations(),
    *WebhookEndpoints().operations(),
    Operation(
        method="get",
        path=f"{STATISTICS_PATH}/transactional/deliverability",
        summary="Count delivery events by period",
        handler=delivery_statistics_endpoints.get_deliverability,
        scope=STATISTICS_SCOPE,
        is_per_domain=True,
        has_statistics_limit=True,
        query=query_parameters.DeliverabilityQuery,
        response=ResourceList[response_types.DeliverabilityRow],
    ),
    Operation(
        method="get",
        path=f"{MESSAGE_PATH}/clicks",
        summary="List the clicks on a message's links with verdicts and reasons",
        handler=click_endpoints.list_clicks,
        scope=MESSAGES_SCOPE,
        is_per_domain=True,
        query=PageQuery,
        response=ResourcePage[click_response_types.ClickResource],
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
        summary="Export the clicks of a period (default: the last 30 days) as a file",
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
        response=ResourcePage[click_response_types.ClickerResource],
        is_downloadable=True,
        errors=STATISTICS_ERRORS,
        is_extension=True,
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT_PATH}/recipients/{{email}}",
        summary="Export all data stored about one person",
        handler=recipient_endpoints.export_recipient,
        scope="recipients:read",
        response=click_response_types.RecipientExport,
        is_extension=True,
    ),
    Operation(
        method="delete",
        path=f"{ACCOUNT_PATH}/recipients/{{email}}",
        summary="Erase all data stored about one person",
        handler=recipient_endpoints.erase_recipient,
        scope="recipients:delete",
        response=click_response_types.ErasureResponse,
        is_extension=True,
    ),
    Operation(
        method="post",
        path="/v1/email/send",
        summary="Send a message (API v1)",
        endpoint=v1.send_email,
        request=v1.V1SendRequest,
        response=response_types.V1SendResponse,
        status=201,
        errors=(400, 403, 413, 415, 429, 503),
    ),
)
ROUTES = [to_route(operation) for operation in OPERATIONS]

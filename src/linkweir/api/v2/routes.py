"""Which path of API v2 leads where."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.api.v2 import (
    account_endpoints,
    api_key_endpoints,
    check_endpoints,
    click_endpoints,
    click_statistics_endpoints,
    delivery_statistics_endpoints,
    domain_endpoints,
    message_endpoints,
    recipient_endpoints,
    send_endpoints,
    smtp_credential_endpoints,
    webhook_endpoints,
)
from linkweir.web import authentication
from linkweir.web.json_response import JSONResponse
from linkweir.web.services import services_from


async def ping(request: Request) -> Response:
    """Alive; a key that comes along is checked, since clients use this to try theirs."""
    if "authorization" in request.headers:
        await authentication.authenticate(request, services_from(request))
    return JSONResponse({"message": "pong"})


ACCOUNT_PATH = "/v2/accounts/{account_id}"
ROUTES = [
    Route("/v2/ping", ping, methods=["GET"]),
    Route(ACCOUNT_PATH, account_endpoints.get_account, methods=["GET"]),
    Route(ACCOUNT_PATH, account_endpoints.update_account, methods=["PUT"]),
    Route(f"{ACCOUNT_PATH}/messages", send_endpoints.send_message, methods=["POST"]),
    Route(f"{ACCOUNT_PATH}/messages", message_endpoints.list_messages, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/messages/{{message_id}}", message_endpoints.get_message, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/messages/{{message_id}}/cancel", message_endpoints.cancel_message, methods=["DELETE"]),
    Route(f"{ACCOUNT_PATH}/messages/{{message_id}}/clicks", click_endpoints.list_clicks, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/messages/{{message_id}}/links", click_endpoints.list_links, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/clicks/export", click_endpoints.export_clicks, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/statistics/clicks", click_statistics_endpoints.count_clicks, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/statistics/campaigns", click_statistics_endpoints.compare_campaigns, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/statistics/variants", click_statistics_endpoints.compare_variants, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/statistics/clickers", click_endpoints.list_clickers, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/recipients/{{email}}", recipient_endpoints.export_recipient, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/recipients/{{email}}", recipient_endpoints.erase_recipient, methods=["DELETE"]),
    Route(f"{ACCOUNT_PATH}/check", check_endpoints.check_message, methods=["POST"]),
    Route(f"{ACCOUNT_PATH}/domains", domain_endpoints.list_domains, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/domains", domain_endpoints.create_domain, methods=["POST"]),
    Route(f"{ACCOUNT_PATH}/domains/{{id}}", domain_endpoints.get_domain, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/domains/{{id}}", domain_endpoints.update_domain, methods=["PUT"]),
    Route(f"{ACCOUNT_PATH}/domains/{{id}}", domain_endpoints.delete_domain, methods=["DELETE"]),
    Route(f"{ACCOUNT_PATH}/api-keys", api_key_endpoints.list_api_keys, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/api-keys", api_key_endpoints.create_api_key, methods=["POST"]),
    Route(f"{ACCOUNT_PATH}/api-keys/{{id}}", api_key_endpoints.get_api_key, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/api-keys/{{id}}", api_key_endpoints.update_api_key, methods=["PUT"]),
    Route(f"{ACCOUNT_PATH}/api-keys/{{id}}", api_key_endpoints.delete_api_key, methods=["DELETE"]),
    Route(f"{ACCOUNT_PATH}/smtp-credentials", smtp_credential_endpoints.list_smtp_credentials, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/smtp-credentials", smtp_credential_endpoints.create_smtp_credential, methods=["POST"]),
    Route(f"{ACCOUNT_PATH}/smtp-credentials/{{id}}", smtp_credential_endpoints.get_smtp_credential, methods=["GET"]),
    Route(
        f"{ACCOUNT_PATH}/smtp-credentials/{{id}}", smtp_credential_endpoints.delete_smtp_credential, methods=["DELETE"]
    ),
    Route(f"{ACCOUNT_PATH}/webhooks", webhook_endpoints.list_webhooks, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/webhooks", webhook_endpoints.create_webhook, methods=["POST"]),
    Route(f"{ACCOUNT_PATH}/webhooks/{{id}}", webhook_endpoints.get_webhook, methods=["GET"]),
    Route(f"{ACCOUNT_PATH}/webhooks/{{id}}", webhook_endpoints.update_webhook, methods=["PUT"]),
    Route(f"{ACCOUNT_PATH}/webhooks/{{id}}", webhook_endpoints.delete_webhook, methods=["DELETE"]),
    Route(
        f"{ACCOUNT_PATH}/statistics/transactional/deliverability",
        delivery_statistics_endpoints.get_deliverability,
        methods=["GET"],
    ),
]

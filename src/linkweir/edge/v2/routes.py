"""Which path of API v2 leads where."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.edge import auth
from linkweir.edge.parts import parts_of
from linkweir.edge.reply import JSON
from linkweir.edge.v2 import (
    accounts,
    checking,
    clicked,
    credentials,
    domains,
    figures,
    hooks,
    keys,
    people,
    reading,
    sending,
    statistics,
)


async def ping(request: Request) -> Response:
    """Alive; a key that comes along is checked, since clients use this to try theirs."""
    if "authorization" in request.headers:
        await auth.signed_in(request, parts_of(request))
    return JSON({"message": "pong"})


ACCOUNT = "/v2/accounts/{account_id}"
ROUTES = [
    Route("/v2/ping", ping, methods=["GET"]),
    Route(ACCOUNT, accounts.get_account, methods=["GET"]),
    Route(ACCOUNT, accounts.change_account, methods=["PUT"]),
    Route(f"{ACCOUNT}/messages", sending.send_message, methods=["POST"]),
    Route(f"{ACCOUNT}/messages", reading.list_messages, methods=["GET"]),
    Route(f"{ACCOUNT}/messages/{{message_id}}", reading.get_message, methods=["GET"]),
    Route(f"{ACCOUNT}/messages/{{message_id}}/cancel", reading.cancel_message, methods=["DELETE"]),
    Route(f"{ACCOUNT}/messages/{{message_id}}/clicks", clicked.list_clicks, methods=["GET"]),
    Route(f"{ACCOUNT}/messages/{{message_id}}/links", clicked.list_links, methods=["GET"]),
    Route(f"{ACCOUNT}/clicks/export", clicked.export_clicks, methods=["GET"]),
    Route(f"{ACCOUNT}/statistics/clicks", figures.count_clicks, methods=["GET"]),
    Route(f"{ACCOUNT}/statistics/campaigns", figures.compare_campaigns, methods=["GET"]),
    Route(f"{ACCOUNT}/statistics/variants", figures.compare_variants, methods=["GET"]),
    Route(f"{ACCOUNT}/statistics/clickers", clicked.list_clickers, methods=["GET"]),
    Route(f"{ACCOUNT}/recipients/{{email}}", people.export_recipient, methods=["GET"]),
    Route(f"{ACCOUNT}/recipients/{{email}}", people.erase_recipient, methods=["DELETE"]),
    Route(f"{ACCOUNT}/check", checking.check_message, methods=["POST"]),
    Route(f"{ACCOUNT}/domains", domains.list_domains, methods=["GET"]),
    Route(f"{ACCOUNT}/domains", domains.create_domain, methods=["POST"]),
    Route(f"{ACCOUNT}/domains/{{id}}", domains.get_domain, methods=["GET"]),
    Route(f"{ACCOUNT}/domains/{{id}}", domains.change_domain, methods=["PUT"]),
    Route(f"{ACCOUNT}/domains/{{id}}", domains.delete_domain, methods=["DELETE"]),
    Route(f"{ACCOUNT}/api-keys", keys.list_keys, methods=["GET"]),
    Route(f"{ACCOUNT}/api-keys", keys.create_key, methods=["POST"]),
    Route(f"{ACCOUNT}/api-keys/{{id}}", keys.get_key, methods=["GET"]),
    Route(f"{ACCOUNT}/api-keys/{{id}}", keys.change_key, methods=["PUT"]),
    Route(f"{ACCOUNT}/api-keys/{{id}}", keys.delete_key, methods=["DELETE"]),
    Route(f"{ACCOUNT}/smtp-credentials", credentials.list_credentials, methods=["GET"]),
    Route(f"{ACCOUNT}/smtp-credentials", credentials.create_credential, methods=["POST"]),
    Route(f"{ACCOUNT}/smtp-credentials/{{id}}", credentials.get_credential, methods=["GET"]),
    Route(f"{ACCOUNT}/smtp-credentials/{{id}}", credentials.delete_credential, methods=["DELETE"]),
    Route(f"{ACCOUNT}/webhooks", hooks.list_webhooks, methods=["GET"]),
    Route(f"{ACCOUNT}/webhooks", hooks.create_webhook, methods=["POST"]),
    Route(f"{ACCOUNT}/webhooks/{{id}}", hooks.get_webhook, methods=["GET"]),
    Route(f"{ACCOUNT}/webhooks/{{id}}", hooks.change_webhook, methods=["PUT"]),
    Route(f"{ACCOUNT}/webhooks/{{id}}", hooks.delete_webhook, methods=["DELETE"]),
    Route(f"{ACCOUNT}/statistics/transactional/deliverability", statistics.deliverability, methods=["GET"]),
]

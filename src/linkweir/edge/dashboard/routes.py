"""Every address of the dashboard. Plain routes and no mount, so that the path in front of them stays known."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.edge.dashboard import (
    assets,
    campaigns,
    checking,
    clickers,
    comparing,
    entry,
    exports,
    hook_making,
    hooks,
    hosts,
    live,
    mails,
    overview,
    preferences,
    segments,
    signin,
    view,
)


async def dashboard(request: Request) -> Response:
    """The address as people type it."""
    return view.away(request, "/")


def _get(path: str, endpoint: entry.Endpoint) -> Route:
    return Route(f"/dashboard{path}", endpoint, methods=["GET"])


def _post(path: str, endpoint: entry.Endpoint) -> Route:
    return Route(f"/dashboard{path}", endpoint, methods=["POST"])


ROUTES = [
    _get("", dashboard),
    _get("/", overview.overview),
    Route("/dashboard/sign-in", signin.sign_in, methods=["GET", "POST"]),
    _post("/sign-out", signin.sign_out),
    _post("/password", signin.change_password),
    _get("/messages", mails.list_messages),
    _get("/messages/{id}", mails.one_message),
    _get("/messages/{id}/mail", mails.message_mail),
    _get("/messages/{id}/clicks", mails.message_clicks),
    _get("/messages/{id}/clicks/export", exports.export_message),
    _get("/campaigns", campaigns.campaigns),
    _get("/campaign", campaigns.campaign),
    _get("/campaign/mail", campaigns.campaign_mail),
    _get("/campaign/clickers", clickers.clickers),
    _get("/campaign/segment", segments.segment),
    _get("/export/{what}", exports.export),
    _get("/compare", comparing.compare),
    _get("/live", live.live),
    _get("/live/rows", live.live_rows),
    _get("/webhooks", hooks.list_webhooks),
    _get("/webhooks/new", hook_making.new_webhook),
    _post("/webhooks/new", hook_making.make_webhook),
    _get("/webhooks/{id}", hooks.one_webhook),
    _get("/webhooks/{id}/edit", hook_making.edit_webhook),
    _post("/webhooks/{id}/edit", hook_making.change_webhook),
    _get("/webhooks/{id}/delete", hook_making.ask_to_delete),
    _post("/webhooks/{id}/delete", hook_making.delete_webhook),
    _post("/webhooks/{id}/switch", hooks.switch_webhook),
    _post("/webhooks/{id}/again", hooks.send_again),
    _get("/settings", preferences.preferences),
    _post("/settings", preferences.change_preferences),
    _post("/settings/zone", preferences.change_zone),
    _post("/settings/host", hosts.set_host),
    _get("/check", checking.check_page),
    _post("/check", checking.check_result),
    _get("/static/{mark}/{name}", assets.asset),
    Route("/dashboard/{rest:path}", entry.unknown),
]

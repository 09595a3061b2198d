"""The routes of the dashboard. Not a Mount, which would change `root_path`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.dashboard import (
    campaign_pages,
    check_page,
    clickers_page,
    comparison_page,
    credential_pages,
    export_pages,
    live_page,
    message_pages,
    overview_page,
    page_request,
    rendering,
    send_page,
    settings_page,
    sign_in_pages,
    static_files,
    webhook_form_pages,
    webhook_pages,
)


async def redirect_to_overview(request: Request) -> Response:
    """Redirect /dashboard to the overview."""
    return rendering.redirect(request, "/")


def _get(path: str, endpoint: page_request.Endpoint) -> Route:
    return Route(f"/dashboard{path}", endpoint, methods=["GET"])


def _post(path: str, endpoint: page_request.Endpoint) -> Route:
    return Route(f"/dashboard{path}", endpoint, methods=["POST"])


ROUTES = [
    _get("", redirect_to_overview),
    _get("/", overview_page.show_overview),
    Route("/dashboard/sign-in", sign_in_pages.sign_in, methods=["GET", "POST"]),
    _post("/sign-out", sign_in_pages.sign_out),
    _post("/password", sign_in_pages.change_password),
    _get("/messages", message_pages.list_messages),
    _get("/messages/{id}", message_pages.show_message),
    _get("/messages/{id}/mail", message_pages.show_message_mail),
    _get("/messages/{id}/clicks", message_pages.list_message_clicks),
    _get("/messages/{id}/clicks/export", export_pages.export_message_clicks),
    _get("/campaigns", campaign_pages.list_campaigns),
    _get("/campaign", campaign_pages.show_campaign),
    _get("/campaign/mail", campaign_pages.show_campaign_mail),
    _get("/campaign/clickers", clickers_page.list_clickers),
    _get("/campaign/segment", campaign_pages.show_segment),
    _get("/export/{what}", export_pages.export_table),
    _get("/compare", comparison_page.show_comparison),
    _get("/live", live_page.show_live),
    _get("/live/rows", live_page.show_live_rows),
    _get("/webhooks", webhook_pages.list_webhooks),
    _get("/webhooks/new", webhook_form_pages.show_create_form),
    _post("/webhooks/new", webhook_form_pages.create_webhook),
    _get("/webhooks/{id}", webhook_pages.show_webhook),
    _get("/webhooks/{id}/edit", webhook_form_pages.show_edit_form),
    _post("/webhooks/{id}/edit", webhook_form_pages.update_webhook),
    _get("/webhooks/{id}/delete", webhook_form_pages.confirm_delete),
    _post("/webhooks/{id}/delete", webhook_form_pages.delete_webhook),
    _post("/webhooks/{id}/switch", webhook_pages.set_webhook_enabled),
    _post("/webhooks/{id}/test", webhook_pages.send_test_event),
    _post("/webhooks/{id}/again", webhook_pages.redeliver),
    _get("/send", send_page.show_send),
    _post("/send/test", send_page.send_test_mail),
    _post("/send/keys", credential_pages.create_key),
    _get("/send/keys/{id}", credential_pages.show_key_form),
    _post("/send/keys/{id}", credential_pages.update_key),
    _get("/send/keys/{id}/revoke", credential_pages.confirm_revoke_key),
    _post("/send/keys/{id}/revoke", credential_pages.revoke_key),
    _post("/send/credentials", credential_pages.create_credential),
    _get("/send/credentials/{id}/delete", credential_pages.confirm_delete_credential),
    _post("/send/credentials/{id}/delete", credential_pages.delete_credential),
    _get("/settings", settings_page.show_settings),
    _post("/settings", settings_page.update_settings),
    _post("/settings/zone", settings_page.update_time_zone),
    _post("/settings/host", settings_page.set_tracking_host),
    _get("/check", check_page.show_check_form),
    _post("/check", check_page.show_check_result),
    _get("/static/{mark}/{name}", static_files.serve_static_file),
    Route("/dashboard/{rest:path}", page_request.render_missing_page),
]

"""The routes of the dashboard. Not a Mount, which would change `root_path`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.dashboard import (
    campaign_pages,
    check_page,
    clickers_page,
    comparison_page,
    correction_pages,
    credential_pages,
    domain_pages,
    events_page,
    export_pages,
    link_page,
    live_page,
    live_stream,
    message_pages,
    overview_page,
    page_request,
    people_pages,
    recipient_pages,
    rendering,
    report_pages,
    send_page,
    settings_page,
    sign_in_pages,
    single_sign_on_pages,
    static_files,
    user_link_pages,
    webhook_form_pages,
    webhook_pages,
)
from linkweir.dashboard.page_request import PageHandler, require_login


async def redirect_to_overview(request: Request) -> Response:
    """Redirect /dashboard to the overview."""
    return rendering.redirect(request, "/")


def _get(path: str, handler: PageHandler, scope: str | None) -> Route:
    return Route(f"/dashboard{path}", require_login(handler, scope), methods=["GET"])


def _post(path: str, handler: PageHandler, scope: str | None) -> Route:
    return Route(f"/dashboard{path}", require_login(handler, scope), methods=["POST"])


# each page with the scope that the user's role needs (accounts.roles); None: every role
STATISTICS, MESSAGES, SETTINGS = "statistics-transactional:read:all", "messages:read:all", "accounts:read"
HOOKS, EDIT_HOOKS, DELETE_HOOKS = "webhooks:read:all", "webhooks:write:all", "webhooks:delete:all"
PAGES = [
    _get("/", overview_page.show_overview, STATISTICS),
    _post("/sign-out", sign_in_pages.sign_out, None),
    _post("/password", sign_in_pages.change_password, None),
    _post("/account", sign_in_pages.switch_account, None),
    _get("/messages", message_pages.list_messages, MESSAGES),
    _get("/messages/{id}", message_pages.show_message, MESSAGES),
    _get("/messages/{id}/mail", message_pages.show_message_mail, MESSAGES),
    _get("/messages/{id}/clicks", message_pages.list_message_clicks, MESSAGES),
    _get("/messages/{id}/clicks/export", export_pages.export_message_clicks, MESSAGES),
    _get("/events", events_page.list_events, MESSAGES),
    _get("/link", link_page.show_link, MESSAGES),
    _get("/recipient", recipient_pages.show_recipient, MESSAGES),
    _get("/recipient/export", recipient_pages.export_recipient, "recipients:read"),
    _get("/recipient/erase", recipient_pages.confirm_erase, "recipients:delete"),
    _post("/recipient/erase", recipient_pages.erase_recipient, "recipients:delete"),
    _get("/campaigns", campaign_pages.list_campaigns, STATISTICS),
    _get("/campaign", campaign_pages.show_campaign, STATISTICS),
    _get("/campaign/report", report_pages.list_report_links, "accounts:write"),
    _post("/campaign/report", report_pages.create_report_link, "accounts:write"),
    _post("/campaign/report/{id}/revoke", report_pages.revoke_report_link, "accounts:write"),
    _get("/campaign/mail", campaign_pages.show_campaign_mail, MESSAGES),
    _get("/campaign/clickers", clickers_page.list_clickers, MESSAGES),
    _get("/campaign/segment", campaign_pages.show_segment, STATISTICS),
    _get("/export/{what}", export_pages.export_table, MESSAGES),
    _get("/compare", comparison_page.show_comparison, STATISTICS),
    _get("/live", live_page.show_live, MESSAGES),
    _get("/live/rows", live_page.show_live_rows, MESSAGES),
    _get("/live/stream", live_stream.open_stream, MESSAGES),
    _get("/webhooks", webhook_pages.list_webhooks, HOOKS),
    _get("/webhooks/new", webhook_form_pages.show_create_form, EDIT_HOOKS),
    _post("/webhooks/new", webhook_form_pages.create_webhook, EDIT_HOOKS),
    _get("/webhooks/{id}", webhook_pages.show_webhook, HOOKS),
    _get("/webhooks/{id}/edit", webhook_form_pages.show_edit_form, EDIT_HOOKS),
    _post("/webhooks/{id}/edit", webhook_form_pages.update_webhook, EDIT_HOOKS),
    _get("/webhooks/{id}/delete", webhook_form_pages.confirm_delete, DELETE_HOOKS),
    _post("/webhooks/{id}/delete", webhook_form_pages.delete_webhook, DELETE_HOOKS),
    _post("/webhooks/{id}/switch", webhook_pages.set_webhook_enabled, EDIT_HOOKS),
    _post("/webhooks/{id}/test", webhook_pages.send_test_event, EDIT_HOOKS),
    _post("/webhooks/{id}/again", webhook_pages.redeliver, EDIT_HOOKS),
    _get("/send", send_page.show_send, SETTINGS),
    _post("/send/test", send_page.send_test_mail, "messages:send:all"),
    _post("/send/keys", credential_pages.create_key, "api-keys:write"),
    _get("/send/keys/{id}", credential_pages.show_key_form, "api-keys:write"),
    _post("/send/keys/{id}", credential_pages.update_key, "api-keys:write"),
    _get("/send/keys/{id}/revoke", credential_pages.confirm_revoke_key, "api-keys:delete"),
    _post("/send/keys/{id}/revoke", credential_pages.revoke_key, "api-keys:delete"),
    _post("/send/credentials", credential_pages.create_credential, "smtp-credentials:write:all"),
    _get("/send/credentials/{id}/delete", credential_pages.confirm_delete_credential, "smtp-credentials:delete:all"),
    _post("/send/credentials/{id}/delete", credential_pages.delete_credential, "smtp-credentials:delete:all"),
    _get("/people", people_pages.list_people, "people:read"),
    _post("/people", people_pages.invite, "people:write"),
    _post("/people/invitations/{id}/revoke", people_pages.revoke_invitation, "people:write"),
    _post("/people/{id}/role", people_pages.set_role, "people:write"),
    _post("/people/{id}/reset", people_pages.create_password_reset, "people:write"),
    _get("/people/{id}/remove", people_pages.confirm_remove, "people:write"),
    _post("/people/{id}/remove", people_pages.remove, "people:write"),
    _get("/corrections", correction_pages.list_corrections, "corrections:read"),
    _post("/corrections", correction_pages.create_correction, "corrections:write"),
    _get("/corrections/{id}/remove", correction_pages.confirm_remove, "corrections:delete"),
    _post("/corrections/{id}/remove", correction_pages.remove_correction, "corrections:delete"),
    _get("/settings", settings_page.show_settings, SETTINGS),
    _post("/settings", settings_page.update_settings, "accounts:write"),
    _post("/settings/zone", settings_page.update_time_zone, None),
    _post("/settings/reports", settings_page.update_reports, None),
    _post("/settings/host", settings_page.set_tracking_host, "domains:write"),
    _get("/settings/domains/{id}", domain_pages.show_domain, "domains:read"),
    _post("/settings/domains/{id}", domain_pages.update_domain, "domains:write"),
    _post("/settings/domains/{id}/check", domain_pages.check_domain, "domains:write"),
    _get("/check", check_page.show_check_form, SETTINGS),
    _post("/check", check_page.show_check_result, SETTINGS),
]
ROUTES = [
    Route("/dashboard", redirect_to_overview, methods=["GET"]),
    Route("/dashboard/sign-in", sign_in_pages.sign_in, methods=["GET", "POST"]),
    Route("/dashboard/language", sign_in_pages.choose_language, methods=["GET"]),
    Route("/dashboard/single-sign-on", single_sign_on_pages.start, methods=["GET"]),
    Route("/dashboard/single-sign-on/callback", single_sign_on_pages.finish, methods=["GET"]),
    Route("/dashboard/forgot", user_link_pages.forgot_password, methods=["GET", "POST"]),
    Route("/dashboard/report/{secret}", report_pages.show_report, methods=["GET"]),
    Route("/dashboard/link/{secret}", user_link_pages.use_link, methods=["GET", "POST"]),
    *PAGES,
    Route("/dashboard/static/{mark}/{name}", static_files.serve_static_file, methods=["GET"]),
    Route("/dashboard/{rest:path}", page_request.render_missing_page),
]

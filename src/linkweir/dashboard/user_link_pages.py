"""Pages for people who are not signed in: to join an account by an invitation, to ask for a new password, to set it."""

import contextvars
import threading
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from linkweir.accounts import user_links, users
from linkweir.clock import now
from linkweir.dashboard import rendering, session_cookies, user_link_delivery
from linkweir.dashboard.page_request import read_public_form, render_public_form, require_passwords, with_error_page
from linkweir.errors import Forbidden, NotFound, ValidationError
from linkweir.mail import user_notices
from linkweir.translation import gettext, translate
from linkweir.web.client_ip import client_ip
from linkweir.web.services import AppServices, services_from


async def use_link(request: Request) -> Response:
    """Show the form that a link leads to, or do what it is for."""
    handler = _submit_link if request.method == "POST" else _render_link_form
    return await with_error_page(request, lambda: _run_with_passwords(request, handler))


async def forgot_password(request: Request) -> Response:
    """Ask for the address of who forgot their password, or mail them a link."""
    handler = _submit_forgot if request.method == "POST" else _show_forgot
    return await with_error_page(request, lambda: _run_with_passwords(request, handler))


async def _run_with_passwords(request: Request, handler: Callable[[Request], Awaitable[Response]]) -> Response:
    require_passwords(services_from(request).settings)
    return await handler(request)


async def _render_link_form(request: Request, error: str = "", status: int = 200) -> Response:
    parts, secret = services_from(request), request.path_params["secret"]

    def load() -> Response:
        with parts.database.read() as connection:
            link, account, is_known = user_links.load_link(connection, secret, now())
        known = {"email": link["email"], "account": account, "role": link["role"], "is_known": is_known}
        return render_public_form(request, "user_link.html", status, error=error, **known)

    return await parts.run_blocking(load)


async def _submit_link(request: Request) -> Response:
    parts, fields = services_from(request), await read_public_form(request)
    secret, password = request.path_params["secret"], fields.get("password", "")
    address = client_ip(request.scope, parts.settings.trusted_proxies, parts.settings.proxy_header)

    def use() -> str | None:
        with parts.database.read() as connection:
            link, _, _ = user_links.load_link(connection, secret, now())
        if link["user_id"] is not None:
            user_links.reset_password(parts.database, secret, password, now())
            return None
        return user_links.accept_invitation(
            parts.database, parts.sign_in_limiter, secret, address=address, password=password, now=now()
        )

    try:
        session = await parts.run_blocking(use)
    except ValidationError as error:
        return await _render_link_form(
            request, gettext("The password %(reason)s.", reason=translate(error.reason)), 400
        )
    except Forbidden as error:
        return await _render_link_form(request, f"{translate(str(error))}.", 403)
    parts.log.info("dashboard.link_used", joined=session is not None)
    if session is None:
        return rendering.redirect(request, "/sign-in?done=reset")
    response = rendering.redirect(request, "/")
    session_cookies.set_cookie(
        response, request, session_cookies.SESSION_COOKIE, session, parts.settings.trusted_proxies
    )
    session_cookies.delete_cookie(response, request, session_cookies.SIGN_IN_COOKIE)
    return response


async def _show_forgot(request: Request) -> Response:
    return _render_forgot(request)


def _render_forgot(request: Request, email: str = "", *, is_sent: bool = False) -> Response:
    can_mail = user_notices.has_relay(services_from(request).settings)
    return render_public_form(
        request, "forgot.html", 200, email=email, is_sent=is_sent, can_mail=can_mail, hours=user_links.RESET_HOURS
    )


async def _submit_forgot(request: Request) -> Response:
    """Answers the same whether the address has a user: that is nobody else's business."""
    parts, fields = services_from(request), await read_public_form(request)
    if not user_notices.has_relay(parts.settings):
        return _render_forgot(request)
    email = fields.get("email", "").strip().lower()[:320]
    address = client_ip(request.scope, parts.settings.trusted_proxies, parts.settings.proxy_header)
    await parts.run_blocking(lambda: parts.sign_in_limiter.spend_reset_request(address, email))
    root = rendering.dashboard_root(request)
    # in a thread of its own: how long a relay takes must not tell who has a user
    threading.Thread(
        target=contextvars.copy_context().run,
        args=(_mail_reset, parts, root, email),
        name="linkweir-reset",
        daemon=True,
    ).start()
    return _render_forgot(request, email, is_sent=True)


def _mail_reset(parts: AppServices, root: str, email: str) -> None:
    try:
        with parts.database.write() as connection:
            secret = user_links.create_password_reset(connection, users.get_user(connection, email), now())
        url = user_link_delivery.link_url(root, parts.settings, secret)
        if not user_link_delivery.mail_password_reset(parts.settings, email, url):
            parts.log.error("dashboard.reset_not_sent")
    except (NotFound, ValidationError):
        parts.log.info("dashboard.reset_unknown")
    except Exception:
        parts.log.exception("dashboard.reset_failed")

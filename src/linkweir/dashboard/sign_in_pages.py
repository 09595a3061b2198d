"""Pages to sign in and out, and to change the password."""

import math
import uuid

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from linkweir.accounts import users
from linkweir.clock import now
from linkweir.dashboard import rendering, session_cookies
from linkweir.dashboard.language_choice import set_language_cookie
from linkweir.dashboard.page_request import (
    DashboardRequest,
    read_public_form,
    render_public_form,
    require_passwords,
    too_many_attempts,
    with_error_page,
)
from linkweir.errors import Forbidden, NotFound, RateLimited, ValidationError
from linkweir.translation import LANGUAGES, gettext, gettext_noop, translate
from linkweir.web.client_ip import client_ip
from linkweir.web.services import services_from

FLASH_MESSAGES = {"reset": gettext_noop("The password was changed. Sign in with the new one.")}
SIGN_IN_ERROR = gettext_noop(
    "E-mail or password is wrong."
)  # not which of the two: that would reveal who has an account


async def sign_in(request: Request) -> Response:
    """Show the sign-in page, or sign in."""
    return await with_error_page(
        request, lambda: _submit_form(request) if request.method == "POST" else _show_form(request)
    )


async def _show_form(request: Request) -> Response:
    return _render_form(request, request.query_params.get("next", ""))


def _render_form(request: Request, next_path: str, error: str = "", email: str = "", status: int = 200) -> Response:
    settings = services_from(request).settings
    return render_public_form(
        request,
        "sign_in.html",
        status,
        next=safe_next_path(next_path),
        error=error,
        email=email,
        provider=settings.oidc_name if settings.oidc_issuer else "",
        takes_passwords=not settings.oidc_only,
        said=FLASH_MESSAGES.get(request.query_params.get("done", ""), ""),
    )


async def _submit_form(request: Request) -> Response:
    parts, fields = services_from(request), await read_public_form(request)
    require_passwords(parts.settings)
    email = fields.get("email", "").strip().lower()[:320]
    where = client_ip(request.scope, parts.settings.trusted_proxies, parts.settings.proxy_header)
    try:
        secret = await parts.run_blocking(
            lambda: users.sign_in(
                parts.database,
                parts.sign_in_limiter,
                address=where,
                email=email,
                password=fields.get("password", ""),
                now=now(),
            )
        )
    except RateLimited as error:
        parts.log.warning("dashboard.sign_in_refused", address=where)
        return _rate_limited_response(request, fields.get("next", ""), email, error.retry_after)
    if secret is None:
        parts.log.warning("dashboard.sign_in_failed", address=where)
        return _render_form(request, fields.get("next", ""), translate(SIGN_IN_ERROR), email, 401)
    parts.log.info("dashboard.signed_in", address=where)
    response = rendering.redirect(request, safe_next_path(fields.get("next", "")))
    session_cookies.set_cookie(
        response, request, session_cookies.SESSION_COOKIE, secret, parts.settings.trusted_proxies
    )
    session_cookies.delete_cookie(response, request, session_cookies.SIGN_IN_COOKIE)
    return response


def _rate_limited_response(request: Request, next_path: str, email: str, seconds: float) -> Response:
    """Return a 429 page, which does not reveal whether the e-mail address is known."""
    wait = max(1, math.ceil(seconds))
    response = _render_form(request, next_path, too_many_attempts(wait), email, 429)
    response.headers["Retry-After"] = str(wait)
    return response


def safe_next_path(path: str) -> str:
    """Return the page to show after sign-in: always one of the dashboard (against open redirects)."""
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    good = good and ".." not in path.partition("?")[0]
    return path if good else "/"


async def choose_language(request: Request) -> Response:
    """Set the language of this browser, and go back to the page."""
    return await with_error_page(request, lambda: _choose_language(request))


async def _choose_language(request: Request) -> Response:
    code = request.query_params.get("to", "")
    if code not in LANGUAGES:
        raise NotFound(gettext("There is no page at this URL."))
    response = rendering.redirect(request, safe_next_path(request.query_params.get("next", "")))
    set_language_cookie(response, rendering.dashboard_root(request), code)
    return response


def switch_account(call: DashboardRequest) -> Response:
    """Look at another account of the user."""
    try:
        account = uuid.UUID(call.form_fields.get("account", ""))
    except ValueError:
        raise HTTPException(400, gettext("The form is malformed.")) from None
    with call.services.database.write() as connection:
        users.switch_account(connection, call.session_secret, call.user["id"], account)
    return call.redirect("/")


def sign_out(call: DashboardRequest) -> Response:
    """End the session in the browser and in the database."""
    with call.services.database.write() as connection:
        users.sign_out(connection, call.session_secret)
    response = call.redirect("/sign-in")
    session_cookies.delete_cookie(response, call.request, session_cookies.SESSION_COOKIE)
    return response


def change_password(call: DashboardRequest) -> Response:
    """Change the password: all sessions of the user end, and this browser gets a new one."""
    require_passwords(call.services.settings)
    current, new = call.form_fields.get("current", ""), call.form_fields.get("new", "")
    try:
        secret = users.change_password(
            call.services.database, call.services.sign_in_limiter, call.user, current=current, new=new, now=now()
        )
    except ValidationError as error:
        raise HTTPException(
            400, gettext("The new password %(reason)s; nothing was changed.", reason=translate(error.reason))
        ) from None
    except Forbidden as error:
        raise HTTPException(403, gettext("%(error)s; nothing was changed.", error=translate(str(error)))) from None
    call.services.log.info("dashboard.password_changed")
    response = call.redirect("/settings?saved=password")
    session_cookies.set_cookie(
        response, call.request, session_cookies.SESSION_COOKIE, secret, call.services.settings.trusted_proxies
    )
    return response

"""Signing in and out, and changing the password."""

import math

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from linkweir.accounts import passwords
from linkweir.clock import now
from linkweir.dashboard import rendering, session_cookies
from linkweir.dashboard.page_request import (
    DashboardRequest,
    login_required,
    read_form,
    verify_csrf,
    with_error_page,
)
from linkweir.db import users_table
from linkweir.errors import RateLimited, ValidationError
from linkweir.web.client_ip import client_ip
from linkweir.web.services import AppServices, services_from

SIGN_IN_ERROR = "E-mail or password is wrong."  # never which of the two


async def sign_in(request: Request) -> Response:
    """The page to sign in on, and the attempt."""
    return await with_error_page(
        request, lambda: _submit_form(request) if request.method == "POST" else _show_form(request)
    )


async def _show_form(request: Request) -> Response:
    return _render_form(request, request.query_params.get("next", ""))


def _render_form(request: Request, next_path: str, error: str = "", email: str = "", status: int = 200) -> Response:
    secret = session_cookies.read_secret(request, session_cookies.SIGN_IN_COOKIE) or session_cookies.generate_secret()
    given = {
        "token": session_cookies.csrf_token(secret),
        "next": _safe_next_path(next_path),
        "error": error,
        "email": email,
    }
    response = rendering.render_page(request, "sign_in.html", status, **given)
    session_cookies.set_cookie(
        response, request, session_cookies.SIGN_IN_COOKIE, secret, services_from(request).settings.trusted_proxies
    )
    return response


async def _submit_form(request: Request) -> Response:
    parts, fields = services_from(request), await read_form(request)
    verify_csrf(request, fields, session_cookies.read_secret(request, session_cookies.SIGN_IN_COOKIE))
    email = fields.get("email", "").strip().lower()[:320]
    where = client_ip(request.scope, parts.settings.trusted_proxies, parts.settings.proxy_header)
    try:
        secret = await parts.run_blocking(lambda: _open_session(parts, where, email, fields.get("password", "")))
    except RateLimited as error:
        parts.log.warning("dashboard.sign_in_refused", address=where)
        return _rate_limited_response(request, fields.get("next", ""), email, error.retry_after)
    if secret is None:
        parts.log.warning("dashboard.sign_in_failed", address=where)
        return _render_form(request, fields.get("next", ""), SIGN_IN_ERROR, email, 401)
    parts.log.info("dashboard.signed_in", address=where)
    response = rendering.redirect(request, _safe_next_path(fields.get("next", "")))
    session_cookies.set_cookie(
        response, request, session_cookies.SESSION_COOKIE, secret, parts.settings.trusted_proxies
    )
    session_cookies.delete_cookie(response, request, session_cookies.SIGN_IN_COOKIE)
    return response


def _rate_limited_response(request: Request, next_path: str, email: str, seconds: float) -> Response:
    """Whether the e-mail is somebody's is not told here either."""
    wait = max(1, math.ceil(seconds))
    text = f"Too many attempts failed. The next one is possible in {wait} second{'s' if wait > 1 else ''}."
    response = _render_form(request, next_path, text, email, 429)
    response.headers["Retry-After"] = str(wait)
    return response


def _open_session(services: AppServices, address: str | None, email: str, password: str) -> str | None:
    """A new session's cookie, or None when the two do not belong together. Raises TooMany."""
    attempt = services.sign_in_limiter.begin_sign_in(address, email)
    with services.store.read() as connection:
        user = users_table.get_by_email(connection, email)
    if not passwords.verify_password(user["password"] if user else None, password) or user is None:
        return None
    stronger = passwords.hash_password(password) if passwords.needs_rehash(user["password"]) else None
    secret, moment = session_cookies.generate_secret(), now()
    with services.store.write() as connection:
        services.sign_in_limiter.record_success(connection, attempt, user["id"])
        if stronger:
            users_table.rehash_password(connection, user["id"], stronger)
        users_table.open_session(
            connection,
            user["id"],
            session_cookies.session_digest(secret),
            moment,
            moment + session_cookies.SESSION_SECONDS * 1_000_000,
        )
    return secret


def _safe_next_path(path: str) -> str:
    """Where to go after signing in: a page of the dashboard and nothing else, whatever a link says."""
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and ".." not in path
    return path if good else "/"


@login_required
def sign_out(call: DashboardRequest) -> Response:
    """The session ends here and in the store."""
    with call.services.store.write() as connection:
        users_table.close_session(connection, session_cookies.session_digest(call.session_secret))
    response = call.redirect("/sign-in")
    session_cookies.delete_cookie(response, call.request, session_cookies.SESSION_COOKIE)
    return response


@login_required
def change_password(call: DashboardRequest) -> Response:
    """A new password: every session of the user ends, and this browser gets a new one."""
    current, new = call.form_fields.get("current", ""), call.form_fields.get("new", "")
    try:
        hashed = passwords.hash_password(new)
    except ValidationError as error:
        raise HTTPException(400, f"The new password {error.reason}; nothing was changed.") from None
    attempt = call.services.sign_in_limiter.begin_password_change(call.user["id"])
    if not passwords.verify_password(call.user["password"], current):
        raise HTTPException(403, "The current password is wrong; nothing was changed.")
    secret, moment = session_cookies.generate_secret(), now()
    with call.services.store.write() as connection:
        call.services.sign_in_limiter.record_success(connection, attempt, call.user["id"])
        users_table.set_password(connection, call.user["id"], hashed, moment)
        users_table.open_session(
            connection,
            call.user["id"],
            session_cookies.session_digest(secret),
            moment,
            moment + session_cookies.SESSION_SECONDS * 1_000_000,
        )
    call.services.log.info("dashboard.password_changed")
    response = call.redirect("/settings?saved=password")
    session_cookies.set_cookie(
        response, call.request, session_cookies.SESSION_COOKIE, secret, call.services.settings.trusted_proxies
    )
    return response

"""Shared handling of page requests: authentication, CSRF protection, forms and error pages."""

import functools
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from linkweir.accounts import domains, roles, users, webhook_settings
from linkweir.clock import now
from linkweir.dashboard import rendering, session_cookies, time_zone
from linkweir.dashboard.language_choice import read_language
from linkweir.errors import LinkweirError, NotFound, RateLimited
from linkweir.settings import Settings
from linkweir.stats import campaign_reports
from linkweir.stats.report_period import ReportPeriod, parse_period
from linkweir.translation import gettext, gettext_noop, ngettext, translate, use_language
from linkweir.web import request_body
from linkweir.web.error_responses import RESPONSE_BY_ERROR
from linkweir.web.services import AppServices, services_from

MAX_FORM_BYTES = 2 * 1024 * 1024  # bytes of a form: the check page takes a whole mail
MAX_FORM_FIELDS = 200
NOT_ALLOWED = gettext_noop("As %(role)s of this account you may not do this. Ask an owner of the account.")
NO_PASSWORDS = gettext_noop(
    "Users of this service have no passwords. Sign in with %(name)s; an invitation applies to its address."
)
FORM_REJECTED = gettext_noop("This form does not belong to your session. Go back, reload the page and try again.")


@dataclass(frozen=True, slots=True)
class DashboardRequest:
    """A request of a signed-in user. `user`: with the role in `account`; `memberships`: all accounts of the user;
    `session_secret`: the session cookie; `lost_domains`: domains whose tracking host no longer leads here; `zone`: the
    time zone set in this browser.
    """

    request: Request
    services: AppServices
    user: RowMapping
    account: RowMapping
    session_secret: str
    has_sample_data: bool
    has_disabled_webhook: bool
    lost_domains: Sequence[RowMapping]
    memberships: Sequence[RowMapping]
    zone: ZoneInfo
    form_fields: dict[str, str]

    def may(self, scope: str) -> bool:
        """Whether the user's role has this scope."""
        return scope in roles.SCOPES[roles.parse_role(self.user["role"])]

    def render(self, template: str, code: int = 200, **values: Any) -> Response:
        """Render a page for this user."""
        known = {
            "user": self.user,
            "token": session_cookies.csrf_token(self.session_secret),
            "sample": self.has_sample_data,
            "webhook_disabled": self.has_disabled_webhook,
            "lost_domains": self.lost_domains,
            "zone": self.zone,
            "may": self.may,
            "memberships": self.memberships,
        }
        return rendering.render_page(self.request, template, code, **known, **values)

    @property
    def period(self) -> ReportPeriod:
        """The period that the query asks for."""
        return parse_period(self.request.query_params, now(), self.zone)

    def redirect(self, path: str) -> Response:
        """Redirect to another page of the dashboard."""
        return rendering.redirect(self.request, path)

    def query(self, name: str, fallback: str = "") -> str:
        """Return a query parameter, or `fallback`."""
        return self.request.query_params.get(name, fallback)


PageHandler = Callable[[DashboardRequest], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def require_login(handler: PageHandler, scope: str | None) -> Endpoint:
    """Return an endpoint that runs `handler` in a thread for a signed-in user whose role has the scope (None: any
    role); others are sent to the sign-in page, or told that they may not.
    """

    @functools.wraps(handler)
    async def endpoint(request: Request) -> Response:
        return await with_error_page(request, lambda: _handle(request, handler, scope))

    endpoint.scope = scope  # type: ignore[attr-defined]  # for whoever walks the routes
    return endpoint


async def with_error_page(request: Request, handler: Callable[[], Awaitable[Response]]) -> Response:
    """Run the handler in the reader's language; render errors as pages."""
    with use_language(read_language(request)):
        return await _with_error_page(request, handler)


async def _with_error_page(request: Request, handler: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await handler()
    except ClientDisconnect:
        raise
    except HTTPException as error:
        return rendering.render_page(
            request, "error.html", error.status_code, status=error.status_code, text=error.detail
        )
    except RateLimited as error:
        seconds = max(1, math.ceil(error.retry_after))
        text = too_many_attempts(seconds)
        response = rendering.render_page(request, "error.html", 429, status=429, text=text)
        response.headers["Retry-After"] = str(seconds)
        return response
    except LinkweirError as error:
        status, message, _ = next(
            (RESPONSE_BY_ERROR[kind] for kind in type(error).__mro__ if kind in RESPONSE_BY_ERROR), (500, "error", {})
        )
        if status >= 500:
            services_from(request).log.error("dashboard.failed", kind=type(error).__name__, exc_info=error)
        text = translate(message or str(error)).removesuffix(".") + "."
        return rendering.render_page(request, "error.html", status, status=status, text=text[0].upper() + text[1:])
    except Exception as error:  # a bug: the user gets a page, the log the traceback
        services_from(request).log.error("request.bug", endpoint="dashboard", exc_info=error)
        return rendering.render_page(
            request,
            "error.html",
            500,
            status=500,
            text=gettext(
                "An internal error occurred and was logged. Try again; if it happens again, tell the operator."
            ),
        )


def too_many_attempts(seconds: int) -> str:
    """Return what to say to somebody who has to wait."""
    return ngettext(
        "Too many failed attempts. Try again in %(num)s second.",
        "Too many failed attempts. Try again in %(num)s seconds.",
        seconds,
    )


async def read_form(request: Request) -> dict[str, str]:
    """Read the fields of a form. Raises HTTPException for anything else, OverCapacity."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, gettext("A form was expected."))
    with services_from(request).memory_budget.reserve() as held:
        data = await request_body.read_body(request, MAX_FORM_BYTES, held)
    try:
        return dict(parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS))
    except ValueError:
        raise HTTPException(400, gettext("The form is malformed.")) from None


def require_passwords(settings: Settings) -> None:
    """Refuse what is about passwords where users sign in by a provider only. Raises HTTPException."""
    if settings.oidc_only:
        raise HTTPException(403, gettext(NO_PASSWORDS, name=settings.oidc_name))


def verify_csrf(request: Request, fields: dict[str, str], secret: str | None) -> None:
    """Reject a form of another site (CSRF). Raises HTTPException."""
    if (
        secret is None
        or not session_cookies.is_same_origin(request)
        or not session_cookies.is_csrf_token_valid(secret, fields.get("token", ""))
    ):
        raise HTTPException(403, gettext(FORM_REJECTED))


def render_public_form(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """Render a page with a form for somebody who is not signed in; its CSRF token is bound to a visitor's cookie."""
    cookie = session_cookies.SIGN_IN_COOKIE
    secret = session_cookies.read_secret(request, cookie) or users.generate_session_secret()
    token = session_cookies.csrf_token(secret)
    response = rendering.render_page(request, template, status, **{"token": token, **values})
    session_cookies.set_cookie(response, request, cookie, secret, services_from(request).settings.trusted_proxies)
    return response


async def read_public_form(request: Request) -> dict[str, str]:
    """Read the fields of such a form. Raises HTTPException, also for a form of another site, and OverCapacity."""
    fields = await read_form(request)
    verify_csrf(request, fields, session_cookies.read_secret(request, session_cookies.SIGN_IN_COOKIE))
    return fields


async def _handle(request: Request, handler: PageHandler, scope: str | None) -> Response:
    parts = services_from(request)
    posted = request.method == "POST"
    fields = await read_form(request) if posted else {}

    if "\0" in unquote(f"{request.url.path}?{request.url.query}"):
        raise NotFound("There is no page at this URL.")  # no database can look for it

    def inside() -> Response:
        secret = session_cookies.read_secret(request, session_cookies.SESSION_COOKIE)
        call = _load_request(request, parts, secret, fields) if secret else None
        if call is None:
            return _redirect_to_sign_in(request)
        if posted:
            verify_csrf(request, fields, secret)
        if scope is not None and not call.may(scope):
            raise HTTPException(403, gettext(NOT_ALLOWED, role=translate(call.user["role"])))
        return handler(call)

    return await parts.run_blocking(inside)


def _load_request(
    request: Request, services: AppServices, secret: str, fields: dict[str, str]
) -> DashboardRequest | None:
    with services.database.read() as connection:
        session = users.load_session(connection, secret, now())
        if session is None:
            return None
        user, account = session
        sample = campaign_reports.has_sample_clicks(connection, account["id"])
        is_disabled = webhook_settings.has_disabled_webhook(connection, account["id"])
        lost = domains.list_lost(connection, account["id"])
        memberships = users.list_memberships(connection, user["id"])
    return DashboardRequest(
        request=request,
        services=services,
        user=user,
        account=account,
        session_secret=secret,
        has_sample_data=sample,
        has_disabled_webhook=is_disabled,
        lost_domains=lost,
        memberships=memberships,
        zone=time_zone.read_time_zone(request),
        form_fields=fields,
    )


def _redirect_to_sign_in(request: Request) -> Response:
    path = request.url.path.removeprefix(rendering.dashboard_root(request)) if request.method == "GET" else "/"
    back = path + (f"?{request.url.query}" if request.url.query and request.method == "GET" else "")
    return rendering.redirect(request, f"/sign-in?next={quote(back, safe='/')}" if back != "/" else "/sign-in")


async def render_missing_page(request: Request) -> Response:
    """Return the 404 page for unknown paths of the dashboard."""

    async def none() -> Response:
        raise NotFound(gettext("There is no page at this URL."))

    return await with_error_page(request, none)

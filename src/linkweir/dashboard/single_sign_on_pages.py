"""Sign-in by an identity provider (OpenID Connect): the way there, and the way back."""

import uuid

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from linkweir.accounts import single_sign_on, users
from linkweir.accounts.roles import Role
from linkweir.accounts.single_sign_on import RoleMapping
from linkweir.clock import now
from linkweir.dashboard import rendering, session_cookies
from linkweir.dashboard.page_request import with_error_page
from linkweir.dashboard.sign_in_pages import safe_next_path
from linkweir.errors import Forbidden, NotFound, SingleSignOnError
from linkweir.mail import user_notices
from linkweir.settings import Settings
from linkweir.translation import gettext, gettext_noop
from linkweir.web.client_ip import client_ip
from linkweir.web.oidc_client import OidcClient, SignInAttempt
from linkweir.web.services import AppServices, services_from

ATTEMPT_COOKIE = "linkweir_single_sign_on"
ATTEMPT_SECONDS = 600  # seconds that signing in at the provider may take
MAX_NEXT_CHARACTERS = 1000  # a cookie has room for that
MAX_CODE_CHARACTERS = 4096
FAILED = gettext_noop(
    "Signing in with %(name)s failed; the log of the service says why. Start again from the sign-in page."
)


async def start(request: Request) -> Response:
    """Send the browser to the provider."""
    return await with_error_page(request, lambda: _start(request))


async def finish(request: Request) -> Response:
    """Take the browser back from the provider, and sign in."""
    return await with_error_page(request, lambda: _finish(request))


async def _start(request: Request) -> Response:
    parts, client = services_from(request), _require_client(request)
    path = safe_next_path(request.query_params.get("next", ""))
    attempt = SignInAttempt(users.generate_session_secret(), path if len(path) <= MAX_NEXT_CHARACTERS else "/")
    try:
        url = await client.make_authorization_url(attempt, _callback_url(request))
    except SingleSignOnError as error:
        raise _report_failure(parts, error, 502) from None
    response = RedirectResponse(url, 303, headers=rendering.HEADERS)
    session_cookies.set_cookie(
        response,
        request,
        ATTEMPT_COOKIE,
        attempt.to_cookie(),
        parts.settings.trusted_proxies,
        max_age_seconds=ATTEMPT_SECONDS,
    )
    return response


async def _finish(request: Request) -> Response:
    parts, client, query = services_from(request), _require_client(request), request.query_params
    address = client_ip(request.scope, parts.settings.trusted_proxies, parts.settings.proxy_header)
    try:
        attempt = SignInAttempt.from_cookie(request.cookies.get(ATTEMPT_COOKIE, ""), query.get("state", ""))
        if query.get("iss", client.issuer) != client.issuer:  # RFC 9207
            raise SingleSignOnError("the answer is that of another issuer")
        code = query.get("code", "")
        if not code or len(code) > MAX_CODE_CHARACTERS:
            raise SingleSignOnError("the provider gave no code")
        claims = await client.fetch_claims(attempt, _callback_url(request), code)
        identity = single_sign_on.parse_identity(client.issuer, claims)
        role = make_role_mapping(parts.settings).choose_role(claims)
        result = await parts.run_blocking(
            lambda: single_sign_on.sign_in(parts.database, identity, role, _find_account(parts.settings), now())
        )
    except SingleSignOnError as error:
        raise _report_failure(parts, error, 403) from None
    except Forbidden:
        parts.log.warning("dashboard.sign_in_refused", address=address, method="oidc")
        raise
    parts.log.info("dashboard.signed_in", address=address, method="oidc")
    if not result.is_role_applied:
        parts.log.warning("dashboard.only_owner_kept", role=role)
    if result.is_address_taken:
        parts.log.warning("dashboard.address_taken", reason="another user has the address that the provider verified")
    response = rendering.redirect(request, safe_next_path(attempt.next_path))
    session_cookies.set_cookie(
        response, request, session_cookies.SESSION_COOKIE, result.secret, parts.settings.trusted_proxies
    )
    for name in (ATTEMPT_COOKIE, session_cookies.SIGN_IN_COOKIE):
        session_cookies.delete_cookie(response, request, name)
    return response


def make_role_mapping(settings: Settings) -> RoleMapping:
    """Return which values of which claim give which role."""
    values: dict[Role, tuple[str, ...]] = {
        "owner": settings.oidc_owners,
        "editor": settings.oidc_editors,
        "viewer": settings.oidc_viewers,
    }
    return RoleMapping(settings.oidc_role_claim, values)


def _require_client(request: Request) -> OidcClient:
    client = services_from(request).oidc_client
    if client is None:
        raise NotFound(gettext("There is no page at this URL."))
    return client


def _callback_url(request: Request) -> str:
    """Return where the provider sends the browser back: built from the settings, never from the request."""
    settings = services_from(request).settings
    return f"{user_notices.dashboard_url(settings, rendering.dashboard_root(request))}/single-sign-on/callback"


def _find_account(settings: Settings) -> uuid.UUID | None:
    return uuid.UUID(settings.oidc_account) if settings.oidc_account else None


def _report_failure(parts: AppServices, error: Exception, status: int) -> HTTPException:
    parts.log.warning("dashboard.single_sign_on_failed", reason=str(error))
    return HTTPException(status, gettext(FAILED, name=parts.settings.oidc_name))

"""Session cookies, CSRF tokens, and the check of a POST's origin.

Does no I/O: sessions are stored by `accounts.users`.
"""

import hashlib
import hmac
import ipaddress
import re
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from linkweir.accounts.users import SESSION_SECONDS
from linkweir.settings import Network
from linkweir.web.client_ip import client_ip

SESSION_COOKIE, SIGN_IN_COOKIE = "linkweir_session", "linkweir_visitor"  # signed in; about to sign in
SECRET_PATTERN = re.compile(r"[A-Za-z0-9_-]{43}")


def read_secret(request: Request, name: str) -> str | None:
    """Return the cookie of this name if it is well-formed."""
    value = request.cookies.get(name, "")
    return value if SECRET_PATTERN.fullmatch(value) else None


def csrf_token(secret: str) -> str:
    """Return the CSRF token of a session; it is bound to the cookie and does not reveal it."""
    return hmac.new(secret.encode(), b"linkweir form token", hashlib.sha256).hexdigest()


def is_csrf_token_valid(secret: str, token: str) -> bool:
    """Whether the token belongs to this session; compared in constant time."""
    return hmac.compare_digest(csrf_token(secret).encode(), token.encode("utf-8", "replace"))


def is_same_origin(request: Request) -> bool:
    """Whether the browser says that a POST comes from this origin. Sec-Fetch-Site counts most: a front proxy may
    change the Host that Origin is compared with.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    return origin is None or (bool(host) and _origin_host(origin) == host.lower())


def _origin_host(origin: str) -> str | None:
    """Return host and port of an origin; None if it is malformed."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def set_cookie(
    response: Response,
    request: Request,
    name: str,
    secret: str,
    proxies: tuple[Network, ...],
    *,
    max_age_seconds: int = SESSION_SECONDS,
) -> None:
    """Set a cookie that scripts and other sites cannot read."""
    response.set_cookie(
        name,
        secret,
        max_age=max_age_seconds,
        path=request.scope.get("root_path", "") + "/dashboard",
        secure=is_https(request, proxies),
        httponly=True,
        samesite="lax",
    )


def delete_cookie(response: Response, request: Request, name: str) -> None:
    """Delete a cookie."""
    response.delete_cookie(name, path=request.scope.get("root_path", "") + "/dashboard", httponly=True, samesite="lax")


def is_https(request: Request, proxies: tuple[Network, ...]) -> bool:
    """Whether the client uses TLS, directly or to a configured proxy; other X-Forwarded-Proto headers are ignored."""
    if request.url.scheme == "https":
        return True
    peer = client_ip(request.scope, ())
    known = peer is not None and any(
        ipaddress.ip_address(peer).version == network.version and ipaddress.ip_address(peer) in network
        for network in proxies
    )
    return known and request.headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower() == "https"

"""What a browser shows to prove itself: the session's cookie, the token in a form, the origin that it posts from.

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
    """The cookie of this name, when it looks like one of ours."""
    value = request.cookies.get(name, "")
    return value if SECRET_PATTERN.fullmatch(value) else None


def csrf_token(secret: str) -> str:
    """What forms of this session carry; it says nothing about the cookie and fits no other session."""
    return hmac.new(secret.encode(), b"linkweir form token", hashlib.sha256).hexdigest()


def is_csrf_token_valid(secret: str, token: str) -> bool:
    """Whether a form was made for this session; compared in constant time."""
    return hmac.compare_digest(csrf_token(secret).encode(), token.encode("utf-8", "replace"))


def is_same_origin(request: Request) -> bool:
    """Whether a POST comes from our own pages, as far as the browser says. What it says itself of the site counts
    most: a front proxy may change the Host that Origin is compared with.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    return origin is None or (bool(host) and _origin_host(origin) == host.lower())


def _origin_host(origin: str) -> str | None:
    """Host and port of an origin; None for a text that is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def set_cookie(response: Response, request: Request, name: str, secret: str, proxies: tuple[Network, ...]) -> None:
    """Give the browser a cookie that no script and no other site gets at."""
    response.set_cookie(
        name,
        secret,
        max_age=SESSION_SECONDS,
        path=request.scope.get("root_path", "") + "/dashboard",
        secure=_is_https(request, proxies),
        httponly=True,
        samesite="lax",
    )


def delete_cookie(response: Response, request: Request, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(name, path=request.scope.get("root_path", "") + "/dashboard", httponly=True, samesite="lax")


def _is_https(request: Request, proxies: tuple[Network, ...]) -> bool:
    """Whether the reader speaks TLS, with us or with a configured proxy in front; nobody else's word counts."""
    if request.url.scheme == "https":
        return True
    peer = client_ip(request.scope, ())
    known = peer is not None and any(
        ipaddress.ip_address(peer).version == network.version and ipaddress.ip_address(peer) in network
        for network in proxies
    )
    return known and request.headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower() == "https"

"""WSGI: an application that follows tracking links, to be mounted in Flask, Pyramid, Bottle or any other.

Needs `pip install 'linkweir[wsgi]'`, and neither a database nor a service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from linkweir.integrations.click_request import ClickResponder, LinkClick, logger
from linkweir.tokens import KeyFile, KeyRing, KeyVariable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["ClickApp", "LinkClick"]


class ClickApp:
    """Redirects readers of tracking links, and serves the tracking pixel.

    `key_ring`: a KeyRing, KeyFile or KeyVariable. `on_click`: called with each LinkClick before the reader is
    answered. What it raises is logged, and the reader is redirected all the same. The base URL of the links is where
    the application is mounted. `honor_opt_out`: whether Sec-GPC and DNT make a click anonymous. Behind a proxy, let
    the framework replace the client's address (`werkzeug.middleware.proxy_fix.ProxyFix`).
    """

    def __init__(
        self,
        key_ring: KeyRing | KeyFile | KeyVariable,
        on_click: Callable[[LinkClick], object] | None = None,
        *,
        honor_opt_out: bool = True,
    ) -> None:
        self._responder = ClickResponder(key_ring, honor_opt_out)
        self._on_click = on_click

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
        method = environ["REQUEST_METHOD"]
        response, click = self._responder.respond(
            method, path.removeprefix("/"), request_headers(environ), environ.get("REMOTE_ADDR") or None
        )
        if click is not None and self._on_click is not None:
            try:
                self._on_click(click)
            except Exception:
                logger.exception("on_click failed; the reader is redirected")
        headers = [(name.decode("latin-1").title(), value.decode("latin-1")) for name, value in response.headers]
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", headers)
        return [b"" if method == "HEAD" else response.body]


def request_headers(environ: WSGIEnvironment) -> dict[bytes, bytes]:
    """The headers of a request by lower-case name."""
    return {
        name[5:].lower().replace("_", "-").encode("latin-1"): str(value).encode("latin-1", "replace")
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }

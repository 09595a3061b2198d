"""Middleware of every request: starts the service if nobody did; counts, times and logs responses. Tracking links take
a shorter path from here, and nothing else is served on domains' tracking hosts.

A mount does not run a sub-application's lifespan, so the first request may have to start the service.
"""

import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from linkweir.errors import NotFound
from linkweir.web.error_responses import error_response
from linkweir.web.host_access import serves_links_only
from linkweir.web.json_response import JSONResponse
from linkweir.web.redirect import RedirectEndpoint
from linkweir.web.redirect_responses import request_path
from linkweir.web.services import AppServices

PATHS_ON_EVERY_HOST = frozenset(  # what readers, their apps, front proxies and probes ask for on any host
    (
        *("/.well-known/apple-app-site-association", "/.well-known/assetlinks.json"),
        *("/", "/privacy", "/robots.txt", "/favicon.ico", "/healthz", "/readyz", "/tls/ask"),
    )
)


class RequestDispatcher:
    """The outermost middleware: tracking links go straight to what answers them, which counts and times itself."""

    def __init__(self, app: ASGIApp, services: AppServices) -> None:
        self._app = app
        self._services = services
        self._redirect = RedirectEndpoint(services) if services.settings.has_role("redirect") else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not self._services.running:
            try:
                await self._services.ensure_started()
            except Exception as error:
                self._services.log.error("service.cannot_start", error=str(error), kind=type(error).__name__)
                await JSONResponse({"message": "the service could not start"}, 503)(scope, receive, send)
                return
        if not scope["path"].startswith("/"):
            scope = _origin_form(scope)
        if self._redirect is not None and self._redirect.matches(scope):
            await self._redirect(scope, receive, send)
        else:
            await self._log_request(scope, receive, send)

    async def _log_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0
        started = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if self._is_refused_host(scope):
                refused = error_response(NotFound("nothing but tracking links is served on this host"))
                await refused(scope, receive, watch)
            else:
                await self._app(scope, receive, watch)
        except ClientDisconnect:
            self._services.log.info("request.disconnected", endpoint=_endpoint_name(scope))  # nobody is left to answer
        except Exception as error:
            # a bug; caught here and not in Starlette's handler, which would raise it once more in a host's log
            self._services.log.error("request.bug", endpoint=_endpoint_name(scope), exc_info=error)
            if status:
                raise  # the answer has begun: only the server can still cut it off
            await error_response(error)(scope, receive, watch)
        finally:
            self._record_request(scope, status, time.perf_counter() - started)

    def _is_refused_host(self, scope: Scope) -> bool:
        return request_path(scope) not in PATHS_ON_EVERY_HOST and serves_links_only(scope, self._services)

    def _record_request(self, scope: Scope, status: int, seconds: float) -> None:
        name = _endpoint_name(scope)
        self._services.metrics.responses.labels(name, str(status)).inc()
        self._services.metrics.seconds.labels(name).observe(seconds)
        self._services.log.info(
            "request", method=scope["method"][:16], endpoint=name, status=status, ms=round(seconds * 1000, 3)
        )


def _origin_form(scope: Scope) -> Scope:
    """Return the request in origin form: some proxies send the absolute form, which a server has to accept (RFC 9112
    section 3.2.2).
    """
    scheme, separator, rest = scope["path"].partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        return scope
    return {**scope, "path": "/" + rest.partition("/")[2], "raw_path": b"/" + scope["raw_path"].split(b"/", 3)[-1]}


def _endpoint_name(scope: Scope) -> str:
    return getattr(scope.get("endpoint"), "__name__", "none")

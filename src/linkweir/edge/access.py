"""Wraps every request: the service is started if nobody did, the answer is counted, timed and logged. Tracking links
take a shorter way from here.

A mount does not run a sub-application's lifespan, so the first request may have to start the service.
"""

import time
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from linkweir.edge.parts import Parts
from linkweir.edge.problems import answer
from linkweir.edge.redirect import Redirect
from linkweir.edge.reply import JSON


class Startable(Parts, Protocol):
    """A service that can start by itself."""

    @property
    def running(self) -> bool:
        """Whether it has started and was not stopped."""

    async def ensure_started(self) -> None:
        """Start unless that was done. Raises what kept it from starting."""


class Access:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp, service: Startable) -> None:
        self._app = app
        self._service = service
        self._redirect = Redirect(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._service.ensure_started()
        except Exception as error:
            self._service.log.error("service.cannot_start", error=str(error), kind=type(error).__name__)
            await JSON({"message": "the service could not start"}, 503)(scope, receive, send)
            return
        if self._redirect.takes(scope):  # the first request of a service that nobody had started
            await self._redirect(scope, receive, send)
        else:
            await self._observed(scope, receive, send)

    async def _observed(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0
        started = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            self._service.log.info("request.disconnected", endpoint=_name(scope))  # nobody is left to answer
        except Exception as error:
            # a bug; caught here and not in Starlette's handler, which would raise it once more in a host's log
            self._service.log.error("request.bug", endpoint=_name(scope), exc_info=error)
            if status:
                raise  # the answer has begun: only the server can still cut it off
            await answer(error)(scope, receive, watch)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        name = _name(scope)
        self._service.metrics.responses.labels(name, str(status)).inc()
        self._service.metrics.seconds.labels(name).observe(seconds)
        self._service.log.info(
            "request", method=scope["method"][:16], endpoint=name, status=status, ms=round(seconds * 1000, 3)
        )


class Shortcut:
    """Before everything else: tracking links go straight to what answers them, which counts and times itself."""

    def __init__(self, app: ASGIApp, service: Startable) -> None:
        self._app = app
        self._service = service
        self._redirect = Redirect(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and not scope["path"].startswith("/"):
            scope = _origin_form(scope)
        if self._service.running and scope["type"] == "http" and self._redirect.takes(scope):
            await self._redirect(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _origin_form(scope: Scope) -> Scope:
    """The request as if it had named a path alone: through some proxies the whole address comes, which a server has to
    take (RFC 9112 section 3.2.2).
    """
    scheme, found, rest = scope["path"].partition("://")
    if not found or scheme.lower() not in ("http", "https"):
        return scope
    return {**scope, "path": "/" + rest.partition("/")[2], "raw_path": b"/" + scope["raw_path"].split(b"/", 3)[-1]}


def _name(scope: Scope) -> str:
    return getattr(scope.get("endpoint"), "__name__", "none")

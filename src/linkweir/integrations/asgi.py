"""ASGI: an application that follows tracking links, to be mounted in FastAPI, Starlette, Litestar or any other.

Needs `pip install 'linkweir[asgi]'`, and neither a database nor a service.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from linkweir.integrations.click_request import ClickResponder, LinkClick, logger
from linkweir.tokens import KeyFile, KeyRing, KeyVariable
from linkweir.web.redirect_responses import request_path

__all__ = ["ClickApp", "LinkClick"]

AsgiScope: TypeAlias = MutableMapping[str, Any]
AsgiReceive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
AsgiSend: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
OnClick: TypeAlias = Callable[[LinkClick], Awaitable[None] | None]


class ClickApp:
    """Redirects readers of tracking links, and serves the tracking pixel.

    `key_ring`: a KeyRing, KeyFile or KeyVariable. `on_click`: called with each LinkClick before the reader is
    answered; a plain function runs in a thread. What it raises is logged, and the reader is redirected all the same.
    The base URL of the links is where the application is mounted. `honor_opt_out`: whether Sec-GPC and DNT make a click
    anonymous. Behind a proxy, let the server replace the client's address (`uvicorn --proxy-headers`).
    """

    def __init__(
        self,
        key_ring: KeyRing | KeyFile | KeyVariable,
        on_click: OnClick | None = None,
        *,
        honor_opt_out: bool = True,
    ) -> None:
        self._responder = ClickResponder(key_ring, honor_opt_out)
        self._on_click = on_click

    async def __call__(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        """Answer one request, or the start and stop of the server."""
        if scope["type"] == "lifespan":
            await _run_lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            await self._answer(scope, send)

    async def _answer(self, scope: AsgiScope, send: AsgiSend) -> None:
        client = scope.get("client")
        token = request_path(scope).removeprefix("/")
        response, click = self._responder.respond(
            scope["method"], token, dict(scope["headers"]), client[0] if client else None
        )
        if click is not None and self._on_click is not None:
            try:
                await _call(self._on_click, click)
            except Exception:
                logger.exception("on_click failed; the reader is redirected")
        await send({"type": "http.response.start", "status": response.status, "headers": list(response.headers)})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})


async def _call(on_click: OnClick, click: LinkClick) -> None:
    if inspect.iscoroutinefunction(on_click) or inspect.iscoroutinefunction(getattr(on_click, "__call__", None)):  # noqa: B004 - the method itself
        outcome = on_click(click)
    else:
        outcome = await asyncio.to_thread(on_click, click)
    if inspect.isawaitable(outcome):
        await outcome


async def _run_lifespan(receive: AsgiReceive, send: AsgiSend) -> None:
    for expected in ("startup", "shutdown"):
        event = await receive()
        assert event["type"] == f"lifespan.{expected}"
        await send({"type": f"lifespan.{expected}.complete"})

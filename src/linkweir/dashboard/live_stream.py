"""The stream of the live page: events that are new or were judged anew, as server-sent events (WHATWG HTML, 9.2).

A stream takes one of a bounded number of places (`StreamSlots`); who gets none is told to come later, and the page's
script polls. It ends with the session, and with the server: `LIVE_STREAM` marks it for who shuts down.
"""

import json
import uuid
from typing import Any

import anyio
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from linkweir.accounts import roles, users
from linkweir.clock import now
from linkweir.dashboard import live_page, rendering
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.errors import LinkweirError
from linkweir.translation import current_language, use_language
from linkweir.web.stream_slots import LIVE_STREAM

SCOPE = "messages:read:all"
POLL_SECONDS = 2.0
STREAM_SECONDS = 600.0  # then the browser connects anew
RETRY_SECONDS = 30
HEADERS = {**rendering.HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}  # the last: nginx
END = "event: end\ndata:\n\n"
SeenEvents = dict[uuid.UUID, tuple[Any, ...]]


def open_stream(call: DashboardRequest) -> Response:
    """Return the stream of the events that match the filters of the query."""
    return LiveStream(call)


class LiveStream(Response):
    """The stream; `since` in the query: when the newest event was made that the page has, in microseconds."""

    def __init__(self, call: DashboardRequest) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]  # nobody knows it
        self._call = call
        self._given = live_page.parse_filters(call)
        since = call.request.headers.get("last-event-id") or call.query("since")
        self._since = int(since) if since.isascii() and since.isdecimal() and len(since) < 18 else 0
        self._language = current_language().code
        self._seen: SeenEvents | None = None  # None: nothing was looked at yet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client goes, the session ends or the time is over."""
        with self._call.services.stream_slots.hold(str(self._call.user["id"])) as is_held:
            if not is_held:
                headers = {"Retry-After": str(RETRY_SECONDS), **rendering.HEADERS}
                await PlainTextResponse("Too many live pages are open.", 503, headers)(scope, receive, send)
                return
            scope[LIVE_STREAM] = True
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async with anyio.create_task_group() as group:
                group.start_soon(self._wait_for_disconnect, receive, group.cancel_scope)
                with anyio.move_on_after(STREAM_SECONDS):
                    await self._send_events(send)
                await send({"type": "http.response.body", "body": b""})
                group.cancel_scope.cancel()

    async def _wait_for_disconnect(self, receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def _send_events(self, send: Send) -> None:
        while True:
            try:
                chunk = await self._call.services.run_blocking(self._load_chunk)
            except LinkweirError:  # the database does not answer
                chunk = ": later\n\n"
            await send(
                {"type": "http.response.body", "body": (chunk or "event: end\ndata:\n\n").encode(), "more_body": True}
            )
            if not chunk:
                return
            await anyio.sleep(POLL_SECONDS)

    def _load_chunk(self) -> str:
        with use_language(self._language):
            return self._load_events()

    def _load_events(self) -> str:
        """Return what is to be sent now, a comment if there is nothing, and "" when the session is over."""
        if not self._has_session():
            return ""
        rows = live_page.load_latest(self._call, self._given)
        changed = [row for row in rows if self._is_news(row)]
        self._seen = {row["id"]: _judgement(row) for row in rows}
        if not changed:
            return ": nothing new\n\n"
        newest = max(row["at"] for row in rows)
        items = [{"id": f"e{row['id'].hex}", "html": self._render(row)} for row in reversed(changed)]
        return f"id: {newest}\ndata: {json.dumps(items)}\n\n"

    def _render(self, row: dict[str, Any]) -> str:
        return rendering.render_fragment(self._call.request, "live_event.html", self._call.zone, hit=row)

    def _is_news(self, row: dict[str, Any]) -> bool:
        if self._seen is None:
            return bool(row["at"] > self._since)
        return self._seen.get(row["id"]) != _judgement(row)

    def _has_session(self) -> bool:
        call = self._call
        with call.services.database.read() as connection:
            session = users.load_session(connection, call.session_secret, now())
        if session is None or session[1]["id"] != call.account["id"]:
            return False
        return SCOPE in roles.SCOPES[roles.parse_role(session[0]["role"])]


def _judgement(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["verdict"], row["confidence"], row["reasons"], row["first"]

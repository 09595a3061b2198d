"""`GET <click path><token>`: opens the token, makes the event durable, and redirects the reader or serves the open
pixel.

Every reader takes this path, so it speaks ASGI itself: no request object, no routing, and no log line for each request
(except at level debug); the metrics count them.
"""

import time
import uuid
from collections.abc import Collection, Mapping

from starlette.types import Receive, Scope, Send

from linkweir.clicks import header_signals, link_resolution
from linkweir.clicks.click_event import ClickEvent, make_event
from linkweir.clicks.link_resolution import ResolvedLink
from linkweir.clock import now
from linkweir.errors import DatabaseUnavailable
from linkweir.tokens import PIXEL_INDEX, Opened
from linkweir.web import client_ip, reader_pages
from linkweir.web.services import AppServices

HeaderList = list[tuple[bytes, bytes]]
REDIRECT_HEADERS: HeaderList = [
    (b"cache-control", b"no-store"),  # a cached redirect is a click that nobody sees
    # neither the token nor the webmail that it was read in is passed on
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex"),
    (b"content-length", b"0"),
]
BODY_HEADERS: HeaderList = [*REDIRECT_HEADERS[:-1], (b"x-content-type-options", b"nosniff")]
PAGE_HEADERS: HeaderList = [
    *BODY_HEADERS,
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", reader_pages.CONTENT_SECURITY_POLICY.encode()),
]
OPERATOR_PAGE_HEADERS: HeaderList = [
    *BODY_HEADERS,
    (b"content-type", b"text/html; charset=utf-8"),
]  # what it may load, its author has judged
PIXEL_GIF = (  # a GIF of one transparent pixel
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
PIXEL_HEADERS: HeaderList = [
    *BODY_HEADERS,
    (b"content-type", b"image/gif"),
    (b"content-length", str(len(PIXEL_GIF)).encode()),
]
MIN_TOKEN_PATH_LENGTH = 20  # characters: no other path without a second `/` is so long, and every token is longer


class AsgiResponse:
    """A response: a status, headers, and a body that HEAD leaves out. `result` is its name in the metrics."""

    __slots__ = ("body", "headers", "result", "status")

    def __init__(self, result: str, status: int, headers: HeaderList, body: bytes = b"") -> None:
        self.result = result
        self.status = status
        self.headers = headers
        self.body = body


def _page_response(result: str, page: bytes, status: int, *more: tuple[bytes, bytes]) -> AsgiResponse:
    return AsgiResponse(result, status, [*PAGE_HEADERS, (b"content-length", str(len(page)).encode()), *more], page)


UNKNOWN_RESPONSE = _page_response("unknown", reader_pages.UNKNOWN_PAGE, 404)
UNAVAILABLE_RESPONSE = _page_response("unavailable", reader_pages.UNAVAILABLE_PAGE, 503, (b"retry-after", b"30"))
BLOCKED_RESPONSE = _page_response("blocked", reader_pages.BLOCKED_PAGE, 410)
ERASED_RESPONSE = _page_response("erased", reader_pages.ERASED_PAGE, 410)
NOT_ALLOWED_RESPONSE = _page_response("not_allowed", reader_pages.NOT_ALLOWED_PAGE, 405, (b"allow", b"GET, HEAD"))
PIXEL_RESPONSE = AsgiResponse("pixel", 200, PIXEL_HEADERS, PIXEL_GIF)


class RedirectEndpoint:
    """The ASGI application for everything under the click path."""

    def __init__(self, services: AppServices) -> None:
        self._services = services
        self._path = services.settings.click_path
        self._proxies = services.settings.trusted_proxies
        self._is_https = services.settings.base_url.startswith("https:")
        self._logs_requests = services.settings.log_level == "debug"
        self._metrics = services.metrics.redirects

    def matches(self, scope: Scope) -> bool:
        """Whether this request is for a tracking link, whatever else is wrong with it."""
        path = request_path(scope)
        if self._path != "/":
            return path.startswith(self._path)
        return len(path) > MIN_TOKEN_PATH_LENGTH and "/" not in path[1:]  # everything else is not ours to answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        method: str = scope["method"]
        answer = NOT_ALLOWED_RESPONSE
        if method in ("GET", "HEAD"):
            try:
                answer = await self._respond(scope, method)
            except Exception:
                self._services.log.exception("redirect.bug")
                answer = UNAVAILABLE_RESPONSE
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})
        self._record_response(answer, method, time.perf_counter() - started)

    def _record_response(self, answer: AsgiResponse, method: str, seconds: float) -> None:
        self._metrics.observe((answer.result, answer.status), seconds)
        if self._logs_requests:
            self._services.log.debug("redirect", method=method[:16], result=answer.result, ms=round(seconds * 1000, 3))

    async def _respond(self, scope: Scope, method: str) -> AsgiResponse:
        """Answer a token that does not verify, without saying why."""
        parts = self._services
        opened = link_resolution.open_token_leniently(parts.keyring, request_path(scope)[len(self._path) :])
        if opened is None:
            return self._unknown_link_response()
        if opened.index == PIXEL_INDEX:  # whether the message is known is not asked: an image must not look broken
            await self._record_click(opened, None, scope, method)
            return PIXEL_RESPONSE
        target = (
            link_resolution.resolve_sealed(opened) or self._unknown_link_response()
            if opened.style == "sealed"
            else await self._resolve_short(opened)
        )
        if isinstance(target, AsgiResponse):
            return target
        policy = parts.link_policy.policy
        if policy.is_blocked(target.location):
            return BLOCKED_RESPONSE
        await self._record_click(opened, target.destination, scope, method)
        if policy.confirm and await self._needs_confirmation(
            policy.accounts_requiring_confirmation(target.destination), opened
        ):
            return _page_response("confirm", reader_pages.confirmation_page(target.location), 200)
        return AsgiResponse("sent", 302, [*REDIRECT_HEADERS, (b"location", target.location.encode("ascii"))])

    def _unknown_link_response(self) -> AsgiResponse:
        """Return the operator's own page, or the default one; the status is the same."""
        own = self._services.operator_pages.unknown_link_page
        if own is None:
            return UNKNOWN_RESPONSE
        return AsgiResponse("unknown", 404, [*OPERATOR_PAGE_HEADERS, (b"content-length", str(len(own)).encode())], own)

    async def _resolve_short(self, opened: Opened) -> ResolvedLink | AsgiResponse:
        """Return the destination of a short link, or the response instead."""
        parts = self._services
        try:
            return (
                await parts.run_redirect_lookup(lambda: link_resolution.resolve_short(parts.database, opened))
                or self._unknown_link_response()
            )
        except link_resolution.LinkErasedError:
            return ERASED_RESPONSE
        except DatabaseUnavailable as error:
            parts.log.error("redirect.database_unavailable", error=str(error))
            return UNAVAILABLE_RESPONSE

    async def _needs_confirmation(self, accounts: Collection[uuid.UUID], opened: Opened) -> bool:
        """Whether the account of this link wants it confirmed."""
        parts = self._services
        return bool(accounts) and await parts.run_redirect_lookup(
            lambda: link_resolution.belongs_to_any(parts.database, opened, accounts)
        )

    async def _record_click(self, opened: Opened, destination: str | None, scope: Scope, method: str) -> None:
        """Wait until the event is durable, but never long: the reader comes first, whatever fails."""
        parts = self._services
        try:
            event = self._make_event(opened, destination, scope, method)
            if event is None:
                return
            result = await parts.journal.append(event)
        except Exception:
            parts.log.exception("click.bug")
            parts.metrics.unrecorded_clicks += 1
            return
        if result == "late":
            parts.metrics.late_clicks.inc()
            parts.log.error("click.late", event_id=str(event.id))

    def _make_event(self, opened: Opened, destination: str | None, scope: Scope, method: str) -> ClickEvent | None:
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        agent, at = headers.get(b"user-agent"), now()
        ip = client_ip.client_ip(scope, self._proxies, self._services.settings.proxy_header)
        return make_event(
            opened,
            destination,
            at=at,
            method=method,
            ip=ip,
            user_agent=agent.decode("latin-1") if agent else None,
            prefetch=header_signals.is_prefetch(headers),
            opts_out=headers.get(b"sec-gpc") == b"1" or headers.get(b"dnt") == b"1",
            signals=header_signals.detect_signals(headers, scope["http_version"], secure=self._is_https, at=at),
            internal_accounts=self._services.link_policy.policy.internal_networks.find_accounts(ip),
            policy=self._services.recording_policy,
        )


def request_path(scope: Scope) -> str:
    """The path, without what a mount takes for itself."""
    path: str = scope["path"]
    root: str = scope.get("root_path") or ""
    return path[len(root) :] if root and path.startswith(root) else path

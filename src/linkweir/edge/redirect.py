"""`GET <click path><token>`: open the token, make the fact durable, send the reader on, or show the open pixel.

This is the path that every reader takes, so it speaks ASGI itself: no request object, no routing, no line in the log
for each (but at level debug); what there is to know is in the figures.
"""

import time
import uuid
from collections.abc import Collection, Mapping

from starlette.types import Receive, Scope, Send

from linkweir.click import fact, follow, signals
from linkweir.click.follow import Way
from linkweir.edge import client, pages
from linkweir.edge.parts import Parts, now
from linkweir.errors import StoreUnavailable
from linkweir.token import PIXEL_INDEX, Opened

Headers = list[tuple[bytes, bytes]]
EMPTY: Headers = [
    (b"cache-control", b"no-store"),  # a cached redirect is a click that nobody sees
    # neither the token nor the webmail that it was read in is passed on
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex"),
    (b"content-length", b"0"),
]
BARE: Headers = [*EMPTY[:-1], (b"x-content-type-options", b"nosniff")]
TEXT: Headers = [
    *BARE,
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", pages.POLICY.encode()),
]
OWN: Headers = [*BARE, (b"content-type", b"text/html; charset=utf-8")]  # what it may load, its author has judged
PIXEL = (  # a GIF of one transparent pixel
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
PIXEL_HEADERS: Headers = [*BARE, (b"content-type", b"image/gif"), (b"content-length", str(len(PIXEL)).encode())]
SHORTEST = 20  # characters: no other path without a second `/` is so long, and every token is longer


class Answer:
    """What is sent: a status, headers, and a body that HEAD leaves out. `result` is its name in the figures."""

    __slots__ = ("body", "headers", "result", "status")

    def __init__(self, result: str, status: int, headers: Headers, body: bytes = b"") -> None:
        self.result = result
        self.status = status
        self.headers = headers
        self.body = body


def _page(result: str, page: bytes, status: int, *more: tuple[bytes, bytes]) -> Answer:
    return Answer(result, status, [*TEXT, (b"content-length", str(len(page)).encode()), *more], page)


UNKNOWN = _page("unknown", pages.UNKNOWN, 404)
UNAVAILABLE = _page("unavailable", pages.LATER, 503, (b"retry-after", b"30"))
BLOCKED = _page("blocked", pages.BLOCKED, 410)
GONE = _page("erased", pages.GONE, 410)
NOT_ALLOWED = _page("not_allowed", pages.NOT_ALLOWED, 405, (b"allow", b"GET, HEAD"))
SHOWN = Answer("pixel", 200, PIXEL_HEADERS, PIXEL)


class Redirect:
    """The ASGI application for everything under the click path."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._path = parts.settings.click_path
        self._proxies = parts.settings.trusted_proxies
        self._secure = parts.settings.base_url.startswith("https:")
        self._verbose = parts.settings.log_level == "debug"
        self._tally = parts.metrics.redirects

    def takes(self, scope: Scope) -> bool:
        """Is this request for a tracking link, whatever else is wrong with it?"""
        path = path_of(scope)
        if self._path != "/":
            return path.startswith(self._path)
        return len(path) > SHORTEST and "/" not in path[1:]  # everything else is not ours to answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        method: str = scope["method"]
        answer = NOT_ALLOWED
        if method in ("GET", "HEAD"):
            try:
                answer = await self._follow(scope, method)
            except Exception:
                self._parts.log.exception("redirect.bug")
                answer = UNAVAILABLE
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})
        self._note(answer, method, time.perf_counter() - started)

    def _note(self, answer: Answer, method: str, seconds: float) -> None:
        self._tally.note((answer.result, answer.status), seconds)
        if self._verbose:
            self._parts.log.debug("redirect", method=method[:16], result=answer.result, ms=round(seconds * 1000, 3))

    async def _follow(self, scope: Scope, method: str) -> Answer:
        """The answer to a token that does not verify says nothing about why."""
        parts = self._parts
        opened = follow.open_any(parts.ring, path_of(scope)[len(self._path) :])
        if opened is None:
            return self._unknown()
        if opened.index == PIXEL_INDEX:  # whether the message is known is not asked: an image must not look broken
            await self._keep(opened, None, scope, method)
            return SHOWN
        way = follow.to_sealed(opened) or self._unknown() if opened.style == "sealed" else await self._short(opened)
        if isinstance(way, Answer):
            return way
        gate = parts.gate.gate
        if gate.blocks(way.location):
            return BLOCKED
        await self._keep(opened, way.destination, scope, method)
        if gate.confirm and await self._asks(gate.asking(way.destination), opened):
            return _page("confirm", pages.confirm(way.location), 200)
        return Answer("sent", 302, [*EMPTY, (b"location", way.location.encode("ascii"))])

    def _unknown(self) -> Answer:
        """The operator's own page, or ours; the status is the same."""
        own = self._parts.own_pages.unknown
        if own is None:
            return UNKNOWN
        return Answer("unknown", 404, [*OWN, (b"content-length", str(len(own)).encode())], own)

    async def _short(self, opened: Opened) -> Way | Answer:
        """The way of a short link, or what to say instead."""
        parts = self._parts
        try:
            return await parts.for_reader(lambda: follow.to_short(parts.store, opened)) or self._unknown()
        except follow.ErasedError:
            return GONE
        except StoreUnavailable as error:
            parts.log.error("redirect.store_unavailable", error=str(error))
            return UNAVAILABLE

    async def _asks(self, accounts: Collection[uuid.UUID], opened: Opened) -> bool:
        """Does the account of this link want it confirmed?"""
        parts = self._parts
        return bool(accounts) and await parts.for_reader(lambda: follow.is_of(parts.store, opened, accounts))

    async def _keep(self, opened: Opened, destination: str | None, scope: Scope, method: str) -> None:
        """Wait until the fact is durable, but never long: the reader comes first, whatever fails."""
        parts = self._parts
        try:
            found = fact.record(opened, destination, self._visit(scope, method), **parts.recording)
            if found is None:
                return
            fate = await parts.journal.append(found)
        except Exception:
            parts.log.exception("click.bug")
            parts.metrics.unrecorded += 1
            return
        if fate == "late":
            parts.metrics.late.inc()
            parts.log.error("click.late", event_id=str(found.id))

    def _visit(self, scope: Scope, method: str) -> fact.Visit:
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        agent = headers.get(b"user-agent")
        return fact.Visit(
            at=now(),
            method=method,
            ip=client.address(scope, self._proxies, self._parts.settings.proxy_header),
            user_agent=agent.decode("latin-1") if agent else None,
            prefetch=signals.ahead(headers),
            objects=headers.get(b"sec-gpc") == b"1" or headers.get(b"dnt") == b"1",
            signals=signals.of_request(headers, scope["http_version"], secure=self._secure),
        )


def path_of(scope: Scope) -> str:
    """The path, without what a mount takes for itself."""
    path: str = scope["path"]
    root: str = scope.get("root_path") or ""
    return path[len(root) :] if root and path.startswith(root) else path

"""`GET <click path><token>`: opens the token, makes the event durable, and redirects the reader or serves the open
pixel.

Every reader takes this path, so it speaks ASGI itself: no request object, no routing, and no log line for each request
(except at level debug); the metrics count them.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Collection, Mapping

from starlette.types import Receive, Scope, Send

from linkweir.clicks import header_signals, link_resolution, sealed_links
from linkweir.clicks.click_event import ClickEvent, make_event
from linkweir.clicks.journal.interface import AppendResult
from linkweir.clicks.sealed_links import ResolvedLink
from linkweir.clock import now
from linkweir.errors import DatabaseUnavailable
from linkweir.tokens import PIXEL_INDEX, Opened
from linkweir.web import client_ip, reader_pages
from linkweir.web.redirect_responses import (
    BLOCKED_PAGE,
    ERASED_PAGE,
    NOT_ALLOWED_PAGE,
    OPERATOR_PAGE_HEADERS,
    PIXEL_RESPONSE,
    UNAVAILABLE_PAGE,
    UNKNOWN_PAGE,
    AsgiResponse,
    page_response,
    redirect_response,
    request_path,
)
from linkweir.web.services import AppServices

MIN_TOKEN_PATH_LENGTH = 20  # characters: no other path without a second `/` is so long, and every token is longer


class RedirectDecision:
    """A response that is decided, and what becomes of its click in the journal; None: there is none to wait for."""

    __slots__ = ("appended", "event", "method", "response", "started")

    def __init__(self, response: AsgiResponse, method: str, started: float) -> None:
        self.response = response
        self.method = method
        self.started = started
        self.event: ClickEvent | None = None
        self.appended: Awaitable[AppendResult] | None = None


def _confirmation_response(location: str, scope: Scope) -> AsgiResponse:
    language = reader_pages.read_language(scope["headers"])
    return page_response("confirm", reader_pages.confirmation_page(location, language), 200)


class RedirectEndpoint:
    """The ASGI application for everything under the click path.

    A server may take the same steps without ASGI: `begin`, wait until what it appended is durable, and `finish`.
    """

    def __init__(self, services: AppServices) -> None:
        self._services = services
        self._keyring = services.tracking_keyring
        self._path = services.settings.click_path
        self._proxies = services.settings.trusted_proxies
        self._proxy_header = services.settings.proxy_header
        self._is_https = services.settings.base_url.startswith("https:")
        self._logs_requests = services.settings.log_level == "debug"
        self._metrics = services.metrics.redirects

    def matches(self, scope: Scope) -> bool:
        """Whether this request is for a tracking link, whatever else is wrong with it."""
        path = request_path(scope)
        if self._path != "/":
            return path.startswith(self._path)
        return len(path) > MIN_TOKEN_PATH_LENGTH and "/" not in path[1:]  # everything else is not ours to answer

    @property
    def running(self) -> bool:
        """Whether the service has started, which is for the caller to see to."""
        return self._services.running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = await self.respond(scope, self.begin(scope))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def respond(self, scope: Scope, decision: RedirectDecision | None) -> AsgiResponse:
        """The response, once its click is durable; `decision` is what `begin` said."""
        if decision is None:
            decision = await self._begin_with_lookup(scope)
        outcome: AppendResult | None = None
        if decision.appended is not None:
            try:
                outcome = await decision.appended
            except Exception:
                self._count_bug()
        return self.finish(decision, outcome)

    def begin(self, scope: Scope) -> RedirectDecision | None:
        """Decide and append the click; None, and nothing is done, when the database has to be asked.

        Reads method, path, headers, client and HTTP version of a scope.
        """
        started = time.perf_counter()
        method: str = scope["method"]
        if method not in ("GET", "HEAD"):
            return RedirectDecision(NOT_ALLOWED_PAGE.respond(scope["headers"]), method, started)
        try:
            opened = self._open_token(scope)
            if opened is None:
                return RedirectDecision(self._unopened_link_response(scope), method, started)
            if opened.index == PIXEL_INDEX:  # whether the message is known is not asked: an image must not look broken
                decision = RedirectDecision(PIXEL_RESPONSE, method, started)
                self._append_click(decision, opened, None, None, scope)
                return decision
            target = self._correct(sealed_links.resolve_sealed(opened)) if opened.style == "sealed" else None
            if opened.style != "sealed" or (target and self._confirming_accounts(target)):
                return None
            return self._decide(scope, opened, target, started)
        except Exception:
            self._services.log.exception("redirect.bug")
            return RedirectDecision(UNAVAILABLE_PAGE.respond(scope["headers"]), method, started)

    async def _begin_with_lookup(self, scope: Scope) -> RedirectDecision:
        """Decide for a short link, or one that its account may want confirmed."""
        started = time.perf_counter()
        try:
            opened = self._open_token(scope)
            assert opened is not None  # or `begin` would have answered
            target = (
                sealed_links.resolve_sealed(opened)
                if opened.style == "sealed"
                else await self._resolve_short(opened, scope)
            )
            if isinstance(target, AsgiResponse):
                return RedirectDecision(target, scope["method"], started)
            target = self._correct(target)
            decision = self._decide(scope, opened, target, started)
            if decision.response.result == "sent" and target is not None:
                accounts = self._confirming_accounts(target)
                if accounts and await self._needs_confirmation(accounts, opened):
                    decision.response = _confirmation_response(target.location, scope)
            return decision
        except Exception:
            self._services.log.exception("redirect.bug")
            return RedirectDecision(UNAVAILABLE_PAGE.respond(scope["headers"]), scope["method"], started)

    def finish_appended(self, decision: RedirectDecision, appended: "asyncio.Future[AppendResult]") -> AsgiResponse:
        """`finish` with the outcome of a future that is done."""
        outcome: AppendResult | None = None
        try:
            outcome = appended.result()
        except (Exception, asyncio.CancelledError):
            self._count_bug()
        return self.finish(decision, outcome)

    def finish(self, decision: RedirectDecision, outcome: AppendResult | None) -> AsgiResponse:
        """The response to be sent, now that this became of its click."""
        if outcome == "late":
            assert decision.event is not None
            self._services.metrics.late_clicks.inc()
            self._services.log.error("click.late", event_id=str(decision.event.id))
        answer, seconds = decision.response, time.perf_counter() - decision.started
        self._metrics.observe((answer.result, answer.status), seconds)
        if self._logs_requests:
            method, milliseconds = decision.method[:16], round(seconds * 1000, 3)
            self._services.log.debug("redirect", method=method, result=answer.result, ms=milliseconds)
        return answer

    def _open_token(self, scope: Scope) -> Opened | None:
        """What the token says; of one that does not verify nobody is told why."""
        return sealed_links.open_token_leniently(self._keyring.current, request_path(scope)[len(self._path) :])

    def _decide(self, scope: Scope, opened: Opened, target: ResolvedLink | None, started: float) -> RedirectDecision:
        """Decide for a link that was looked up, and append its click if it leads anywhere."""
        method: str = scope["method"]
        if target is None:
            return RedirectDecision(self._unknown_link_response(scope), method, started)
        if self._services.link_policy.policy.is_blocked(target.location):
            return RedirectDecision(BLOCKED_PAGE.respond(scope["headers"]), method, started)
        decision = RedirectDecision(redirect_response(target.location.encode("ascii")), method, started)
        self._append_click(decision, opened, target.destination, target.corrected_destination, scope)
        return decision

    def _correct(self, target: ResolvedLink | None) -> ResolvedLink | None:
        policy = self._services.link_policy.policy
        return target if target is None or policy.corrections is None else policy.correct(target)

    def _confirming_accounts(self, target: ResolvedLink) -> Collection[uuid.UUID]:
        policy = self._services.link_policy.policy
        destination = target.corrected_destination or target.destination
        return policy.accounts_requiring_confirmation(destination) if policy.confirm else ()

    def _unknown_link_response(self, scope: Scope) -> AsgiResponse:
        """Return the operator's own page, or the default one; the status is the same."""
        own = self._services.operator_pages.unknown_link_page
        if own is None:
            return UNKNOWN_PAGE.respond(scope["headers"])
        return AsgiResponse("unknown", 404, [*OPERATOR_PAGE_HEADERS, (b"content-length", str(len(own)).encode())], own)

    def _unopened_link_response(self, scope: Scope) -> AsgiResponse:
        """The response to what is no link, or to one that another machine may have signed with a key that is new."""
        text = request_path(scope)[len(self._path) :]
        if self._keyring.may_be_behind and sealed_links.names_unknown_key(self._keyring.current, text):
            return UNAVAILABLE_PAGE.respond(scope["headers"])
        return self._unknown_link_response(scope)

    async def _resolve_short(self, opened: Opened, scope: Scope) -> ResolvedLink | AsgiResponse | None:
        """Return the destination of a short link, or the response instead; None: it is not known."""
        parts = self._services
        try:
            return await parts.run_redirect_lookup(lambda: link_resolution.resolve_short(parts.database, opened))
        except link_resolution.LinkErasedError:
            return ERASED_PAGE.respond(scope["headers"])
        except DatabaseUnavailable as error:
            parts.log.error("redirect.database_unavailable", error=str(error))
            return UNAVAILABLE_PAGE.respond(scope["headers"])

    async def _needs_confirmation(self, accounts: Collection[uuid.UUID], opened: Opened) -> bool:
        """Whether the account of this link wants it confirmed."""
        parts = self._services
        return await parts.run_redirect_lookup(lambda: link_resolution.belongs_to_any(parts.database, opened, accounts))

    def _append_click(
        self, decision: RedirectDecision, opened: Opened, destination: str | None, corrected: str | None, scope: Scope
    ) -> None:
        """Begin to make the event durable. Whatever fails, the reader comes first."""
        try:
            event = self._make_event(opened, destination, corrected, scope, decision.method)
            if event is not None:
                decision.event, decision.appended = event, self._services.journal.append(event)
        except Exception:
            self._count_bug()

    def _count_bug(self) -> None:
        self._services.log.exception("click.bug")
        self._services.metrics.unrecorded_clicks += 1

    def _make_event(
        self, opened: Opened, destination: str | None, corrected: str | None, scope: Scope, method: str
    ) -> ClickEvent | None:
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        agent, at = headers.get(b"user-agent"), now()
        ip = client_ip.client_ip(scope, self._proxies, self._proxy_header)
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
            corrected_destination=corrected,
            policy=self._services.recording_policy,
        )

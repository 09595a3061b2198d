"""A request for a tracking link where no service runs: its response, and the click for whoever records it.

Links, pages and headers are those of the service; it needs a key ring only. There is no database: short links, a
blocklist and confirmation are the service's.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from linkweir.clicks.header_signals import CLASSIFIED_HEADERS, is_prefetch
from linkweir.clicks.sealed_links import open_token_leniently, resolve_sealed
from linkweir.errors import KeyRingError, check_type
from linkweir.tokens import HONEYPOT_INDEX, PIXEL_INDEX, KeyFile, KeyRing, KeyVariable, MessageId, Opened, Privacy
from linkweir.web.redirect_responses import (
    NOT_ALLOWED_PAGE,
    PIXEL_RESPONSE,
    UNAVAILABLE_PAGE,
    UNKNOWN_PAGE,
    AsgiResponse,
    redirect_response,
)

Kind: TypeAlias = Literal["click", "open", "honeypot"]
KINDS: dict[int, Kind] = {PIXEL_INDEX: "open", HONEYPOT_INDEX: "honeypot"}
MAX_HEADER_BYTES = 1024  # of each header that a click contains
logger = logging.getLogger("linkweir")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkClick:
    """One request for a tracking link, with no more than the privacy mode of the link allows.

    `at`: its time, UTC. `kind`: `click`, `open` (the tracking pixel) or `honeypot` (the hidden link). `message` is None
    in mode anonymous, `campaign` in the others. `link`: the index of the link. `prefetch`: the browser says that it
    fetches ahead of its user. Pseudonymous clicks have no `ip`, `user_agent` and `headers`, anonymous ones no
    `destination`, either; a reader who sends Sec-GPC or DNT is anonymous. `headers`: those that classification reads.
    """

    at: datetime
    kind: Kind
    method: str
    privacy: Privacy
    message: MessageId | None
    campaign: str | int | None
    link: int
    destination: str | None
    ip: str | None = None
    user_agent: str | None = None
    prefetch: bool = False
    headers: Mapping[str, str] | None = field(default=None, repr=False)

    def to_record(self) -> dict[str, Any]:
        """The click as a JSON object that `linkweir classify` and `classify_clicks` read."""
        record: dict[str, Any] = {
            "at": self.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "message": None if self.message is None else str(self.message),
            "link": self.link if self.kind == "click" else 0,
            "kind": self.kind,
            "method": self.method,
        }
        optional = {"ip": self.ip, "user_agent": self.user_agent, "headers": self.headers and dict(self.headers)}
        return record | {name: value for name, value in optional.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ClickResponder:
    """Decides for requests. `key_ring`: a ring, or the file or variable that it is loaded from, also after a change.

    `honor_opt_out`: whether Sec-GPC and DNT make a click anonymous.
    """

    key_ring: KeyRing | KeyFile | KeyVariable
    honor_opt_out: bool = True

    def __post_init__(self) -> None:
        check_type("key_ring", self.key_ring, (KeyRing, KeyFile, KeyVariable), "a KeyRing, KeyFile or KeyVariable")

    def respond(
        self, method: str, token: str, headers: Mapping[bytes, bytes], ip: str | None
    ) -> tuple[AsgiResponse, LinkClick | None]:
        """The response to a request, and its click if the token is valid. `headers`: by lower-case name."""
        if method not in ("GET", "HEAD"):
            return NOT_ALLOWED_PAGE.respond(headers.items()), None
        try:
            ring = self.key_ring if isinstance(self.key_ring, KeyRing) else self.key_ring.load()
        except KeyRingError:
            logger.exception("the key ring cannot be loaded")
            return UNAVAILABLE_PAGE.respond(headers.items()), None
        opened = open_token_leniently(ring, token)
        if opened is None:
            return UNKNOWN_PAGE.respond(headers.items()), None
        if opened.index == PIXEL_INDEX:
            return PIXEL_RESPONSE, self._make_click(opened, method, headers, ip)
        link = resolve_sealed(opened)
        if link is None:
            return UNKNOWN_PAGE.respond(headers.items()), None
        return redirect_response(link.location.encode("ascii")), self._make_click(opened, method, headers, ip)

    def _make_click(self, opened: Opened, method: str, headers: Mapping[bytes, bytes], ip: str | None) -> LinkClick:
        opts_out = self.honor_opt_out and (headers.get(b"sec-gpc") == b"1" or headers.get(b"dnt") == b"1")
        privacy = Privacy.ANONYMOUS if opts_out else opened.privacy
        is_full, is_anonymous = privacy is Privacy.FULL, privacy is Privacy.ANONYMOUS
        return LinkClick(
            at=datetime.now(UTC),
            kind=KINDS.get(opened.index, "click"),
            method=method,
            privacy=privacy,
            message=None if is_anonymous else opened.message,
            campaign=opened.campaign,
            link=opened.index,
            destination=None if is_anonymous else opened.destination,
            ip=ip if is_full else None,
            user_agent=_decode(headers[b"user-agent"]) if is_full and b"user-agent" in headers else None,
            prefetch=is_prefetch(headers),
            headers=_select_headers(headers) if is_full else None,
        )


def _select_headers(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode("ascii"): _decode(headers[name]) for name in CLASSIFIED_HEADERS if name in headers}


def _decode(value: bytes) -> str:
    return value[:MAX_HEADER_BYTES].decode("latin-1")

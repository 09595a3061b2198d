"""Clicks that were recorded elsewhere: the fields of a record, checked, and the hit that the rules see.

Knows no file and no provider. What a record does not say stays unknown, and nothing follows from it: without `headers`
no header counts as missing.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any

from linkweir.clicks import browser_profile, header_signals
from linkweir.clicks.classify import CLICK, HONEYPOT, OPEN, Hit, InternalOrigin
from linkweir.clicks.enrichment import MAX_USER_AGENT_CHARS, Enricher
from linkweir.clock import from_datetime

KINDS = (CLICK, OPEN, HONEYPOT)
LABELS = ("human", "machine", "prefetch")
MIN_TIME_US = 10**14  # 1973: smaller numbers are seconds or milliseconds
MAX_TIME_US = 253_402_300_799_999_999  # the last microsecond of the year 9999
MAX_POSITION = 1_000_000
MAX_TEXT_CHARS = 4096  # of a message's name, a URL, a header
_SHOWN_CHARS = 60  # of a value in an error
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


class InvalidClick(ValueError):
    """A record that cannot be used; the text names the field, its value and what is allowed."""


@dataclass(slots=True, kw_only=True)
class RecordedClick:
    """One request for a link. `at`, `delivered_at`: microseconds since 1970; `link_count`: how many tracked links the
    message has. `link`: the link's position from 0, or a hash of its URL where `is_url`. `signals`: codes of
    `clicks.header_signals`. `recipient`: the mail's, which is looked at and not stored; `internal`: by what the
    sender's own people made the click.
    """

    at: int
    message: int
    kind: str = CLICK
    method: str = "GET"
    link: int = 0
    is_url: bool = False
    ip: str | None = None
    user_agent: str | None = None
    prefetch: bool = False
    signals: str = ""
    delivered_at: int | None = None
    link_count: int | None = None
    label: str | None = None
    internal: InternalOrigin | None = None
    recipient: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """When the recipient's server took a message, from an export that lists deliveries beside clicks."""

    message: int
    delivered_at: int


def parse_click(fields: Mapping[str, Any]) -> RecordedClick:
    """The click of a record in the form of `linkweir classify`. Raises InvalidClick."""
    user_agent = _parse_text(fields, "user_agent")
    headers, http_version = _parse_headers(fields.get("headers")), _parse_http_version(fields.get("http"))
    if headers is not None:
        if user_agent is not None:
            headers[b"user-agent"] = user_agent.encode("utf-8", "replace")
        elif b"user-agent" in headers:
            user_agent = headers[b"user-agent"].decode("utf-8", "replace")
        else:
            user_agent = ""
    at, secure = parse_time(fields.get("at"), "at"), _parse_secure(fields)
    if headers is None:
        signals = detect_browser_signals(user_agent, at) + ((header_signals.HTTP_1_0,) if http_version == "1.0" else ())
    else:
        signals = header_signals.detect_signals(headers, http_version, secure=secure, at=at)
    link, is_url = _parse_link(fields.get("link"))
    return RecordedClick(
        at=at,
        message=message_key(_parse_message(fields.get("message"))),
        kind=_parse_choice(fields, "kind", KINDS) or CLICK,
        method=_parse_method(fields.get("method")),
        link=link,
        is_url=is_url,
        ip=parse_ip(fields.get("ip")),
        user_agent=clean_user_agent(user_agent),
        prefetch=headers is not None and header_signals.is_prefetch(headers),
        signals=" ".join(signals),
        delivered_at=None if fields.get("delivered_at") is None else parse_time(fields["delivered_at"], "delivered_at"),
        link_count=_parse_link_count(fields.get("links")),
        label=_parse_choice(fields, "label", LABELS),
        recipient=_parse_text(fields, "recipient"),
    )


def make_hit(number: int, click: RecordedClick, position: int, enricher: Enricher) -> Hit:
    """The click as the rules see it. `number`: unique among all clicks; `position`: its link's."""
    known = enricher.enrich(click.ip, click.user_agent)
    return Hit(
        id=uuid.UUID(int=number),
        at=click.at,
        method=click.method,
        position=position,
        kind=click.kind,
        ip=click.ip,
        user_agent=click.user_agent,
        prefetch=click.prefetch,
        signals=tuple(click.signals.split()),
        client=known.client,
        device=known.device,
        network=known.network,
        network_certain=enricher.is_scanner_network(known.network, click.ip),
        user_agent_class=enricher.user_agent_class(click.user_agent),
        internal=click.internal,
    )


def message_key(*parts: str) -> int:
    """What stands for a message: 63 bits of a hash, so that a million differ (chance of a clash below 10^-6)."""
    return _hash_text("\0".join(parts))


def _hash_text(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1


def parse_time(value: Any, field: str) -> int:
    """Microseconds since 1970, from such a number or from RFC 3339. Raises InvalidClick."""
    if isinstance(value, str):
        return parse_rfc3339(value, field)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidClick(f"{field}: {value} has no time zone")
        value = from_datetime(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidClick(f"{field}: {_show(value)} is not a time; write RFC 3339 or whole microseconds since 1970")
    if not MIN_TIME_US <= value <= MAX_TIME_US:
        raise InvalidClick(
            f"{field}: {_show(value)} is not a time in microseconds since 1970, which has 15 digits or more"
        )
    return value


def parse_rfc3339(text: str, field: str) -> int:
    """Microseconds since 1970; a leap second counts as the second before. Raises InvalidClick."""
    if not _RFC3339.fullmatch(text):
        raise InvalidClick(f"{field}: {_show(text)} is no RFC 3339 time like 2026-01-31T10:00:00Z")
    if text[17:19] == "60":
        text = text[:17] + "59" + text[19:]
    try:
        microseconds = from_datetime(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        raise InvalidClick(f"{field}: {_show(text)} is not a date of the calendar") from None
    if not MIN_TIME_US <= microseconds <= MAX_TIME_US:
        raise InvalidClick(f"{field}: {_show(text)} is before 1973, when no mail had links")
    return microseconds


def parse_seconds(value: Any, field: str) -> int:
    """Microseconds since 1970 of a number of seconds, whole or with a fraction. Raises InvalidClick."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 10**8 <= value <= MAX_TIME_US / 10**6:
        raise InvalidClick(f"{field}: {_show(value)} is not a time in seconds since 1970")
    return value * 1_000_000 if isinstance(value, int) else round(value * 1_000_000)


def parse_ip(value: Any) -> str | None:
    """An IP address in its short form, without a zone; None for nothing. Raises InvalidClick."""
    if value is None or value == "":
        return None
    try:
        address = ip_address(value.partition("%")[0])
    except (ValueError, AttributeError):
        raise InvalidClick(f"ip: {_show(value)} is not an IP address") from None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return str(mapped or address)


def clean_user_agent(user_agent: str | None) -> str | None:
    """As much of it as is looked at, without what UTF-8 cannot hold; None for an empty one."""
    return user_agent[:MAX_USER_AGENT_CHARS].encode("utf-8", "replace").decode() if user_agent else None


def parse_url_link(value: Any) -> tuple[int, bool]:
    """A link that is named by its URL: its hash. Raises InvalidClick."""
    if not isinstance(value, str) or not value:
        raise InvalidClick(f"link: {_show(value)} is no URL")
    return _hash_text(value), True


def _parse_link(value: Any) -> tuple[int, bool]:
    if value is None:
        raise InvalidClick("link: missing; give the link's position from 0, or its URL")
    if isinstance(value, str):
        return (int(value), False) if re.fullmatch(r"\d{1,6}", value, re.ASCII) else parse_url_link(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_POSITION:
        raise InvalidClick(f"link: {_show(value)} is neither a position from 0 nor a URL")
    return value, False


def _parse_message(value: Any) -> str:
    if value is None or value == "":
        raise InvalidClick("message: missing; give what all clicks of one mail to one recipient have in common")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidClick(f"message: {_show(value)} is not text")
    return str(value)


def _parse_text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidClick(f"{name}: {_show(value)} is not text")
    return value


def _parse_choice(fields: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    value = fields.get(name)
    if value is not None and value not in allowed:
        raise InvalidClick(f"{name}: {_show(value)} is none of {', '.join(allowed)}")
    return value


def _parse_method(value: Any) -> str:
    if value is None:
        return "GET"
    if not isinstance(value, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}", value):
        raise InvalidClick(f"method: {_show(value)} is no method of HTTP")
    return value.upper()


def _parse_link_count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return len(value) or None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_POSITION:
        raise InvalidClick(f"links: {_show(value)} is no number of links")
    return value


def _parse_secure(fields: Mapping[str, Any]) -> bool:
    value = fields.get("secure", True)
    if not isinstance(value, bool):
        raise InvalidClick(f"secure: {_show(value)} is neither true nor false")
    return value


def _parse_http_version(value: Any) -> str:
    if value is None:
        return ""
    match = re.fullmatch(r"(?:HTTP/)?([0-9](?:\.[0-9])?)", str(value), re.IGNORECASE)
    if isinstance(value, bool) or not match:
        raise InvalidClick(f"http: {_show(value)} is no version like 1.1 or HTTP/2")
    return match[1]


def _parse_headers(value: Any) -> dict[bytes, bytes] | None:
    if value is None:
        return None
    if isinstance(value, list):  # Arrow's maps arrive as pairs
        try:
            value = dict(value)
        except (TypeError, ValueError):
            raise InvalidClick(f"headers: {_show(value)} is no object of names and values") from None
    if not isinstance(value, Mapping):
        raise InvalidClick(f"headers: {_show(value)} is no object of names and values")
    return {str(name).lower().encode("utf-8", "replace"): _parse_header(name, text) for name, text in value.items()}


def _parse_header(name: Any, value: Any) -> bytes:
    text = ", ".join(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else value
    if text is None:
        return b""
    if not isinstance(text, str):
        raise InvalidClick(f"headers: the value of {_show(name)} is not text")
    return text[:MAX_TEXT_CHARS].encode("utf-8", "replace")


def detect_browser_signals(user_agent: str | None, at: int) -> tuple[str, ...]:
    """What a user agent shows where no headers are known; None: not known either."""
    if not user_agent:
        return () if user_agent is None else (header_signals.NO_USER_AGENT,)
    profile = browser_profile.parse_browser(user_agent[:MAX_USER_AGENT_CHARS])
    return header_signals.detect_age(profile, at) if profile else ()


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"

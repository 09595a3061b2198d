"""Base URLs of tracking links in normalized form."""

from __future__ import annotations

import functools
import re

from linkweir.errors import BadSwitch

# Only what needs no escaping in an attribute of either quote style; no query, fragment or user.
_BASE_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?P<path>(?:/[a-z0-9._~!$()*+,;=:%-]+)*/?)",
    re.ASCII | re.IGNORECASE,
)
PIXEL_INDEX = (1 << 32) - 1  # the link index of the open pixel; no document has so many links
HONEYPOT_INDEX = PIXEL_INDEX - 1  # the link index of the hidden link for scanners
MAX_CHARACTERS = 200  # characters: a link must fit into a line of a mail


def normalize_base_url(base_url: str) -> str:
    """Return the base URL with scheme and host in lower case and one `/` at the end. Raises BadSwitch."""
    match = _BASE_URL.fullmatch(base_url) if len(base_url) <= MAX_CHARACTERS else None
    if match is None:
        raise BadSwitch(
            f"the base URL {base_url[:MAX_CHARACTERS]!r} must be http:// or https:// with a host and at most "
            f"a plain path, in ASCII, of at most {MAX_CHARACTERS} characters"
        )
    path = match["path"].rstrip("/")
    return f"{match['scheme'].lower()}://{match['host'].lower()}{path}/"


@functools.lru_cache(maxsize=64)
def split_base_urls(base_urls: tuple[str, ...]) -> tuple[tuple[bytes, bytes], ...]:
    """Split each of these: a ring's hosts are the same for many messages."""
    return tuple(map(split_base_url, dict.fromkeys(base_urls)))


def split_base_url(base_url: str) -> tuple[bytes, bytes]:
    """Split a normalized base URL into host with port and path, from `/` to `/`."""
    host, slash, path = base_url.partition("://")[2].partition("/")
    return host.encode("ascii"), (slash + path).encode("ascii")

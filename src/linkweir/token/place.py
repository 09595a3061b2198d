"""Where tracking links live: a base URL in its one normal spelling."""

from __future__ import annotations

import re

# Only what needs no escaping in an attribute of either quote style; no query, fragment or user.
_BASE = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?P<path>(?:/[a-z0-9._~!$()*+,;=:%-]+)*/?)",
    re.ASCII | re.IGNORECASE,
)
PIXEL_INDEX = (1 << 32) - 1  # the open pixel's place among a message's links: no document has so many
TRAP_INDEX = PIXEL_INDEX - 1  # a hidden link that no person can follow
LIMIT = 200  # characters: a link has to stay a line of a mail


def normal(base_url: str) -> str:
    """The base URL with scheme and host in lower case and one `/` at its end; else ValueError."""
    found = _BASE.fullmatch(base_url) if len(base_url) <= LIMIT else None
    if found is None:
        raise ValueError(
            f"the base URL {base_url[:LIMIT]!r} must be http:// or https:// with a host and at most "
            f"a plain path, in ASCII, of at most {LIMIT} characters"
        )
    path = found["path"].rstrip("/")
    return f"{found['scheme'].lower()}://{found['host'].lower()}{path}/"


def host_and_path(base_url: str) -> tuple[bytes, bytes]:
    """Host with port, and path from `/` to `/`, of a normal base URL."""
    host, slash, path = base_url.partition("://")[2].partition("/")
    return host.encode("ascii"), (slash + path).encode("ascii")

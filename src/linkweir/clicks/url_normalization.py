"""Addresses in their one spelling, in which two that browsers take for the same are equal."""

import re
from urllib.parse import unquote

from linkweir.clicks.location_header import ascii_host, to_location

URL_PARTS = re.compile(r"(https?)://(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)(?::([0-9]*))?([^#]*)", re.IGNORECASE | re.DOTALL)
DEFAULT_PORTS = {"http": "80", "https": "443"}


def url_host(location: str) -> str | None:
    """The host that a browser would go to, in its one spelling; None for what is no http(s) address."""
    match = URL_PARTS.match(location)
    return _normalize_host(match[2]) if match else None


def normalize_url(destination: str) -> str | None:
    """A destination in its one spelling: scheme and host in lower case, no default port, user or fragment."""
    location = to_location(destination)
    match = URL_PARTS.match(location) if location else None
    if match is None or not match[2]:
        return None
    scheme, _, port, rest = match[1].lower(), match[2], match[3], match[4]
    port = f":{port}" if port and port != DEFAULT_PORTS[scheme] else ""
    return f"{scheme}://{_normalize_host(match[2])}{port}{rest or '/'}"


def _normalize_host(text: str) -> str:
    return ascii_host(unquote(text)).lower().rstrip(".")  # browsers decode %65 in a host

"""The client's IP address: the peer's address, or the one that a configured proxy forwards."""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache

from starlette.types import Scope

from linkweir.settings import Network, ProxyHeader

__all__ = ["ProxyHeader", "client_ip"]
FORWARDED_FOR = re.compile(
    r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s"]*))\s*(?=;|$)', re.IGNORECASE
)  # RFC 7239 section 4


def client_ip(scope: Scope, proxies: tuple[Network, ...], header: ProxyHeader = "x-forwarded-for") -> str | None:
    """The client's address; None when it is not known (a Unix socket).

    The header is read from its right end and only as long as the hop that wrote an entry is a configured proxy:
    everything further left was written by whoever wanted to. Only the one header that the proxies write is read, for
    they hand the other on as it came.
    """
    peer = scope.get("client")
    current = _normalize_ip(peer[0]) if peer else None
    if not proxies or not _is_trusted(current, proxies):
        return current
    name, read = header.encode(), HEADER_PARSERS[header]
    hops = [hop for key, value in scope["headers"] if key == name for hop in value.decode("latin-1").split(",")]
    while hops and _is_trusted(current, proxies):
        named = read(hops.pop())
        if named is None:
            break
        current = named
    return current


@lru_cache(4096)
def _normalize_ip(text: str) -> str | None:
    try:
        parsed = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def _parse_forwarded(hop: str) -> str | None:
    """Return the address of one element of `Forwarded`; it may have a port, or be a name that says nothing."""
    match = FORWARDED_FOR.search(hop)
    if match is None:
        return None
    node = match[1] or match[2]
    if node.startswith("["):
        return _normalize_ip(node.partition("]")[0])
    return _normalize_ip(node.partition(":")[0] if node.count(":") == 1 else node)


HEADER_PARSERS: dict[ProxyHeader, Callable[[str], str | None]] = {
    "x-forwarded-for": _normalize_ip,
    "forwarded": _parse_forwarded,
}


@lru_cache(4096)
def _is_trusted(text: str | None, proxies: tuple[Network, ...]) -> bool:
    if text is None:
        return False
    parsed = ipaddress.ip_address(text)
    return any(parsed.version == network.version and parsed in network for network in proxies)

"""Who is at the other end of a request: the peer's address, or what a configured proxy says it is."""

import ipaddress

from starlette.requests import Request

from linkweir.settings import Network


def address(request: Request, proxies: tuple[Network, ...]) -> str | None:
    """The client's address; None when it is not known (a Unix socket).

    `X-Forwarded-For` is read from its right end and only as long as the hop that wrote an entry is a
    configured proxy: everything further left was written by whoever wanted to.
    """
    peer = request.client.host if request.client else None
    if not proxies:
        return _plain(peer)
    hops = [hop.strip() for line in request.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    current = _plain(peer)
    while hops and _trusted(current, proxies):
        named = _plain(hops.pop())
        if named is None:
            break
        current = named
    return current


def _plain(text: str | None) -> str | None:
    try:
        parsed = ipaddress.ip_address(text.strip("[]").partition("%")[0]) if text else None
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(parsed) if parsed else None


def _trusted(text: str | None, proxies: tuple[Network, ...]) -> bool:
    if text is None:
        return False
    parsed = ipaddress.ip_address(text)
    return any(parsed.version == network.version and parsed in network for network in proxies)

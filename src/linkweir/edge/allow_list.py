"""The networks that an API key opens from (`ip_allow_list`); an empty list is no restriction."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from linkweir.errors import BadInput
from linkweir.settings import Network

MOST = 100
LENGTH = 64  # characters of an entry; the longest IPv6 network has fewer
MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # IPv4 addresses as IPv6 sockets show them (RFC 4291)


def check(entries: Sequence[str], field: str = "ip_allow_list") -> list[str]:
    """The networks in their one spelling, each once. Raises BadInput naming an entry that is none."""
    found = list(dict.fromkeys(_checked(entry, f"{field}[{place}]") for place, entry in enumerate(entries)))
    if len(found) > MOST:
        raise BadInput(field, f"has more than {MOST} entries")
    return found


def _checked(entry: str, field: str) -> str:
    try:
        network = ipaddress.ip_network(entry[:LENGTH], strict=False)
    except ValueError:
        raise BadInput(field, "must be an address or a network like 203.0.113.0/24 or 2001:db8::/32") from None
    if network.version == 6:
        if network.network_address.scope_id:
            raise BadInput(field, "must not name a zone")
        if network.subnet_of(MAPPED):
            address = network.network_address.ipv4_mapped
            network = ipaddress.IPv4Network((int(address or 0), network.prefixlen - MAPPED.prefixlen))
    if network.prefixlen == 0 or (network.version == 6 and MAPPED.subnet_of(network)):
        raise BadInput(field, "is every address: leave the list empty for that")
    return str(network)


def allows(entries: Sequence[str], address: str | None) -> bool:
    """May a request come from there? `address` as `client.address` gives it; None: it is not known."""
    if not entries:
        return True
    if address is None:
        return False
    parsed = ipaddress.ip_address(address)
    return any(parsed.version == network.version and parsed in network for network in _parsed(tuple(entries)))


def covers(held: Sequence[str], wanted: Sequence[str]) -> bool:
    """Does whoever holds one list give nothing away that they have not, by handing on the other?"""
    if not held:
        return True
    mine = _parsed(tuple(held))
    return bool(wanted) and all(any(_within(one, two) for two in mine) for one in _parsed(tuple(wanted)))


@lru_cache(1024)
def _parsed(entries: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, entries))


def _within(one: Network, two: Network) -> bool:
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(two, ipaddress.IPv4Network) and one.subnet_of(two)
    return isinstance(two, ipaddress.IPv6Network) and one.subnet_of(two)

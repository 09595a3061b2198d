"""Networks that customers name: those that an API key opens from (`ip_allow_list`), and an account's internal ones.

An empty list is no restriction of a key, and no internal network.
"""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from linkweir.errors import ValidationError
from linkweir.settings import Network
from linkweir.translation import gettext

MAX_ENTRIES = 100
MAX_ENTRY_LENGTH = 64  # characters of an entry; the longest IPv6 network has fewer
MIN_INTERNAL_PREFIX_BITS = {4: 8, 6: 16}  # no organisation was allocated more, so a wider network is a mistake
IPV4_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # IPv4 addresses as IPv6 sockets show them (RFC 4291)
# IPv6 networks whose addresses hold an IPv4 address right behind the prefix, so that the rule of IPv4 holds there
IPV4_EMBEDDING = (
    IPV4_MAPPED,
    ipaddress.IPv6Network("::/96"),  # IPv4-compatible (RFC 4291)
    ipaddress.IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
    ipaddress.IPv6Network("2001::/32"),  # Teredo (RFC 4380): the server's
    ipaddress.IPv6Network("2002::/16"),  # 6to4 (RFC 3056)
)


def parse_entries(entries: Sequence[str], field: str = "ip_allow_list") -> list[str]:
    """The networks in their one spelling, each once. Raises ValidationError naming an entry that is none."""
    networks = [_parse_network(entry, f"{field}[{index}]") for index, entry in enumerate(entries)]
    for index, network in enumerate(networks):
        if network.prefixlen == 0 or (network.version == 6 and IPV4_MAPPED.subnet_of(network)):
            raise ValidationError(f"{field}[{index}]", gettext("is every address: leave the list empty for that"))
    return _format_networks(networks, field)


def parse_internal_networks(entries: Sequence[str], field: str = "internal_networks") -> list[str]:
    """The networks of an account's own people, each once; none may be wider than an organisation's.

    Raises ValidationError naming an entry that cannot be used.
    """
    networks = [_parse_network(entry.strip(), f"{field}[{index}]") for index, entry in enumerate(entries)]
    for index, network in enumerate(networks):
        least = MIN_INTERNAL_PREFIX_BITS[network.version]
        if network.prefixlen < least:
            raise _make_size_error(f"{field}[{index}]", least, f"IPv{network.version}")
        if isinstance(network, ipaddress.IPv6Network):
            _check_embedded_ipv4(network, f"{field}[{index}]")
    return _format_networks(networks, field)


def _check_embedded_ipv4(network: ipaddress.IPv6Network, field: str) -> None:
    """Raises ValidationError for a network that holds more IPv4 addresses than an IPv4 network may."""
    least = MIN_INTERNAL_PREFIX_BITS[4]
    for embedding in IPV4_EMBEDDING:
        if network.overlaps(embedding) and network.prefixlen < embedding.prefixlen + least:
            raise _make_size_error(field, embedding.prefixlen + least, str(embedding))


def _make_size_error(field: str, least: int, network: str) -> ValidationError:
    text = gettext(
        "is too large: /%(least)s is the largest network of %(network)s allowed here", least=least, network=network
    )
    return ValidationError(field, text)


def _format_networks(networks: Sequence[Network], field: str) -> list[str]:
    """The networks as texts, each once. Raises ValidationError when there are too many."""
    texts = list(dict.fromkeys(map(str, networks)))
    if len(texts) > MAX_ENTRIES:
        raise ValidationError(field, gettext("has more than %(most)s entries", most=MAX_ENTRIES))
    return texts


def _parse_network(entry: str, field: str) -> Network:
    try:
        network = ipaddress.ip_network(entry[:MAX_ENTRY_LENGTH], strict=False)
    except ValueError:
        raise ValidationError(
            field, gettext("must be an address or a network like 203.0.113.0/24 or 2001:db8::/32")
        ) from None
    if network.version == 6:
        if network.network_address.scope_id:
            raise ValidationError(field, gettext("must not contain a zone id"))
        if network.subnet_of(IPV4_MAPPED):
            address = network.network_address.ipv4_mapped
            network = ipaddress.IPv4Network((int(address or 0), network.prefixlen - IPV4_MAPPED.prefixlen))
    return network


def allows(entries: Sequence[str], address: str | None) -> bool:
    """May a request come from there? `address` as `client.address` gives it; None: it is not known."""
    if not entries:
        return True
    if address is None:
        return False
    parsed = ipaddress.ip_address(address)
    return any(parsed.version == network.version and parsed in network for network in _parse_networks(tuple(entries)))


def covers(held: Sequence[str], requested: Sequence[str]) -> bool:
    """Whether the requested list allows no more addresses than the holder's own."""
    if not held:
        return True
    mine = _parse_networks(tuple(held))
    return bool(requested) and all(
        any(_is_within(network, own) for own in mine) for network in _parse_networks(tuple(requested))
    )


@lru_cache(1024)
def _parse_networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, entries))


def _is_within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network):
        return isinstance(outer, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)

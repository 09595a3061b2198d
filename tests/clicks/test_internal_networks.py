"""Tests of the internal networks of all accounts, against looking through every network of every account."""

import ipaddress
import uuid

from hypothesis import given
from hypothesis import strategies as st

from linkweir.clicks.internal_networks import MAX_ACCOUNTS, InternalNetworks

ACCOUNTS = [uuid.UUID(int=number) for number in range(3)]
ADDRESSES = st.one_of(
    st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address),
    st.integers(0, 2**16).map(lambda number: ipaddress.IPv4Address(0xCB007100 + number)),
    st.integers(0, 2**20).map(lambda number: ipaddress.IPv6Address((0x20010DB8 << 96) + number)),
)


@st.composite
def generate_network(draw: st.DrawFn) -> str:
    """A network of any length around an address that others are near to."""
    address = draw(ADDRESSES)
    return str(ipaddress.ip_network((address, draw(st.integers(0, address.max_prefixlen))), strict=False))


@given(st.dictionaries(st.sampled_from(ACCOUNTS), st.lists(generate_network(), max_size=5)), ADDRESSES)
def test_an_address_belongs_to_every_account_that_names_it(
    networks: dict[uuid.UUID, list[str]], address: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    """The accounts found are those with some network around the address, however these overlap."""
    expected = {
        account
        for account, texts in networks.items()
        if any(address in network for network in map(ipaddress.ip_network, texts))
    }
    assert InternalNetworks(networks).find_accounts(str(address)) == expected


def test_what_is_no_address_belongs_to_nobody() -> None:
    """A request whose address is unknown or no address at all is nobody's own."""
    networks = InternalNetworks({ACCOUNTS[0]: ["0.0.0.0/1", "128.0.0.0/1"]})
    assert [networks.find_accounts(text) for text in (None, "", "unknown", "::1")] == [frozenset()] * 4


def test_an_address_that_everybody_names() -> None:
    """However many accounts name an address, so many are found as an event has room for: those that name it most
    closely, and those with the lowest ids.
    """
    everybody = [uuid.UUID(int=number) for number in range(3000)]
    networks = {account: ["203.0.113.0/24"] for account in reversed(everybody)}
    networks |= {account: ["203.0.113.7/32", "203.0.113.0/24"] for account in everybody[-100:]}
    found = InternalNetworks(networks).find_accounts("203.0.113.7")
    assert found == {*everybody[-100:], *everybody[: MAX_ACCOUNTS - 100]}
    assert InternalNetworks(networks).find_accounts("203.0.113.8") == {*everybody[:MAX_ACCOUNTS]}


def test_networks_of_the_same_accounts_count_once() -> None:
    """Accounts that name an address by several networks leave room for others."""
    several = [uuid.UUID(int=number) for number in range(1, 201)]
    networks = {account: ["203.0.113.7/32", "203.0.113.0/24"] for account in several}
    networks[uuid.UUID(int=0)] = ["203.0.0.0/16"]
    assert InternalNetworks(networks).find_accounts("203.0.113.7") == networks.keys()

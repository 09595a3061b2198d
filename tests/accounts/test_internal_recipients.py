"""Tests of the addresses and networks that an account calls its own."""

import pytest

from linkweir.accounts.internal_recipients import MAX_ENTRIES, make_internal_recipients, parse_addresses
from linkweir.accounts.ip_allow_list import parse_internal_networks
from linkweir.errors import ValidationError


def test_addresses_and_domains_have_one_spelling() -> None:
    """Letter case, repeats, white space and other scripts of a domain make no difference."""
    entries = ["Ada@Example.COM", " ada@example.com", "@Example.com", "@bücher.example"]
    assert parse_addresses(entries) == ["ada@example.com", "@example.com", "@xn--bcher-kva.example"]


@pytest.mark.parametrize("entry", ["ada", "@", "ada@", "a b@example.com", "a@b@example.com", "@exa mple.com", "@-.com"])
def test_what_is_no_address_is_refused(entry: str) -> None:
    """The error names the entry by its place."""
    with pytest.raises(ValidationError, match=r"^internal_addresses\[1\]: "):
        parse_addresses(["ada@example.com", entry])


def test_there_may_be_only_so_many_addresses() -> None:
    """One more than the limit is refused, which repeats do not count towards."""
    entries = [f"a{number}@example.com" for number in range(MAX_ENTRIES)]
    assert len(parse_addresses([*entries, *entries])) == MAX_ENTRIES
    with pytest.raises(ValidationError, match="has more than 500 entries"):
        parse_addresses([*entries, "one-more@example.com"])


@pytest.mark.parametrize(
    ("address", "internal"),
    [
        *[("ada@example.com", True), ("ADA@Example.com", True), ("ada+test-7@example.com", True)],
        *[("eve@example.com", False), ("ada@mail.example.com", False), ("ada@example.org", False)],
        *[("eve@own.example", True), ("eve@OWN.example", True), ("eve@sub.own.example", False), ("own.example", False)],
        *[("eve@house.example", True), ("+ada@example.com", False)],
    ],
)
def test_recipients_are_found_by_address_and_domain(address: str, internal: bool) -> None:
    """Exactly the addresses named, with any detail after a plus, and every address of the domains named."""
    recipients = make_internal_recipients(["ada@example.com", "@own.example"], ["house.example"])
    assert recipients.includes(address) is internal


def test_networks_have_one_spelling() -> None:
    """Host bits, repeats and IPv4 in IPv6 make no difference."""
    entries = ["203.0.113.7/24", " 203.0.113.0/24 ", "::ffff:203.0.113.0/120", "2001:DB8::/48", "192.0.2.1"]
    assert parse_internal_networks(entries) == ["203.0.113.0/24", "2001:db8::/48", "192.0.2.1/32"]


def test_the_largest_networks_are_accepted() -> None:
    """A /8 of IPv4 in each way of writing it, a /16 of IPv6, and single addresses anywhere."""
    entries = ["10.0.0.0/8", "64:ff9b::a00:0/104", "2002:a00::/24", "2001:db8::/32", "2a00::/16", "::1", "2001::1"]
    assert parse_internal_networks(["::ffff:11.0.0.0/104"]) == ["11.0.0.0/8"]
    assert parse_internal_networks(entries) == [*entries[:5], "::1/128", "2001::1/128"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("203.0.113", "must be an address or a network like 203.0.113.0/24 or 2001:db8::/32"),
        ("0.0.0.0/0", "is too large: /8 is the largest network of IPv4 allowed here"),
        ("10.0.0.0/7", "is too large: /8 is the largest network of IPv4 allowed here"),
        ("::/0", "is too large: /16 is the largest network of IPv6 allowed here"),
        ("fe80::%eth0", "must not contain a zone id"),
        ("::ffff:0:0/95", "is too large: /104 is the largest network of ::ffff:0:0/96 allowed here"),
        ("::ffff:0:0/80", "is too large: /104 is the largest network of ::ffff:0:0/96 allowed here"),
        ("::/16", "is too large: /104 is the largest network of ::ffff:0:0/96 allowed here"),
        ("::ffff:0:0/96", "is too large: /8 is the largest network of IPv4 allowed here"),
        ("::ffff:10.0.0.0/103", "is too large: /8 is the largest network of IPv4 allowed here"),
        ("::/96", "is too large: /104 is the largest network of ::/96 allowed here"),
        ("64:ff9b::/96", "is too large: /104 is the largest network of 64:ff9b::/96 allowed here"),
        ("64:ff9b::/32", "is too large: /104 is the largest network of 64:ff9b::/96 allowed here"),
        ("2001::/32", "is too large: /40 is the largest network of 2001::/32 allowed here"),
        ("2002::/16", "is too large: /24 is the largest network of 2002::/16 allowed here"),
        ("2002:a00::/23", "is too large: /24 is the largest network of 2002::/16 allowed here"),
    ],
)
def test_networks_that_cannot_be_are_refused(entry: str, reason: str) -> None:
    """The error says which entry, what is wrong with it, and what is allowed."""
    with pytest.raises(ValidationError) as refused:
        parse_internal_networks(["192.0.2.1", entry])
    assert str(refused.value) == f"internal_networks[1]: {reason}"

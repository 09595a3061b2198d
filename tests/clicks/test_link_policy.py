"""Tests of linkweir.clicks.link_policy: what a blocked host or destination is, however it is spelt."""

import re
import uuid

import pytest

from linkweir.clicks.link_policy import LinkPolicy
from linkweir.clicks.location_header import to_location
from linkweir.clicks.url_normalization import normalize_url, url_host


@pytest.mark.parametrize(
    "destination",
    [
        "https://evil.example/",
        "http://evil.example",
        "https://EVIL.example/x?y#z",
        "https://evil.example./",
        "https://www.evil.example:8443/",
        "https://user:pw@evil.example/",
        "https://good.example@evil.example/",
        "https://evil.example\\@good.example/",
        "https://ev%69l.example/",
        "https://\uff45vil.example/",
        "https://%EF%BD%85vil.example/",
    ],
)
def test_no_spelling_gets_past_a_blocked_host(destination: str) -> None:
    """However a browser may be made to go to the host or one below it, that is seen."""
    location = to_location(destination)
    assert location is not None
    assert LinkPolicy(blocked_hosts=frozenset({"evil.example"})).is_blocked(location)


@pytest.mark.parametrize(
    "destination",
    [
        "https://example/",
        "https://notevil.example/",
        "https://evil.example.good.example/",
        "https://good.example/evil.example",
        "https://good.example/?u=https://evil.example/",
        "https://evil.example@good.example/",
        "https://[2001:db8::1]/",
    ],
)
def test_others_stay_open(destination: str) -> None:
    """Hosts that only look like it, or name it somewhere, are not blocked."""
    location = to_location(destination)
    assert location is not None
    assert not LinkPolicy(blocked_hosts=frozenset({"evil.example"})).is_blocked(location)


def test_addresses_can_be_blocked() -> None:
    """An IP address is a host too."""
    gate = LinkPolicy(blocked_hosts=frozenset({"192.0.2.1", "[2001:db8::1]"}))
    assert gate.is_blocked("http://192.0.2.1:81/x")
    assert gate.is_blocked("http://[2001:DB8::1]/")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x?y=1", "HTTPS://user@A.example:443/x?y=1#z", True),
        ("https://a.example", "https://a.example/", True),
        ("https://a.example/x", "https://a.example/X", False),
        ("https://a.example/x", "https://a.example/x?", False),
        ("https://a.example/x", "http://a.example/x", False),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC", True),
        ("https://a.example:81/", "https://a.example/", False),
        ("https://a.example?q", "https://a.example?r", False),
    ],
)
def test_a_destination_has_one_spelling(one: str, other: str, same: bool) -> None:
    """Two addresses that lead to the same page are the same, and no others."""
    assert (normalize_url(one) == normalize_url(other)) is same
    blocked = normalize_url(one)
    assert blocked is not None
    assert LinkPolicy(blocked_destinations=frozenset({blocked})).is_blocked(to_location(other) or "") is same


def test_what_is_no_address_is_no_destination() -> None:
    """Other schemes and nonsense have no spelling and no host."""
    for text in ("javascript:alert(1)", "https://", "/x", ""):
        assert normalize_url(text) is None
        assert url_host(text) is None or text == "https://"


def test_confirmation_is_required_by_account() -> None:
    """The accounts whose patterns are found in a destination would ask."""
    one, two = uuid.uuid4(), uuid.uuid4()
    gate = LinkPolicy(confirm={one: (re.compile("form"),), two: (re.compile("pay"), re.compile("form"))})
    assert gate.accounts_requiring_confirmation("https://x.example/form") == {one, two}
    assert gate.accounts_requiring_confirmation("https://x.example/pay") == {two}
    assert gate.accounts_requiring_confirmation("https://x.example/") == frozenset()

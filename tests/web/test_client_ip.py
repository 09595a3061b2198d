"""Tests of linkweir.web.client_ip."""

import pytest

from linkweir.settings import PARSERS
from linkweir.web import client_ip


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "expected"),
    [
        ("", "127.0.0.1", ["203.0.113.9"], "127.0.0.1"),
        ("10.0.0.0/8", "127.0.0.1", ["203.0.113.9"], "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1,203.0.113.0/24", "127.0.0.1", ["198.51.100.1, 203.0.113.9"], "198.51.100.1"),
        ("127.0.0.1,203.0.113.0/24", "127.0.0.1", ["198.51.100.1", "203.0.113.9"], "198.51.100.1"),
        ("127.0.0.1", "127.0.0.1", ["rubbish"], "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", ["203.0.113.9, "], "127.0.0.1"),
        ("127.0.0.1", "::ffff:127.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::1", "::1", ["[2001:db8::9]"], "2001:db8::9"),
        ("::1", "127.0.0.1", ["203.0.113.9"], "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", [], "127.0.0.1"),
        ("", None, ["203.0.113.9"], None),
        ("127.0.0.1", None, ["203.0.113.9"], None),
    ],
)
def test_forwarded_addresses_are_believed_from_configured_proxies_only(
    proxies: str, peer: str | None, forwarded: list[str], expected: str | None
) -> None:
    """`X-Forwarded-For` counts from its right end, only as far as the hops are configured proxies."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"type": "http", "client": (peer, 1) if peer else None, "headers": headers}
    assert client_ip.client_ip(scope, PARSERS["trusted_proxies"](proxies)) == expected


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (["for=203.0.113.9"], "203.0.113.9"),
        (["for=198.51.100.1, for=203.0.113.9;proto=https;by=127.0.0.1"], "203.0.113.9"),
        (['by=x; For="203.0.113.9:4711"'], "203.0.113.9"),
        (['for="[2001:db8::9]:4711"'], "2001:db8::9"),
        (["for=198.51.100.1", "for=127.0.0.1"], "198.51.100.1"),
        (["for=unknown"], "127.0.0.1"),
        (["for=_hidden"], "127.0.0.1"),
        (["proto=https"], "127.0.0.1"),
        (["rubbish, ;;=,"], "127.0.0.1"),
        (["xfor=203.0.113.9"], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
def test_forwarded_is_read_where_the_proxies_write_it(forwarded: list[str], expected: str) -> None:
    """`Forwarded` (RFC 7239) counts when it is the header that the proxies write, with the same caution."""
    headers = [(b"forwarded", value.encode()) for value in forwarded]
    scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": headers}
    assert client_ip.client_ip(scope, PARSERS["trusted_proxies"]("127.0.0.1"), "forwarded") == expected


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for"])
def test_the_other_header_is_never_believed(header: client_ip.ProxyHeader) -> None:
    """A proxy that writes one header hands the other on as a client wrote it: that one says nothing."""
    lies = {b"forwarded": b"for=203.0.113.9", b"x-forwarded-for": b"203.0.113.9"}
    headers = [(name, value) for name, value in lies.items() if name != header.encode()]
    scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": headers}
    assert client_ip.client_ip(scope, PARSERS["trusted_proxies"]("127.0.0.1"), header) == "127.0.0.1"

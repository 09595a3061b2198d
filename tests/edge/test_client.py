"""Tests of linkweir.edge.client."""

import pytest
from starlette.requests import Request

from linkweir.edge import client
from linkweir.settings import READERS


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
    request = Request({"type": "http", "client": (peer, 1) if peer else None, "headers": headers})
    assert client.address(request, READERS["trusted_proxies"](proxies)) == expected

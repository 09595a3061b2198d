"""Addresses of the dashboard that mails and start-up lines name."""

import pytest

from linkweir.mail.user_notices import dashboard_url, operator_url
from linkweir.settings import Settings


@pytest.mark.parametrize(
    ("hosts", "base_url", "expected"),
    [
        ((), "https://t.example.com:8443/c/", "https://t.example.com:8443/dashboard/"),
        (("t.example.com",), "https://t.example.com/c/", "https://t.example.com/dashboard/"),
        (("mail.example.com", "b.example"), "https://t.example.com/c/", "https://mail.example.com/dashboard/"),
        (("mail.example.com",), "http://t.example.com:8025/", "http://mail.example.com:8025/dashboard/"),
        (("::1",), "http://t.example.com:8025/", "http://[::1]:8025/dashboard/"),
        (("2001:db8::7",), "https://t.example.com/", "https://[2001:db8::7]/dashboard/"),
    ],
)
def test_the_dashboard_is_named_at_a_host_that_serves_it(hosts: tuple[str, ...], base_url: str, expected: str) -> None:
    """It is the base URL's host, or the first API host where that one only tracks; an IPv6 address has brackets."""
    settings = Settings(base_url=base_url, api_hosts=hosts)
    assert dashboard_url(settings, "/dashboard/") == expected
    if hosts and "t.example.com" not in hosts:
        assert operator_url(settings, "http://127.0.0.1:8025") + "/dashboard/" == expected

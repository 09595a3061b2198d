"""Recorded clicks: times, links, addresses, headers, and what is refused."""

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from linkweir.clicks.offline.recorded_click import InvalidClick, parse_click, parse_time

AT = 1_769_853_600_000_000  # 2026-01-31T10:00:00Z
CLICK: dict[str, Any] = {"at": AT, "message": "m1", "link": 0}
INVALID: dict[str, tuple[Any, ...]] = {
    "message": (None, "", 1.5, True, []),
    "link": (None, "", -1, 1.5, True, 10**9, []),
    "ip": ("x", "1.2.3", 7, []),
    "links": (0, -3, "5", 1.5, True),
    "method": ("", "GE T", 5, "G\n"),
    "http": ("x", True, "HTTP/", 1.25),
    "headers": ("x", 5, ["x"], {"accept": 5}),
    "user_agent": (5, []),
    "label": ("bot", 1),
    "kind": ("view", 1),
    "secure": ("no", 0),
    "delivered_at": ("yesterday",),
}


@pytest.mark.parametrize(
    "value",
    [
        AT,
        "2026-01-31T10:00:00Z",
        "2026-01-31t10:00:00z",
        "2026-01-31 11:00:00+01:00",
        "2026-01-31T05:00:00.000000-05:00",
        datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_every_form_of_a_time_is_the_same_moment(value: object) -> None:
    """Microseconds, RFC 3339 in any zone and datetimes with a zone name one moment alike."""
    assert parse_time(value, "at") == AT


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [("2026-01-31T10:00:00.5Z", 500_000), ("2026-01-31T10:00:00.1234567Z", 123_456), ("2026-01-31T09:59:60Z", -1e6)],
)
def test_fractions_and_leap_seconds(text: str, microseconds: float) -> None:
    """Fractions of any length are cut to microseconds, and a leap second counts as the one before."""
    assert parse_time(text, "at") - AT == microseconds


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, "", "now", "2026-01-31", "2026-01-31T10:00:00", "2026-02-30T10:00:00Z", "2026-01-31T25:00:00Z"),
        *(-1, 0, 1_769_853_600, 1_769_853_600_000, 10**18, 10**40, float(AT), math.nan, math.inf, [], {}),
        datetime(2026, 1, 31, 10),
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T23:59:59Z",
    ],
)
def test_what_is_no_time_is_refused(value: object) -> None:
    """Seconds, milliseconds, negative and endless numbers, times without a zone or off the calendar are refused."""
    with pytest.raises(InvalidClick, match=r"^at: "):
        parse_click({**CLICK, "at": value})


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in INVALID.items() for value in values])
def test_an_error_names_the_field(field: str, value: object) -> None:
    """Each field that cannot be used is named first in the error."""
    with pytest.raises(InvalidClick, match=f"^{field}: "):
        parse_click({**CLICK, field: value})


def test_without_headers_none_is_missing() -> None:
    """A record without headers shows no signal; one with headers shows which of them it lacks."""
    assert parse_click({**CLICK, "user_agent": "Mozilla/5.0"}).signals == ""
    assert parse_click(CLICK).signals == ""
    assert parse_click({**CLICK, "user_agent": ""}).signals == "no-user-agent"
    assert parse_click({**CLICK, "http": "1.0"}).signals == "old-http"
    found = parse_click({**CLICK, "headers": {"User-Agent": "Mozilla/5.0", "Accept": "*/*"}, "http": "HTTP/1.1"})
    assert found.signals.split() == ["no-accept-language", "no-accept-encoding", "no-sec-fetch"]
    assert found.user_agent == "Mozilla/5.0"


def test_sec_fetch_is_not_expected_over_http() -> None:
    """Browsers send Sec-Fetch over https only, so its absence shows nothing where the link was http."""
    assert "no-sec-fetch" not in parse_click({**CLICK, "headers": {"accept": "*/*"}, "secure": False}).signals


def test_a_prefetch_is_seen_in_the_headers() -> None:
    """A request whose headers say that it fetches ahead is one."""
    assert parse_click({**CLICK, "headers": {"Sec-Purpose": "prefetch"}}).prefetch


def test_addresses_have_one_form() -> None:
    """IPv4 in IPv6 is IPv4, zones are dropped, and IPv6 is written short."""
    found = [parse_click({**CLICK, "ip": ip}).ip for ip in ("::ffff:192.0.2.1", "fe80::1%eth0", "2001:DB8:0::1", "")]
    assert found == ["192.0.2.1", "fe80::1", "2001:db8::1", None]


def test_a_url_is_a_link_of_its_own() -> None:
    """Equal URLs are one link, others are others, and digits are a position."""
    one, same, other = (parse_click({**CLICK, "link": f"https://example.com/{path}"}).link for path in "aab")
    assert one == same != other
    assert (parse_click({**CLICK, "link": "3"}).link, parse_click({**CLICK, "link": "3"}).is_url) == (3, False)


def test_a_user_agent_may_hold_anything() -> None:
    """Half characters are replaced, NUL stays, and an endless user agent is cut."""
    assert parse_click({**CLICK, "user_agent": "a\0\ud800"}).user_agent == "a\0?"
    assert len(parse_click({**CLICK, "user_agent": "x" * 10**6}).user_agent or "") == 1024

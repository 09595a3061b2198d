"""Tests of linkweir.clicks.browser_profile."""

from datetime import UTC, datetime

import pytest

from linkweir.clicks.browser_profile import parse_browser, table_date
from linkweir.clock import DAY_US, SECOND_US

WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} "
    "Mobile/15E148 Safari/604.1"
)


def to_us(*day: int) -> int:
    """The beginning of this day in UTC."""
    return int(datetime(*day, tzinfo=UTC).timestamp()) * SECOND_US  # type: ignore[arg-type,misc]


def test_a_release_ages_from_the_day_its_successor_came() -> None:
    """Chrome 137 was superseded by 138 on 24 June 2025, and is new before that day."""
    browser = parse_browser(WINDOWS.format(137))
    assert browser is not None
    assert (browser.family, browser.major, browser.superseded_at) == ("chrome", 137, to_us(2025, 6, 24))
    assert browser.age_us(to_us(2025, 6, 20)) == 0
    assert browser.age_us(to_us(2025, 6, 25)) == DAY_US


@pytest.mark.parametrize(
    "user_agent",
    [
        WINDOWS.format(9999),  # newer than the table
        WINDOWS.format(109),  # the last one for Windows 7
        WINDOWS.format(116).replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"),
        WINDOWS.format(90).replace("Windows NT 10.0; Win64; x64", "Linux; Android 10; K"),
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0",  # extended support
        IPHONE.format("13_7", "13.1"),
    ],
)
def test_what_people_keep_for_long_has_no_age(user_agent: str) -> None:
    """Last releases for old systems, extended support, and what comes with a phone's system are never old."""
    browser = parse_browser(user_agent)
    assert browser is not None
    assert browser.age_us(to_us(2036, 1, 1)) == 0


@pytest.mark.parametrize(
    ("user_agent", "headers"),
    [
        (WINDOWS.format(137), {"upgrade", "sec-fetch", "client-hints", "brotli"}),
        (WINDOWS.format(75), {"upgrade", "brotli"}),
        (IPHONE.format("16_3", "16.3"), {"brotli"}),
        (IPHONE.format("16_4", "16.4"), {"brotli", "sec-fetch"}),
        ("Mozilla/5.0 (Windows NT 10.0; rv:139.0) Gecko/20100101 Firefox/139.0", {"upgrade", "sec-fetch", "brotli"}),
    ],
)
def test_each_release_sends_its_headers(user_agent: str, headers: set[str]) -> None:
    """Sec-Fetch comes with Chrome 76, Firefox 90 and Safari 16.4, client hints from Chromium alone."""
    browser = parse_browser(user_agent)
    assert browser is not None
    assert browser.headers == headers


@pytest.mark.parametrize(
    "user_agent",
    [
        "curl/8.9.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        WINDOWS.format(137).replace("Windows NT 10.0; Win64; x64", "Linux; Android 14; SM-S918B; wv"),
    ],
)
def test_pages_inside_apps_and_programs_have_no_profile(user_agent: str) -> None:
    """Web views send other headers than the browser that they are made of."""
    assert parse_browser(user_agent) is None


def test_the_table_says_its_day() -> None:
    """The day of the table is known, and all its releases came before."""
    assert table_date().year >= 2026

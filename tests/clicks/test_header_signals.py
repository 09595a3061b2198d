"""Tests of linkweir.clicks.header_signals."""

import pytest

from linkweir.clicks import header_signals
from linkweir.clock import DAY_US, SECOND_US

AT_US = 1_750_000_000 * SECOND_US  # June 2025, when Chrome 137 was new
CHROME = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36"
)
CHROME_HEADERS = {
    b"user-agent": b"Mozilla/5.0",
    b"accept": b"text/html",
    b"accept-language": b"en",
    b"accept-encoding": b"gzip",
    b"sec-fetch-mode": b"navigate",
}


def test_a_browser_shows_nothing() -> None:
    """A request with all that browsers send has no signal, over http and https."""
    assert (
        header_signals.detect_signals(CHROME_HEADERS, "1.1", secure=True, at=AT_US)
        == header_signals.detect_signals(CHROME_HEADERS, "1.1", secure=False, at=AT_US)
        == ()
    )


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        (b"user-agent", "no-user-agent"),
        (b"accept", "no-accept"),
        (b"accept-language", "no-accept-language"),
        (b"accept-encoding", "no-accept-encoding"),
        (b"sec-fetch-mode", "no-sec-fetch"),
    ],
)
def test_each_missing_header_has_its_code(missing: bytes, code: str) -> None:
    """What a browser would have sent and this request has not, or without a value, is named, once."""
    headers = {name: value for name, value in CHROME_HEADERS.items() if name != missing}
    assert header_signals.detect_signals(headers, "1.1", secure=True, at=AT_US) == (code,)
    assert header_signals.detect_signals({**headers, missing: b""}, "1.1", secure=True, at=AT_US) == (code,)


def test_sec_fetch_is_missed_on_https_only() -> None:
    """Browsers send Sec-Fetch to https alone, so that its absence says nothing elsewhere."""
    headers = {name: value for name, value in CHROME_HEADERS.items() if name != b"sec-fetch-mode"}
    assert header_signals.detect_signals(headers, "1.1", secure=False, at=AT_US) == ()


def test_the_rest() -> None:
    """A fetch that no page navigated to and HTTP/1.0 are named, and every code there is stands in SIGNALS."""
    strange = {**CHROME_HEADERS, b"sec-fetch-mode": b"no-cors"}
    result = header_signals.detect_signals(strange, "1.0", secure=True, at=AT_US)
    assert result == ("not-navigation", "old-http")
    everything = header_signals.detect_signals({}, "1.0", secure=True, at=AT_US)
    named = [
        header_signals.detect_signals({b"user-agent": agent, **more}, "1.1", secure=True, at=AT_US)
        for agent, more in ((CHROME % 128, {}), (CHROME % 120, {b"sec-ch-ua": b'"Chromium";v="99"'}))
    ]
    assert {*result, *everything, *named[0], *named[1]} == set(header_signals.SIGNALS)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (b"sec-purpose", b"prefetch;prerender", True),
        (b"purpose", b"Prefetch", True),
        (b"x-purpose", b"preview", True),
        (b"x-moz", b"prefetch", True),
        (b"sec-purpose", b"", False),
        (b"referer", b"prefetch", False),
    ],
)
def test_fetching_ahead(name: bytes, value: bytes, expected: bool) -> None:
    """Each header by which browsers say that they fetch ahead is understood, and no other."""
    assert header_signals.is_prefetch({name: value}) is expected


FULL_CHROME_HEADERS = {
    b"user-agent": CHROME % 137,
    b"accept": b"text/html,application/xhtml+xml",
    b"accept-language": b"en",
    b"accept-encoding": b"gzip, deflate, br, zstd",
    b"sec-fetch-mode": b"navigate",
    b"sec-ch-ua": b'"Google Chrome";v="137", "Chromium";v="137", "Not/A)Brand";v="24"',
    b"upgrade-insecure-requests": b"1",
}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        (b"accept", b"*/*", "lacks-html"),
        (b"accept-encoding", b"gzip", "lacks-brotli"),
        (b"sec-ch-ua", None, "lacks-client-hints"),
        (b"sec-ch-ua", b'"HeadlessChrome";v="120", "Chromium";v="120"', "false-client-hints"),
        (b"upgrade-insecure-requests", None, "lacks-upgrade"),
    ],
)
def test_what_the_named_browser_would_have_sent(name: bytes, value: bytes | None, code: str) -> None:
    """A Chrome with all its headers shows nothing, and each that is missing or another's is named."""
    assert header_signals.detect_signals(FULL_CHROME_HEADERS, "2", secure=True, at=AT_US) == ()
    headers = {key: text for key, text in FULL_CHROME_HEADERS.items() if key != name}
    if value is not None:
        headers[name] = value
    assert header_signals.detect_signals(headers, "2", secure=True, at=AT_US) == (code,)


@pytest.mark.parametrize(
    ("version", "days", "code"),
    [(137, 0, ()), (137, 400, ("old-browser",)), (128, 0, ("aged-browser",)), (109, 0, ()), (999, 400, ())],
)
def test_the_age_of_a_browser(version: int, days: int, code: tuple[str, ...]) -> None:
    """A release is old a year after its successor came; the last one for Windows 7, and newer ones than the table's,
    never are.
    """
    hints = b'"Chromium";v="%d"' % version
    headers = {**FULL_CHROME_HEADERS, b"user-agent": CHROME % version, b"sec-ch-ua": hints}
    assert header_signals.detect_signals(headers, "2", secure=True, at=AT_US + days * DAY_US) == code

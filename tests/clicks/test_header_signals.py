"""Tests of linkweir.clicks.header_signals."""

import pytest

from linkweir.clicks import header_signals

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
        header_signals.detect_signals(CHROME_HEADERS, "1.1", secure=True)
        == header_signals.detect_signals(CHROME_HEADERS, "1.1", secure=False)
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
    assert header_signals.detect_signals(headers, "1.1", secure=True) == (code,)
    assert header_signals.detect_signals({**headers, missing: b""}, "1.1", secure=True) == (code,)


def test_sec_fetch_is_missed_on_https_only() -> None:
    """Browsers send Sec-Fetch to https alone, so that its absence says nothing elsewhere."""
    headers = {name: value for name, value in CHROME_HEADERS.items() if name != b"sec-fetch-mode"}
    assert header_signals.detect_signals(headers, "1.1", secure=False) == ()


def test_the_rest() -> None:
    """A fetch that no page navigated to and HTTP/1.0 are named, and every code there is stands in SIGNALS."""
    found = header_signals.detect_signals({**CHROME_HEADERS, b"sec-fetch-mode": b"no-cors"}, "1.0", secure=True)
    assert found == ("not-navigation", "old-http")
    everything = header_signals.detect_signals({}, "1.0", secure=True)
    assert {*found, *everything} == set(header_signals.SIGNALS)


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

"""Signals in the headers of a request that tell people from machines, as codes; clicks.classify weighs them.

Each is weak alone: some real browsers and privacy tools leave headers out, and so do proxies on the way. The codes that
begin with `lacks-` compare a request with what the browser that it names really sends (`clicks.browser_profile`).
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from linkweir.clicks import browser_profile

NO_USER_AGENT = "no-user-agent"
NO_ACCEPT = "no-accept"
NO_ACCEPT_LANGUAGE = "no-accept-language"
NO_ACCEPT_ENCODING = "no-accept-encoding"
NO_SEC_FETCH = "no-sec-fetch"  # looked for on https only: browsers send it nowhere else
NOT_NAVIGATION = "not-navigation"  # the browser itself says that nobody opened this as a page
HTTP_1_0 = "old-http"  # HTTP/1.0: no browser of this century, but some proxies
LACKS_SEC_FETCH = "lacks-sec-fetch"
LACKS_CLIENT_HINTS = "lacks-client-hints"
LACKS_UPGRADE = "lacks-upgrade"
LACKS_HTML = "lacks-html"
LACKS_BROTLI = "lacks-brotli"
FALSE_CLIENT_HINTS = "false-client-hints"
AGED_BROWSER, OLD_BROWSER = "aged-browser", "old-browser"  # superseded for some months, for a year

LACKS = (LACKS_SEC_FETCH, LACKS_CLIENT_HINTS, LACKS_UPGRADE, LACKS_HTML, LACKS_BROTLI)
SIGNALS = (
    *(NO_USER_AGENT, NO_ACCEPT, NO_ACCEPT_LANGUAGE, NO_ACCEPT_ENCODING),
    *(NO_SEC_FETCH, NOT_NAVIGATION, HTTP_1_0),
    *LACKS,
    *(FALSE_CLIENT_HINTS, AGED_BROWSER, OLD_BROWSER),
)
_EXPECTED_HEADERS = (NO_USER_AGENT, NO_ACCEPT, NO_ACCEPT_LANGUAGE, NO_ACCEPT_ENCODING)
PURPOSE_HEADERS = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")  # what browsers say when nobody looks yet
CLASSIFIED_HEADERS = (  # all that signals are detected in, but for the user agent
    *(b"accept", b"accept-language", b"accept-encoding", b"sec-fetch-mode", b"sec-ch-ua", b"upgrade-insecure-requests"),
    *PURPOSE_HEADERS,
)
PREFETCH_PURPOSES = (b"prefetch", b"prerender", b"preview")
# Headers that proxies and tests often leave out: they say nothing until people are seen to send them here.
UNCONFIRMED = frozenset((LACKS_CLIENT_HINTS, LACKS_UPGRADE))
MAX_USER_AGENT_BYTES = MAX_HINT_BYTES = 1024
MAX_CACHED_HEADERS = 4096  # of different browsers: at most some 10 MB, where somebody makes them up
_CHROMIUM_HINT = re.compile(rb'"Chromium";v="(\d+)')


def detect_signals(headers: Mapping[bytes, bytes], http_version: str, *, secure: bool, at: int) -> tuple[str, ...]:
    """The codes for a request with these headers at this moment (microseconds since 1970); `secure`: whether the link
    begins with https.
    """
    get = headers.get
    accept, encoding, mode, hints = get(b"accept"), get(b"accept-encoding"), get(b"sec-fetch-mode"), get(b"sec-ch-ua")
    signals, profile = _detect_timeless(
        get(b"user-agent", b"")[:MAX_USER_AGENT_BYTES],
        b"text/html" in accept if accept else None,
        bool(get(b"accept-language")),
        b"br" in encoding if encoding else None,
        mode == b"navigate" if mode else None,
        hints and hints[:MAX_HINT_BYTES],
        b"upgrade-insecure-requests" in headers,
        http_version,
        secure,
    )
    return signals if profile is None else (*signals, *detect_age(profile, at))


def is_prefetch(headers: Mapping[bytes, bytes]) -> bool:
    """Does the browser say that it fetches ahead of its reader?"""
    for name in PURPOSE_HEADERS:
        if name in headers:
            purpose = headers[name].lower()
            if any(known in purpose for known in PREFETCH_PURPOSES):
                return True
    return False


def detect_age(profile: browser_profile.BrowserProfile, at: int) -> tuple[str, ...]:
    """The code for how old this browser was at this moment, if it was."""
    age = profile.age_us(at)
    if age < browser_profile.AGED_US:
        return ()
    return (OLD_BROWSER,) if age >= browser_profile.OLD_US else (AGED_BROWSER,)


@lru_cache(MAX_CACHED_HEADERS)
def _detect_timeless(  # noqa: PLR0917 - a cache knows them by their place
    user_agent: bytes,
    accepts_html: bool | None,  # None, of these three: no such header, or an empty one, which says as little
    has_language: bool,
    accepts_brotli: bool | None,
    navigates: bool | None,
    hints: bytes | None,
    has_upgrade: bool,
    http_version: str,
    secure: bool,
) -> tuple[tuple[str, ...], browser_profile.BrowserProfile | None]:
    """The codes but for the browser's age, and its profile: browsers send the same headers again and again."""
    present = (user_agent, accepts_html is not None, has_language, accepts_brotli is not None)
    signals = [code for code, is_present in zip(_EXPECTED_HEADERS, present, strict=True) if not is_present]
    if navigates is None:
        if secure:
            signals.append(NO_SEC_FETCH)
    elif not navigates:
        signals.append(NOT_NAVIGATION)
    if http_version == "1.0":
        signals.append(HTTP_1_0)
    profile = browser_profile.parse_browser(user_agent.decode("latin-1")) if user_agent else None
    if profile is None:
        return tuple(signals), None
    expected = profile.headers
    if browser_profile.UPGRADE in expected and not has_upgrade:
        signals.append(LACKS_UPGRADE)
    if not accepts_html:
        signals.append(LACKS_HTML)
    if secure:  # browsers send the rest nowhere else
        if browser_profile.SEC_FETCH in expected and navigates is None:
            signals.append(LACKS_SEC_FETCH)
        if browser_profile.BROTLI in expected and not accepts_brotli:
            signals.append(LACKS_BROTLI)
        if hints is None and browser_profile.CLIENT_HINTS in expected:
            signals.append(LACKS_CLIENT_HINTS)
        elif hints is not None and _is_false_hint(hints, profile):
            signals.append(FALSE_CLIENT_HINTS)
    return tuple(signals), profile


def _is_false_hint(hints: bytes, profile: browser_profile.BrowserProfile) -> bool:
    """Whether the client hints name another browser than the user agent does."""
    if profile.family == "samsung":
        return False  # it names both its own and Chromium's version
    version = _CHROMIUM_HINT.search(hints)
    if profile.family != "chrome":
        return version is not None
    return version is not None and int(version[1]) != profile.major

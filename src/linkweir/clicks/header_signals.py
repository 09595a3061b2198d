"""Signals in the headers of a request that tell people from machines, as codes; clicks.classify weighs them.

Each is weak alone: some real browsers and privacy tools leave headers out.
"""

from collections.abc import Mapping

NO_USER_AGENT = "no-user-agent"
NO_ACCEPT = "no-accept"
NO_ACCEPT_LANGUAGE = "no-accept-language"
NO_ACCEPT_ENCODING = "no-accept-encoding"
NO_SEC_FETCH = "no-sec-fetch"  # looked for on https only: browsers send it nowhere else
NOT_NAVIGATION = "not-navigation"  # the browser itself says that nobody opened this as a page
HTTP_1_0 = "old-http"  # HTTP/1.0: no browser of this century, but some proxies

SIGNALS = (
    *(NO_USER_AGENT, NO_ACCEPT, NO_ACCEPT_LANGUAGE, NO_ACCEPT_ENCODING),
    *(NO_SEC_FETCH, NOT_NAVIGATION, HTTP_1_0),
)
_EXPECTED_HEADERS = (
    (b"user-agent", NO_USER_AGENT),
    (b"accept", NO_ACCEPT),
    (b"accept-language", NO_ACCEPT_LANGUAGE),
    (b"accept-encoding", NO_ACCEPT_ENCODING),
)
PURPOSE_HEADERS = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")  # what browsers say when nobody looks yet
PREFETCH_PURPOSES = (b"prefetch", b"prerender", b"preview")


def detect_signals(headers: Mapping[bytes, bytes], http_version: str, *, secure: bool) -> tuple[str, ...]:
    """The codes for a request with these headers; `secure`: whether the link begins with https."""
    found = [code for name, code in _EXPECTED_HEADERS if not headers.get(name)]  # an empty one says as little
    mode = headers.get(b"sec-fetch-mode")
    if not mode:
        if secure:
            found.append(NO_SEC_FETCH)
    elif mode != b"navigate":
        found.append(NOT_NAVIGATION)
    if http_version == "1.0":
        found.append(HTTP_1_0)
    return tuple(found)


def is_prefetch(headers: Mapping[bytes, bytes]) -> bool:
    """Does the browser say that it fetches ahead of its reader?"""
    for name in PURPOSE_HEADERS:
        if name in headers:
            said = headers[name].lower()
            if any(word in said for word in PREFETCH_PURPOSES):
                return True
    return False

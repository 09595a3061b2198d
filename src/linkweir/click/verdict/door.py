"""What a request's headers show of whoever sent it, as codes that may be stored in every privacy mode.

Refuses to judge: each code is weak, and what it is worth stands in the rules.
"""

from collections.abc import Mapping

NO_AGENT = "no-user-agent"
NO_LANGUAGE = "no-accept-language"
NO_HTML = "no-html-accept"
NOT_NAVIGATING = "not-navigating"
NO_FETCH_METADATA = "no-fetch-metadata"
BY_HAND = "user-navigation"
# Every current browser sends Sec-Fetch-* to https (W3C Fetch Metadata); these names are those that claim to be one.
_FETCH_METADATA = ("chrome/", "firefox/")
PREFETCH = ("sec-purpose", "purpose", "x-purpose", "x-moz")  # what browsers say when nobody looks yet


def signals(headers: Mapping[str, str], *, secure: bool) -> tuple[str, ...]:
    """The codes for these headers (names in lower case). `secure`: the reader came by https, where browsers say more."""
    agent = headers.get("user-agent", "").strip()
    found = [
        (NO_AGENT, not agent),
        (NO_LANGUAGE, not headers.get("accept-language")),
        (NO_HTML, "text/html" not in headers.get("accept", "").lower()),
        (NOT_NAVIGATING, headers.get("sec-fetch-mode", "navigate") not in ("navigate", "nested-navigate")),
        (NO_FETCH_METADATA, secure and "sec-fetch-mode" not in headers and _is_current(agent)),
        (BY_HAND, headers.get("sec-fetch-user") == "?1"),
    ]
    return tuple(code for code, shows in found if shows)


def prefetches(headers: Mapping[str, str]) -> bool:
    """Whether the browser itself says that it fetches ahead."""
    said = " ".join(headers.get(name, "") for name in PREFETCH).lower()
    return any(word in said for word in ("prefetch", "prerender", "preview"))


def _is_current(agent: str) -> bool:
    """Chrome and Firefox from 100 on: two-digit versions are older than the headers, or nearly so."""
    lower = agent.lower()
    for name in _FETCH_METADATA:
        version = lower.partition(name)[2].partition(".")[0]
        if len(version) >= 3 and version.isdigit():
            return True
    return False

"""What a user agent's browser is: how long ago its release was superseded, and which headers it really sends.

From a table that is made of kept browser data (`browser_data.toml`, with its date). A browser that is newer than the
table is judged as new, so that an old table judges less, never more. Knows no request and weighs nothing.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib import resources
from typing import Any

from linkweir.clock import DAY_US, SECOND_US

BROWSER_DATA_FILE = "browser_data.toml"
MAX_CACHED_PROFILES = 8192
AGED_US, OLD_US = 240 * DAY_US, 370 * DAY_US  # since a release was superseded: eight months, and a year
# The last releases for systems that many people keep, and releases with long support: their age says nothing.
LAST_CHROME_ON_WINDOWS_7 = 109
LAST_CHROME_ON_OLD_MAC = frozenset((103, 116, 128, 138, 150))  # macOS 10.11, 10.13, 10.15, 11 and 12
FIREFOX_ESR = frozenset((78, 91, 102, 115, 128, 140, 153))

UPGRADE, SEC_FETCH, CLIENT_HINTS, BROTLI = "upgrade", "sec-fetch", "client-hints", "brotli"  # headers
_IN_APP = re.compile(
    r"; wv\)|Version/4\.0 Chrome/|FBA[NV]/|Instagram|LinkedInApp|GSA/|Line/|Electron/|Snapchat|Pinterest"
)
_CHROMIUM = re.compile(r"(?:Chrome|Chromium)/(\d{1,4})")
_FIREFOX = re.compile(r"Firefox/(\d{1,4})")
_SAMSUNG = re.compile(r"SamsungBrowser/(\d{1,3}(?:\.\d{1,2})?)")
_SAFARI = re.compile(r"Version/(\d{1,3}(?:\.\d{1,2})?)\S* (?:Mobile/\S+ )?Safari/")
_IOS = re.compile(r"\bOS (\d{1,3}(?:_\d{1,2})?)\S* like Mac OS X")
_Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BrowserProfile:
    """A browser as its user agent names it. `superseded_at`: when its successor came, in microseconds since 1970; None
    for the newest, and where its age says nothing. `headers`: what it sends whenever it opens a page over https.
    """

    family: str
    major: int
    superseded_at: int | None
    headers: frozenset[str]

    def age_us(self, at: int) -> int:
        """How long ago its successor had come at this moment."""
        return max(0, at - self.superseded_at) if self.superseded_at is not None else 0


@dataclass(frozen=True, slots=True)
class _Family:
    """Releases of one browser, oldest first, with their days, and the first release that sends a header."""

    versions: tuple[_Version, ...]
    released_at: tuple[int, ...]
    headers_since: Mapping[str, _Version]

    def superseded_at(self, version: _Version) -> int | None:
        """When the release after this one came; of a release older than the table, when the table's first one came."""
        following = bisect_right(self.versions, version)
        return self.released_at[following] if following < len(self.versions) else None


@lru_cache(MAX_CACHED_PROFILES)
def parse_browser(user_agent: str) -> BrowserProfile | None:
    """The profile of this user agent's browser; None for what the table does not know: programs, and pages inside apps,
    which are sent with other headers.
    """
    if _IN_APP.search(user_agent):
        return None
    for family, find in (("samsung", _SAMSUNG), ("firefox", _FIREFOX), ("chrome", _CHROMIUM), ("safari", _SAFARI)):
        if found := find.search(user_agent):
            return _make_profile(family, found[1], user_agent)
    return None


def table_date() -> date:
    """The day of the table."""
    return _browser_data()[0]


def _make_profile(family: str, version_text: str, user_agent: str) -> BrowserProfile:
    if family == "safari" and (system := _IOS.search(user_agent)):
        version_text = system[1].replace("_", ".")
    version = _parse_version(version_text)
    known = _browser_data()[1][family]
    headers = {name for name, since in known.headers_since.items() if version >= since}
    if family != "safari":  # which asks for it of http alone
        headers.add(UPGRADE)
    superseded_at = None if _is_age_spared(family, version[0], user_agent) else known.superseded_at(version)
    return BrowserProfile(family, version[0], superseded_at, frozenset(headers))


def _is_age_spared(family: str, major: int, user_agent: str) -> bool:
    """Whether people keep this release for long: phones and Safari get theirs with the system."""
    if family == "firefox":
        return major in FIREFOX_ESR or "Mobile" in user_agent
    if family != "chrome" or "Android" in user_agent or "CrOS" in user_agent:
        return True
    return major == LAST_CHROME_ON_WINDOWS_7 or ("Macintosh" in user_agent and major in LAST_CHROME_ON_OLD_MAC)


@lru_cache(1)
def _browser_data() -> tuple[date, Mapping[str, _Family]]:
    text = (resources.files("linkweir.clicks") / BROWSER_DATA_FILE).read_text("utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    made: date = data["made"]
    families = {name: _parse_family(table) for name, table in data.items() if isinstance(table, dict)}
    return made, families


def _parse_family(table: Mapping[str, Any]) -> _Family:
    releases = sorted((_parse_version(text), day) for text, day in table["releases"].items())
    return _Family(
        tuple(version for version, _ in releases),
        tuple(_to_microseconds(day) for _, day in releases),
        {name: _parse_version(text) for name, text in table["headers"].items()},
    )


def _parse_version(text: str) -> _Version:
    return tuple(int(part) for part in text.split("."))


def _to_microseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND_US

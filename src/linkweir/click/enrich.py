"""What an address and a user agent say: browser, system, device class, country, region, known network, honest bots.

From packages that others keep, and a database that the operator brings. Nothing is looked up over a network, and what
cannot be told is None.
"""

import re
import shutil
import tempfile
import time
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import crawleruseragents
import maxminddb
import ua_parser
from structlog.typing import FilteringBoundLogger

from linkweir.click.fact import TEXT_LIMIT, Described
from linkweir.click.followed import LOOK, Followed
from linkweir.click.networks import Known, Networks
from linkweir.errors import SettingsError

AGENTS, ADDRESSES = 8192, 32_768  # remembered: few user agents make up most clicks
JOINED = 50  # patterns in one expression
# What crawler-user-agents calls them, and the class that the rules know. Everything else there is a robot.
CLASSES = {"http-library": "library", "browser-automation": "automation", "social-preview": "preview"}
IMAGE_PROXIES = ("GoogleImageProxy", "YahooMailProxy")  # open pixels for people; they follow no links
PEOPLE = ("ms-office", "Microsoft Outlook", "Microsoft Office")  # Outlook really clicks with these
LIBRARIES = re.compile(  # that the package does not have
    r"^(java|dart|ruby|php|perl|pycurl|libcurl|postmanruntime|guzzlehttp|winhttp|urlgrabber|lwp|reqwest|undici)\b", re.I
)
DESKTOPS = {"Windows", "Mac OS X", "Linux", "Ubuntu", "Fedora", "Debian", "Chrome OS", "FreeBSD", "OpenBSD", "Solaris"}


class Enricher:
    """Describes clicks. Threads may share it; asking again for the same address or user agent costs a lookup.

    `mmdb`: a MaxMind DB with countries or cities, of any vendor; `listed`: the file that `networks` came from. Both are
    followed: another file in their place is taken up within seconds. Raises SettingsError when one cannot be read.
    """

    def __init__(
        self,
        mmdb: Path | None,
        networks: Networks,
        *,
        listed: Path | None = None,
        log: FilteringBoundLogger | None = None,
    ) -> None:
        self._networks = networks
        self._known = lru_cache(ADDRESSES)(self._look_up)
        changed = self._known.cache_clear  # or what is remembered would keep old files open
        self._listed = Followed(listed, Networks.load, log, changed) if listed else None
        self._places = Followed(mmdb, _opened, log, changed) if mmdb else None
        self._look_at = time.monotonic() + LOOK

    @property
    def networks(self) -> Networks:
        """The list as it is now."""
        return self._listed.value if self._listed else self._networks

    def describe(self, ip: str | None, user_agent: str | None) -> Described:
        """What this address and this user agent say."""
        client, system, device = _agent(user_agent[:TEXT_LIMIT]) if user_agent else (None, None, None)
        country, region, known = self._address(ip) if ip else (None, None, None)
        name = known.name if known else None
        return Described(client, system, device, country, region, name, self.signals(user_agent))

    def user_agent_class(self, user_agent: str | None) -> str | None:
        """`bot`, `library`, `automation`, `preview` or `image-proxy` for a program that says so, else None."""
        return _class(user_agent[:TEXT_LIMIT]) if user_agent else None

    def signals(self, user_agent: str | None) -> tuple[str, ...]:
        """The class as a signal, for clicks whose user agent may not be kept; the rules know these codes too."""
        found = self.user_agent_class(user_agent)
        return (f"agent-{found}",) if found else ()

    def is_certain(self, network: str | None, ip: str | None) -> bool:
        """Whether only machines come from this known network, by the name that `describe` gave it; an address that is
        still at hand is looked up again, since the list may have changed.
        """
        known = self._address(ip)[2] if ip else None
        return known.certain if known else self.networks.is_certain(network)

    def _address(self, ip: str) -> tuple[str | None, str | None, Known | None]:
        if (self._places or self._listed) and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK
            for followed in (self._places, self._listed):
                if followed is not None:
                    followed.look()
        return self._known(ip, self._places.value if self._places else None, self.networks)

    def _look_up(
        self, ip: str, places: maxminddb.Reader | None, networks: Networks
    ) -> tuple[str | None, str | None, Known | None]:
        """Remembered by the files' contents too: those that are there no more are asked no more."""
        country, region = _place_of(ip, places) if places is not None else (None, None)
        return country, region, networks.of(ip)


def _place_of(ip: str, places: maxminddb.Reader) -> tuple[str | None, str | None]:
    try:
        found = places.get(ip_address(ip))
    except (ValueError, maxminddb.InvalidDatabaseError):  # no address; an IPv6 one in an IPv4 file; a broken file
        return None, None
    return _place(found) if isinstance(found, dict) else (None, None)


def _opened(path: Path) -> maxminddb.Reader:
    """The database, as a copy of its own: who overwrites a file that is mapped into memory kills whoever reads it."""
    try:
        with tempfile.NamedTemporaryFile(prefix="linkweir-") as copy, path.open("rb") as file:
            shutil.copyfileobj(file, copy)
            copy.flush()
            return maxminddb.open_database(copy.name)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise SettingsError(f"LINKWEIR_MMDB: {path}: {error}") from None


def _place(found: dict[str, Any]) -> tuple[str | None, str | None]:
    """Country and region, as GeoIP2 nests them or as plainer databases write them."""
    country = found.get("country") or found.get("registered_country") or found.get("country_code")
    if isinstance(country, dict):
        country = country.get("iso_code")
    code = country.upper() if isinstance(country, str) and re.fullmatch("[A-Za-z]{2}", country) else None
    if code is None and isinstance(found.get("country_code"), str):
        code = found["country_code"].upper()[:2]
    divisions = found.get("subdivisions")
    region: Any = divisions[0] if isinstance(divisions, list) and divisions else found.get("region")
    if isinstance(region, dict):
        names = region.get("names")
        region = (names.get("en") if isinstance(names, dict) else None) or region.get("iso_code")
    return code, region if isinstance(region, str) and region else None


@lru_cache(AGENTS)
def _agent(user_agent: str) -> tuple[str | None, str | None, str | None]:
    found = ua_parser.parse(user_agent)
    client = found.user_agent.family if found.user_agent else None
    system = found.os.family if found.os else None
    return client, system, _device(user_agent, system, found.device.family if found.device else "")


def _device(user_agent: str, system: str | None, family: str) -> str:
    if _class(user_agent) in ("bot", "library", "automation", "preview") or "TV" in family or "TV" in user_agent:
        return "other"
    if system in DESKTOPS:
        return "desktop"
    if system == "iOS":
        return "tablet" if family.startswith("iPad") else "phone"
    if system == "Android":
        return "phone" if "Mobile" in user_agent else "tablet"
    return "phone" if system in ("Windows Phone", "KaiOS", "BlackBerry OS") else "other"


@lru_cache(AGENTS)
def _class(user_agent: str) -> str | None:
    if any(name in user_agent for name in PEOPLE):
        return None
    if any(name in user_agent for name in IMAGE_PROXIES):
        return "image-proxy"
    if LIBRARIES.search(user_agent):
        return "library"
    return next((name for name, patterns in _crawlers() if any(one.search(user_agent) for one in patterns)), None)


@lru_cache(1)
def _crawlers() -> list[tuple[str, list[re.Pattern[str]]]]:
    """The package's patterns by class, joined: its own lookup of a single crawler compiles each of them anew."""
    sorted_out: dict[str, list[str]] = {"library": [], "automation": [], "preview": [], "bot": []}
    for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        name = next((CLASSES[tag] for tag in entry.get("tags", ()) if tag in CLASSES), "bot")
        sorted_out[name].append(entry["pattern"])
    return [
        (name, [re.compile("|".join(patterns[start : start + JOINED])) for start in range(0, len(patterns), JOINED)])
        for name, patterns in sorted_out.items()
    ]

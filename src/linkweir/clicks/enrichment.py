"""What an address and a user agent say: browser, system, device class, country, region, known network, honest bots.

From packages that others keep, and a database that the operator brings. Nothing is looked up over a network, and what
cannot be told is None.
"""

import re
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import crawleruseragents
import maxminddb
import ua_parser
from structlog.typing import FilteringBoundLogger

from linkweir.background import ReloadingFile
from linkweir.clicks.known_networks import KnownNetwork, KnownNetworks
from linkweir.errors import SettingsError

MAX_USER_AGENT_CHARS = 1024  # real ones stay below 500, and no client may fill the journal with one
MAX_CACHED_USER_AGENTS, MAX_CACHED_IPS = 8192, 32_768  # remembered: few user agents make up most clicks
KNOWN_SCANNERS_FILE = "known_scanners.toml"
PATTERNS_PER_REGEX = 50  # patterns in one expression
# What crawler-user-agents calls them, and the class that the rules know. Everything else there is a robot.
CRAWLER_CLASSES = {"http-library": "library", "browser-automation": "automation", "social-preview": "preview"}
IMAGE_PROXIES = ("GoogleImageProxy", "YahooMailProxy")  # open pixels for people; they follow no links
HUMAN_USER_AGENTS = ("ms-office", "Microsoft Outlook", "Microsoft Office")  # Outlook really clicks with these
LIBRARY_USER_AGENTS = re.compile(  # that the package does not have
    r"^(java|dart|ruby|php|perl|pycurl|libcurl|postmanruntime|guzzlehttp|winhttp|urlgrabber|lwp|reqwest|undici)\b", re.I
)
DEVICE_CLASSES = ("desktop", "phone", "tablet", "other")
DESKTOP_SYSTEMS = {
    "Windows",
    "Mac OS X",
    "Linux",
    "Ubuntu",
    "Fedora",
    "Debian",
    "Chrome OS",
    "FreeBSD",
    "OpenBSD",
    "Solaris",
}


@dataclass(slots=True)  # not frozen: one is made for every click
class Enrichment:
    """What is derived from an IP address and a user agent: browser or mail program, operating system, device class,
    ISO 3166 country, region, and the name of a known network. None: not known.
    """

    client: str | None = None
    system: str | None = None
    device: str | None = None
    country: str | None = None
    region: str | None = None
    network: str | None = None
    signals: tuple[str, ...] = ()  # the class of the user agent, as a code of the rules


NO_ENRICHMENT = Enrichment()


class Enricher:
    """Describes clicks. Threads may share it; asking again for the same address or user agent costs a lookup.

    `mmdb`: a MaxMind DB with countries or cities, of any vendor; `networks_path`: the file that `networks` came from.
    `refresh` takes up another file in their place. Raises SettingsError when one cannot be read.
    """

    def __init__(
        self,
        mmdb: Path | None,
        networks: KnownNetworks,
        *,
        networks_path: Path | None = None,
        log: FilteringBoundLogger | None = None,
    ) -> None:
        self._networks = networks
        self._cached_lookup = lru_cache(MAX_CACHED_IPS)(self._lookup_uncached)
        changed = self._cached_lookup.cache_clear  # or what is remembered would keep old files open
        self._networks_file = ReloadingFile(networks_path, KnownNetworks.load, log, changed) if networks_path else None
        self._geoip_file = ReloadingFile(mmdb, _open_mmdb, log, changed) if mmdb else None

    @property
    def networks(self) -> KnownNetworks:
        """The list as it is now."""
        return self._networks_file.value if self._networks_file else self._networks

    def refresh(self) -> None:
        """Take up files that have replaced those in use."""
        for file in (self._geoip_file, self._networks_file):
            if file is not None:
                file.refresh()

    def enrich(self, ip: str | None, user_agent: str | None) -> Enrichment:
        """What this address and this user agent say."""
        client, system, device = (
            _parse_user_agent(user_agent[:MAX_USER_AGENT_CHARS]) if user_agent else (None, None, None)
        )
        country, region, known = self._lookup_ip(ip) if ip else (None, None, None)
        name = known.name if known else None
        return Enrichment(client, system, device, country, region, name, self.user_agent_signals(user_agent))

    def user_agent_class(self, user_agent: str | None) -> str | None:
        """`bot`, `library`, `automation`, `preview` or `image-proxy` for a program that says so, else None."""
        return _user_agent_class(user_agent[:MAX_USER_AGENT_CHARS]) if user_agent else None

    def user_agent_signals(self, user_agent: str | None) -> tuple[str, ...]:
        """The class as a signal, for clicks whose user agent may not be kept; the rules know these codes too."""
        agent_class = self.user_agent_class(user_agent)
        return (f"agent-{agent_class}",) if agent_class else ()

    def is_scanner_network(self, network: str | None, ip: str | None) -> bool:
        """Whether only machines come from this known network, by the name that `describe` gave it; an address that is
        still at hand is looked up again, since the list may have changed.
        """
        known = self._lookup_ip(ip)[2] if ip else None
        return known.certain if known else self.networks.is_certain(network)

    def _lookup_ip(self, ip: str) -> tuple[str | None, str | None, KnownNetwork | None]:
        return self._cached_lookup(ip, self._geoip_file.value if self._geoip_file else None, self.networks)

    def _lookup_uncached(
        self, ip: str, geoip: maxminddb.Reader | None, networks: KnownNetworks
    ) -> tuple[str | None, str | None, KnownNetwork | None]:
        """Remembered by the files' contents too: those that are there no more are asked no more."""
        country, region = _lookup_geo(ip, geoip) if geoip is not None else (None, None)
        return country, region, networks.lookup(ip)


def _lookup_geo(ip: str, geoip: maxminddb.Reader) -> tuple[str | None, str | None]:
    try:
        record = geoip.get(ip_address(ip))
    except (ValueError, maxminddb.InvalidDatabaseError):  # no address; an IPv6 one in an IPv4 file; a broken file
        return None, None
    return _parse_geo_record(record) if isinstance(record, dict) else (None, None)


def _open_mmdb(path: Path) -> maxminddb.Reader:
    """The database, as a copy of its own: who overwrites a file that is mapped into memory kills whoever reads it."""
    try:
        with tempfile.NamedTemporaryFile(prefix="linkweir-") as copy, path.open("rb") as file:
            shutil.copyfileobj(file, copy)
            copy.flush()
            return maxminddb.open_database(copy.name)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise SettingsError(f"LINKWEIR_MMDB: {path}: {error}") from None


def _parse_geo_record(geo_record: dict[str, Any]) -> tuple[str | None, str | None]:
    """Country and region, as GeoIP2 nests them or as plainer databases write them."""
    country = geo_record.get("country") or geo_record.get("registered_country") or geo_record.get("country_code")
    if isinstance(country, dict):
        country = country.get("iso_code")
    code = country.upper() if isinstance(country, str) and re.fullmatch("[A-Za-z]{2}", country) else None
    if code is None and isinstance(geo_record.get("country_code"), str):
        code = geo_record["country_code"].upper()[:2]
    divisions = geo_record.get("subdivisions")
    region: Any = divisions[0] if isinstance(divisions, list) and divisions else geo_record.get("region")
    if isinstance(region, dict):
        names = region.get("names")
        region = (names.get("en") if isinstance(names, dict) else None) or region.get("iso_code")
    return code, region if isinstance(region, str) and region else None


@lru_cache(MAX_CACHED_USER_AGENTS)
def _parse_user_agent(user_agent: str) -> tuple[str | None, str | None, str | None]:
    parsed = ua_parser.parse(user_agent)
    client = parsed.user_agent.family if parsed.user_agent else None
    system = parsed.os.family if parsed.os else None
    return client, system, _device_class(user_agent, system, parsed.device.family if parsed.device else "")


def _device_class(user_agent: str, system: str | None, family: str) -> str:
    if (
        _user_agent_class(user_agent) in ("bot", "library", "automation", "preview")
        or "TV" in family
        or "TV" in user_agent
    ):
        return "other"
    if system in DESKTOP_SYSTEMS:
        return "desktop"
    if system == "iOS":
        return "tablet" if family.startswith("iPad") else "phone"
    if system == "Android":
        return "phone" if "Mobile" in user_agent else "tablet"
    return "phone" if system in ("Windows Phone", "KaiOS", "BlackBerry OS") else "other"


@lru_cache(MAX_CACHED_USER_AGENTS)
def _user_agent_class(user_agent: str) -> str | None:
    if any(name in user_agent for name in HUMAN_USER_AGENTS):
        return None
    if any(name in user_agent for name in IMAGE_PROXIES):
        return "image-proxy"
    if LIBRARY_USER_AGENTS.search(user_agent):
        return "library"
    return next(
        (name for name, patterns in _crawler_patterns() if any(pattern.search(user_agent) for pattern in patterns)),
        None,
    )


@lru_cache(1)
def _crawler_patterns() -> list[tuple[str, list[re.Pattern[str]]]]:
    """Our patterns and the package's by class, joined: its own lookup of a crawler compiles each of them anew."""
    sorted_out: dict[str, list[str]] = {"library": [], "automation": [], "preview": [], "bot": []}
    own_patterns = (resources.files("linkweir.clicks") / KNOWN_SCANNERS_FILE).read_text("utf-8")
    for scanner in tomllib.loads(own_patterns)["scanner"]:
        sorted_out[scanner["class"]].append(scanner["pattern"])
    for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        name = next((CRAWLER_CLASSES[tag] for tag in entry.get("tags", ()) if tag in CRAWLER_CLASSES), "bot")
        sorted_out[name].append(entry["pattern"])
    return [
        (
            name,
            [
                re.compile("|".join(patterns[start : start + PATTERNS_PER_REGEX]))
                for start in range(0, len(patterns), PATTERNS_PER_REGEX)
            ],
        )
        for name, patterns in sorted_out.items()
    ]

"""Lists of networks as cloud providers publish them, read from files and merged with the included list.

AWS (ip-ranges.json), Azure (ServiceTags_Public_*.json), Google (cloud.json) and Oracle (public_ip_ranges.json).
Downloads nothing; whoever operates the service fetches the files, which change every week.
"""

import ipaddress
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from linkweir.clicks.known_networks import BUNDLED_FILE, CERTAIN_BY_CLASS
from linkweir.errors import SettingsError

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


@dataclass(frozen=True, slots=True)
class NetworkEntry:
    """A network of a list, with where it comes from and since when it is so; None: not known."""

    name: str
    network_class: str
    source: str
    made: date | None
    ranges: Sequence[str]

    def age_days(self, today: date) -> int | None:
        """How old the entry is."""
        return (today - self.made).days if self.made else None


def load_entries(path: Path | None) -> list[NetworkEntry]:
    """The entries of a list in our format, or of the included one. Raises SettingsError."""
    source = path or resources.files("linkweir.clicks") / BUNDLED_FILE
    try:
        document = tomllib.loads(source.read_text("utf-8"))
        return [_parse_entry(entry) for entry in document.get("network", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{source}: {_describe(error)}") from None


def _describe(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _parse_entry(entry: Mapping[str, Any]) -> NetworkEntry:
    if entry["class"] not in CERTAIN_BY_CLASS:
        raise ValueError(f"{entry['name']}: class must be one of {', '.join(CERTAIN_BY_CLASS)}")
    source = str(entry.get("source", ""))
    made = entry.get("made") or _find_date(source)
    for text in entry["ranges"]:
        ipaddress.ip_network(text)
    return NetworkEntry(entry["name"], entry["class"], source, made, entry["ranges"])


def load_published(path: Path) -> NetworkEntry:
    """The list of a provider, whichever it is. Raises SettingsError."""
    try:
        document = json.loads(path.read_text("utf-8"))
        provider, stamp, prefixes = _parse_published(document)
        ranges = collapse(prefixes)
        if not ranges:
            raise ValueError("it holds no range of addresses")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path}: no list of AWS, Azure, Google or Oracle: {_describe(error)}") from None
    made = _find_date(stamp) or datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    return NetworkEntry(provider, "probable", f"{provider}, {path.name}", made, ranges)


def _parse_published(document: Mapping[str, Any]) -> tuple[str, str, Iterable[str]]:
    """The provider, when it published this, and its ranges."""
    if "values" in document:  # Azure; the tag AzureCloud holds all others
        tags = {tag["name"]: tag["properties"]["addressPrefixes"] for tag in document["values"]}
        chosen = [tags["AzureCloud"]] if "AzureCloud" in tags else list(tags.values())
        return "Microsoft Azure", "", (prefix for prefixes in chosen for prefix in prefixes)
    if "regions" in document:
        cidrs = (cidr["cidr"] for region in document["regions"] for cidr in region["cidrs"])
        return "Oracle Cloud", str(document.get("last_updated_timestamp", "")), cidrs
    if "createDate" in document:  # AWS; EC2 is where programs of customers run
        entries = [*document["prefixes"], *document.get("ipv6_prefixes", ())]
        rented = (entry.get("ip_prefix") or entry["ipv6_prefix"] for entry in entries if entry.get("service") == "EC2")
        return "Amazon Web Services", document["createDate"], rented
    prefixes = (entry.get("ipv4Prefix") or entry["ipv6Prefix"] for entry in document["prefixes"])
    return "Google Cloud", str(document.get("creationTime", "")), prefixes


def collapse(prefixes: Iterable[str]) -> list[str]:
    """The same addresses in as few ranges as possible. Raises ValueError."""
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes]
    ipv4 = ipaddress.collapse_addresses(network for network in networks if isinstance(network, ipaddress.IPv4Network))
    ipv6 = ipaddress.collapse_addresses(network for network in networks if isinstance(network, ipaddress.IPv6Network))
    return [str(network) for network in (*ipv4, *ipv6)]


def merge_entries(included: Sequence[NetworkEntry], published: Sequence[NetworkEntry]) -> list[NetworkEntry]:
    """The included ones, with the published ones in place of those of the same name."""
    replaced = {entry.name for entry in published}
    return [*(entry for entry in included if entry.name not in replaced), *published]


def format_entries(entries: Iterable[NetworkEntry]) -> str:
    """A list in our format, as LINKWEIR_NETWORKS takes it."""
    return "\n".join(line for entry in entries for line in _entry_lines(entry))


def _entry_lines(entry: NetworkEntry) -> Iterator[str]:
    yield "[[network]]"
    yield f"name = {json.dumps(entry.name)}"
    yield f"class = {json.dumps(entry.network_class)}"
    yield f"source = {json.dumps(entry.source)}"
    if entry.made:
        yield f"made = {entry.made.isoformat()}"
    yield f"ranges = {json.dumps(list(entry.ranges))}\n"


def _find_date(text: str) -> date | None:
    found = _DATE.search(text.replace("/", "-"))
    return date(*map(int, found.groups())) if found else None

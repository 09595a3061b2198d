"""Which known network an address belongs to, from a list that the operator can replace. Judges nobody."""

import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from linkweir.errors import SettingsError

OWN = "networks.toml"
CLASSES = {"certain": True, "probable": False}
_WIDTH = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class Known:
    """A network of the list. `certain`: only machines come from it; otherwise people may, through relays."""

    name: str
    certain: bool


class Networks:
    """The list, made for lookups: a handful of dictionary reads, one for each length of prefix that occurs."""

    def __init__(self, ranges: Mapping[str, Known]) -> None:
        """Raises ValueError for a range that is none."""
        self._known: dict[tuple[int, int, int], Known] = {}  # by version, length and the network's own bits
        lengths: dict[int, set[int]] = {4: set(), 6: set()}
        for text, known in ranges.items():
            network = ipaddress.ip_network(text)
            lengths[network.version].add(network.prefixlen)
            bits = int(network.network_address) >> (_WIDTH[network.version] - network.prefixlen)
            self._known[network.version, network.prefixlen, bits] = known
        self._lengths = {version: sorted(found, reverse=True) for version, found in lengths.items()}
        self._certain = {known.name: known.certain for known in ranges.values()}

    @classmethod
    def load(cls, path: Path | None = None) -> "Networks":
        """From a file, or the list that comes along. Raises SettingsError that names what cannot be used."""
        source = path or resources.files("linkweir.click") / OWN
        try:
            return cls(dict(_ranges(tomllib.loads(source.read_text("utf-8")))))
        except (OSError, ValueError, TypeError, AttributeError) as error:  # a TOML error is a ValueError
            raise SettingsError(f"LINKWEIR_NETWORKS: {source}: {error}") from None

    def of(self, ip: str) -> Known | None:
        """The smallest known network with this address; None also for what is no address."""
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return None
        number, width = int(address), _WIDTH[address.version]
        for length in self._lengths[address.version]:
            known = self._known.get((address.version, length, number >> (width - length)))
            if known:
                return known
        return None

    def is_certain(self, name: str | None) -> bool:
        """Whether a network that goes by this name is of the certain ones."""
        return name is not None and self._certain.get(name, False)


def _ranges(document: Mapping[str, Any]) -> Iterator[tuple[str, Known]]:
    if document.keys() - {"network"}:
        raise ValueError(f"only [[network]] is known, not {sorted(document.keys() - {'network'})[0]!r}")
    for entry in document.get("network", []):
        name = entry.get("name")
        if not isinstance(name, str) or not name:
            raise ValueError("a network without a name")
        if entry.get("class") not in CLASSES:
            raise ValueError(f"{name}: class must be one of {', '.join(CLASSES)}")
        if not isinstance(entry.get("ranges"), list):
            raise ValueError(f"{name}: ranges must be a list")
        for text in entry["ranges"]:
            yield str(text), Known(name, CLASSES[entry["class"]])

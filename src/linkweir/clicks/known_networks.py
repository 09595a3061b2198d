"""Which known network an address belongs to, from a list that the operator can replace. Judges nobody."""

import ipaddress
import socket
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from linkweir.errors import SettingsError

BUNDLED_FILE = "known_networks.toml"
CERTAIN_BY_CLASS = {"certain": True, "probable": False}
_ADDRESS_BITS = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class KnownNetwork:
    """A network of the list. `certain`: only machines come from it; otherwise people may, through relays."""

    name: str
    certain: bool


class KnownNetworks:
    """The list, made for lookups: a handful of dictionary reads, one for each length of prefix that occurs."""

    def __init__(self, ranges: Mapping[str, KnownNetwork]) -> None:
        """Raises ValueError for a range that is none."""
        self._networks: dict[tuple[int, int, int], KnownNetwork] = {}  # by version, length and the network's own bits
        lengths: dict[int, set[int]] = {4: set(), 6: set()}
        for text, known in ranges.items():
            network = ipaddress.ip_network(text)
            lengths[network.version].add(network.prefixlen)
            bits = int(network.network_address) >> (_ADDRESS_BITS[network.version] - network.prefixlen)
            self._networks[network.version, network.prefixlen, bits] = known
        self._lengths = {version: sorted(sizes, reverse=True) for version, sizes in lengths.items()}
        self._certain_by_name = {known.name: known.certain for known in ranges.values()}

    @classmethod
    def load(cls, path: Path | None = None) -> "KnownNetworks":
        """From a file, or the list that comes along. Raises SettingsError that names what cannot be used."""
        source = path or resources.files("linkweir.clicks") / BUNDLED_FILE
        try:
            return cls(dict(_parse_ranges(tomllib.loads(source.read_text("utf-8")))))
        except (OSError, ValueError, TypeError, AttributeError) as error:  # a TOML error is a ValueError
            raise SettingsError(f"LINKWEIR_NETWORKS: {source}: {error}") from None

    def lookup(self, ip: str) -> KnownNetwork | None:
        """The smallest known network with this address; None also for what is no address."""
        try:
            if ":" in ip:
                version, number = 6, int(ipaddress.IPv6Address(ip))
            else:  # as ipaddress would, in a tenth of the time
                version, number = 4, int.from_bytes(socket.inet_pton(socket.AF_INET, ip))
        except (ValueError, OSError):
            return None
        width = _ADDRESS_BITS[version]
        for length in self._lengths[version]:
            known = self._networks.get((version, length, number >> (width - length)))
            if known:
                return known
        return None

    def is_certain(self, name: str | None) -> bool:
        """Whether a network that goes by this name is of the certain ones."""
        return name is not None and self._certain_by_name.get(name, False)


def _parse_ranges(document: Mapping[str, Any]) -> Iterator[tuple[str, KnownNetwork]]:
    if document.keys() - {"network"}:
        raise ValueError(f"only [[network]] is known, not {sorted(document.keys() - {'network'})[0]!r}")
    for entry in document.get("network", []):
        name = entry.get("name")
        if not isinstance(name, str) or not name:
            raise ValueError("a network without a name")
        if entry.get("class") not in CERTAIN_BY_CLASS:
            raise ValueError(f"{name}: class must be one of {', '.join(CERTAIN_BY_CLASS)}")
        if not isinstance(entry.get("ranges"), list):
            raise ValueError(f"{name}: ranges must be a list")
        for text in entry["ranges"]:
            yield str(text), KnownNetwork(name, CERTAIN_BY_CLASS[entry["class"]])

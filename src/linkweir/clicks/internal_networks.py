"""The internal networks of all accounts: from where the clicks of senders' own people come."""

import ipaddress
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping

MAX_ACCOUNTS = 256  # accounts named for one address: each takes 33 bytes of the event
_ADDRESS_BITS = {4: 32, 6: 128}
_NOBODY: frozenset[uuid.UUID] = frozenset()


class InternalNetworks:
    """Which accounts call an address their own: a dictionary read for each length of prefix that occurs, however many
    accounts and networks there are.
    """

    def __init__(self, networks_by_account: Mapping[uuid.UUID, Iterable[str]] | None = None) -> None:
        """Raises ValueError for a network that is none."""
        accounts: dict[tuple[int, int, int], set[uuid.UUID]] = defaultdict(set)  # by version, length and leading bits
        for account, networks in (networks_by_account or {}).items():
            for text in networks:
                network = ipaddress.ip_network(text)
                bits = int(network.network_address) >> (_ADDRESS_BITS[network.version] - network.prefixlen)
                accounts[network.version, network.prefixlen, bits].add(account)
        self._accounts = {prefix: frozenset(named) for prefix, named in accounts.items()}
        self._lengths = {
            version: sorted({length for each, length, _ in accounts if each == version}, reverse=True)
            for version in _ADDRESS_BITS
        }

    def find_accounts(self, ip: str | None) -> frozenset[uuid.UUID]:
        """The accounts with an internal network that has this address; none for what is no address.

        At most MAX_ACCOUNTS: those that name the smallest networks, and of these the lowest ids.
        """
        if not self._accounts or ip is None:
            return _NOBODY
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return _NOBODY
        number, width = int(address), _ADDRESS_BITS[address.version]
        found: set[uuid.UUID] = set()
        for length in self._lengths[address.version]:
            new = self._accounts.get((address.version, length, number >> (width - length)), _NOBODY) - found
            if len(found) + len(new) > MAX_ACCOUNTS:
                return frozenset([*found, *sorted(new)[: MAX_ACCOUNTS - len(found)]])
            found |= new
        return frozenset(found)

"""How many recipients one address hits at about the same time: scanners and gateways serve many, people few.

In memory only. After a restart an address is new again, which takes nothing from what was judged, and the signal is
one of several. Bounded: the longest unseen addresses go first.
"""

from collections import OrderedDict
from collections.abc import Hashable

ADDRESSES = 50_000
RECIPIENTS = 64  # of one address: beyond that it is many


class Sources:
    """Addresses and whom they hit last. `reach`: microseconds before and after a hit that count as the same time."""

    def __init__(self, reach: int) -> None:
        self._reach = reach
        self._seen: OrderedDict[str, OrderedDict[Hashable, int]] = OrderedDict()

    def note(self, ip: str, recipient: Hashable, at: int) -> None:
        """This address hit a link of this recipient's."""
        whom = self._seen.get(ip)
        if whom is None:
            whom = self._seen[ip] = OrderedDict()
            if len(self._seen) > ADDRESSES:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(ip)
        whom[recipient] = at
        whom.move_to_end(recipient)
        if len(whom) > RECIPIENTS:
            whom.popitem(last=False)

    def spread(self, ip: str, at: int) -> int:
        """How many recipients this address hit at about this time."""
        return sum(abs(seen - at) <= self._reach for seen in self._seen.get(ip, {}).values())

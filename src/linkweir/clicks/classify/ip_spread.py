"""How many recipients one address hits at about the same time: scanners and gateways serve many, people few.

In memory only. After a restart an address is new again, which takes nothing from what was judged, and the signal is
one of several. Bounded: the longest unseen addresses go first.
"""

from collections import OrderedDict
from collections.abc import Hashable

MAX_IPS = 50_000
MAX_RECIPIENTS_PER_IP = 64  # of one address: beyond that it is many


class IpSpread:
    """Addresses and whom they hit last. `reach`: microseconds before and after a hit that count as the same time."""

    def __init__(self, reach_us: int) -> None:
        self._reach_us = reach_us
        self._recipients: OrderedDict[str, OrderedDict[Hashable, int]] = OrderedDict()

    def observe(self, ip: str, recipient: Hashable, at: int) -> None:
        """This address hit a link of this recipient's."""
        whom = self._recipients.get(ip)
        if whom is None:
            whom = self._recipients[ip] = OrderedDict()
            if len(self._recipients) > MAX_IPS:
                self._recipients.popitem(last=False)
        else:
            self._recipients.move_to_end(ip)
        whom[recipient] = at
        whom.move_to_end(recipient)
        if len(whom) > MAX_RECIPIENTS_PER_IP:
            whom.popitem(last=False)

    def recipient_count(self, ip: str, at: int) -> int:
        """How many recipients this address hit at about this time."""
        return sum(abs(seen - at) <= self._reach_us for seen in self._recipients.get(ip, {}).values())

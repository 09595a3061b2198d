"""What programs did with earlier messages: a scanner comes back from where it was, and looks as it looked.

A *program* is a network (/24 or /48), a user agent, and what the redirect saw of its requests. Of each is remembered
with how many messages it was a machine, and with how many a person, going by what it did there; never by its record,
or a mistake would confirm itself. Where people come from a scanner's address with a scanner's browser (an appliance in
the office, a browser that is isolated in a maker's cloud) both numbers grow, and then the record tells nothing.

Without addresses: programs and messages are kept as hashes, whose key is this process's own unless it is given others.
Only clicks in mode full have an address to go by. In memory, and bounded: the longest unseen programs go first. What
outlives a process, and what several processes share, is in `clicks.ingest.verdict_memory`.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_network

from linkweir.clicks.classify import CLICK, Classification, Hit, HitId, Reputation
from linkweir.clicks.classify.features import network_owner
from linkweir.clock import DAY_US

MAX_CLIENTS = 50_000
MAX_MESSAGES_PER_CLIENT = 32  # the newest of one program: enough to see whether people are among its clicks
HISTORY_US = 14 * DAY_US  # microseconds after which a message is forgotten
MACHINE_BIT, HUMAN_BIT = 1, 2  # bits
MAX_IPS = 50_000
MAX_RECIPIENTS_PER_IP = 64  # of one address: beyond that it is many
VERDICT_BITS = {"machine": MACHINE_BIT, "human": HUMAN_BIT}


class ReputationStore:
    """Clients, whatever makes them one by `key` (None: none), and what they were with each of their newest messages."""

    def __init__(self, key: Callable[[Hit], int | None] | None = None) -> None:
        self._key = key or _client_key
        self._clients: OrderedDict[int, _ClientRecord] = OrderedDict()

    def lookup(self, hits: Iterable[Hit], message: Hashable) -> Mapping[HitId, Reputation]:
        """By hit, the record of its program with other messages than this one; of unknown programs there is none."""
        here, found = hash(message), {}
        records: dict[int, Reputation | None] = {}  # by client: hits of one message are hours apart at most
        for hit in hits:
            key = self._key(hit) if hit.kind == CLICK else None
            if key is None:
                continue
            if key not in records:
                known = self._clients.get(key)
                records[key] = known.to_reputation(here, hit.at) if known else None
            if record := records[key]:
                found[hit.id] = record
        return found

    def observe(self, hit: Hit, classification: Classification, message: Hashable) -> None:
        """This hit of a message was judged, with everything around it in sight."""
        bit = VERDICT_BITS.get(classification.verdict_without_reputation, 0)
        if bit and hit.kind == CLICK and (key := self._key(hit)) is not None:
            self._add(key, hash(message), bit, hit.at)

    def restore(self, program: int, message: int, bits: int, at: int) -> None:
        """Take in what a program was with a message, as `get_messages` had it."""
        self._add(program, message, bits, at)

    def get_messages(self, program: int) -> Mapping[int, tuple[int, int]]:
        """What a program was with each of its newest messages, as bits, and when it was last seen there."""
        known = self._clients.get(program)
        return known.get_messages() if known else {}

    def _add(self, program: int, message: int, bit: int, at: int) -> None:
        known = self._clients.get(program)
        if known is None:
            known = self._clients[program] = _ClientRecord()
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
        else:
            self._clients.move_to_end(program)
        known.add(message, bit, at)


class _ClientRecord:
    """What one client was with each of its newest messages, the longest unseen first, and when; and with how many."""

    __slots__ = ("_bits", "_human_messages", "_machine_messages", "_seen_at")

    def __init__(self) -> None:
        self._bits: dict[int, int] = {}
        self._seen_at: dict[int, int] = {}
        self._machine_messages = self._human_messages = 0

    def add(self, message: int, bit: int, at: int) -> None:
        """Note what it was with a message."""
        bits = self._bits.pop(message, 0)
        self._bits[message] = bits | bit
        self._seen_at[message] = max(at, self._seen_at.pop(message, at))
        self._count(bit & ~bits, 1)
        if len(self._bits) > MAX_MESSAGES_PER_CLIENT:
            longest_unseen = next(iter(self._bits))
            del self._seen_at[longest_unseen]
            self._count(self._bits.pop(longest_unseen), -1)

    def get_messages(self) -> dict[int, tuple[int, int]]:
        """Return bits and time by message."""
        return {message: (bits, self._seen_at[message]) for message, bits in self._bits.items()}

    def _count(self, bits: int, change: int) -> None:
        self._machine_messages += change * (bits & MACHINE_BIT)
        self._human_messages += change * (bits >> 1)

    def to_reputation(self, here: int, at: int) -> Reputation | None:
        """Return what it was with other messages than `here` at about this time."""
        times = self._seen_at.values()
        first = min(times)
        if here in self._bits or at - first > HISTORY_US or max(times) - at > HISTORY_US:
            return self._count_others(here, at)
        return Reputation(self._machine_messages, self._human_messages, max(at - first, 0))

    def _count_others(self, here: int, at: int) -> Reputation | None:
        machine = people = 0
        first = at
        for message, seen in self._seen_at.items():
            if message != here and abs(at - seen) <= HISTORY_US:
                bits = self._bits[message]
                machine += bits & MACHINE_BIT
                people += bits >> 1
                first = min(first, seen)
        return Reputation(machine, people, at - first) if machine or people else None


def _client_key(hit: Hit) -> int | None:
    return hash((network_prefix(hit.ip), hit.user_agent, hit.signals)) if hit.ip else None


def fleet_key(hit: Hit) -> int | None:
    """What a fleet of scanners keeps when its addresses and user agents change: whose network it is, and how its
    requests look. The owner of an unlisted network is guessed from the first half of the address.
    """
    owner = network_owner(hit)
    return hash((owner, hit.device, hit.signals)) if owner else None


@lru_cache(maxsize=4096)
def network_prefix(ip: str) -> str:
    """The network (/24 or /48) that a program moves within."""
    if ":" in ip:
        return str(ip_network((IPv6Address(ip), 48), strict=False))
    return ip.rpartition(".")[0]


class IpSpread:
    """How many recipients one IP address hits at about the same time: scanners and gateways serve many, people few.

    `reach_us`: microseconds before and after a hit that count as the same time. Bounded: the addresses
    unseen for longest go first.
    """

    def __init__(self, reach_us: int) -> None:
        self._reach_us = reach_us
        self._recipients: OrderedDict[Hashable, OrderedDict[Hashable, int]] = OrderedDict()

    def observe(self, ip: Hashable, recipient: Hashable, at: int) -> None:
        """Note that this address hit a link of this recipient."""
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

    def get_recipients(self, ip: Hashable) -> Mapping[Hashable, int]:
        """The newest recipients of an address, and when it hit each last."""
        return self._recipients.get(ip, {})

    def recipient_count(self, ip: Hashable, at: int) -> int:
        """How many recipients this address hit at about this time."""
        recipients = self._recipients.get(ip)
        if recipients is None:
            return 0
        first, last = at - self._reach_us, at + self._reach_us
        return len([seen for seen in recipients.values() if first <= seen <= last])

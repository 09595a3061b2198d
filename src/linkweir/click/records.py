"""What programs did with earlier messages: a scanner comes back from where it was, and looks as it looked.

A *program* is a network (/24 or /48), a user agent, and what the door noticed of its requests. Of each is remembered
with how many messages it was a machine, and with how many a person, going by what it did there; never by its record,
or a mistake would confirm itself. Where people come from a scanner's address with a scanner's browser (an appliance in
the office, a browser that is isolated in a maker's cloud) both numbers grow, and then the record tells nothing.

In memory only, and without addresses: programs and messages are kept as hashes whose key is this process's own. Only
clicks in mode full have an address to go by. After a restart everybody is unknown again, which changes no verdict that
was passed; two processes remember apart. Bounded: the longest unseen programs go first.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_network
from uuid import UUID

from linkweir.click.verdict import CLICK, Hit, Judgement, Record

PROGRAMS = 50_000
MESSAGES = 32  # the newest of one program: enough to see whether people are among its clicks
DAYS = 14 * 86_400_000_000  # microseconds after which a message is forgotten
MACHINE, PERSON = 1, 2  # bits
AS = {"machine": MACHINE, "human": PERSON}


class Records:
    """Programs, and what they were with each of their newest messages."""

    def __init__(self) -> None:
        self._programs: OrderedDict[int, OrderedDict[int, tuple[int, int]]] = OrderedDict()  # bits, and when

    def of(self, hits: Iterable[Hit], message: Hashable) -> Mapping[UUID, Record]:
        """By hit, the record of its program with other messages than this one; of unknown programs there is none."""
        here, found = hash(message), {}
        for hit in hits:
            known = self._programs.get(_program(hit)) if hit.ip and hit.kind == CLICK else None
            if known and (record := _record(known, here, hit.at)):
                found[hit.id] = record
        return found

    def learn(self, hit: Hit, judgement: Judgement, message: Hashable) -> None:
        """This hit of a message was judged, with everything around it in sight."""
        bit = AS.get(judgement.alone, 0)
        if bit and hit.ip and hit.kind == CLICK:
            self._note(_program(hit), hash(message), bit, hit.at)

    def _note(self, program: int, message: int, bit: int, at: int) -> None:
        known = self._programs.get(program)
        if known is None:
            known = self._programs[program] = OrderedDict()
            if len(self._programs) > PROGRAMS:
                self._programs.popitem(last=False)
        else:
            self._programs.move_to_end(program)
        bits, before = known.get(message, (0, at))
        known[message] = bits | bit, max(at, before)
        known.move_to_end(message)
        if len(known) > MESSAGES:
            known.popitem(last=False)


def _record(known: Mapping[int, tuple[int, int]], here: int, at: int) -> Record | None:
    machine = people = 0
    first = at
    for message, (bits, seen) in known.items():
        if message != here and abs(at - seen) <= DAYS:
            machine += bits & MACHINE
            people += bits >> 1
            first = min(first, seen)
    return Record(machine, people, at - first) if machine or people else None


def _program(hit: Hit) -> int:
    return hash((_network(hit.ip or ""), hit.user_agent, hit.signals))


@lru_cache(maxsize=4096)
def _network(ip: str) -> str:
    if ":" in ip:
        return str(ip_network((IPv6Address(ip), 48), strict=False))
    return ip.rpartition(".")[0]

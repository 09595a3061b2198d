"""When a new signing key begins to mint: once every process that answers links has it.

Processes of a machine look at the ring every few seconds, so a key that one of them has had for some time all have.
Machines that share a database say in their heartbeats which key they have. One that has been silent for a minute no
longer counts, and by then answers links of keys that it does not know with 503, for it may have missed a new one. No
clock is compared with another machine's.
"""

import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from linkweir.background import REFRESH_SECONDS
from linkweir.settings import Settings
from linkweir.tokens import KeyRing

SETTLE_SECONDS: Final = 3 * REFRESH_SECONDS  # until all processes of a machine have looked at the ring
FRESH_SECONDS: Final = 15.0  # without a look at the ring, or at the other machines: something may have been missed
SILENCE_SECONDS: Final = 60.0  # without a heartbeat: the machine does not keep a new key waiting
OLD_KEY: Final = timedelta(minutes=1)  # a key that is older has settled when a process starts
MachineRow = Mapping[Any, Any]


def own_machine(settings: Settings) -> tuple[str, str]:
    """What tells this machine from others in the database: host and data folder."""
    return socket.gethostname(), str(settings.data.absolute())


@dataclass(slots=True)
class _Sighting:
    """A heartbeat, and when this process saw it first."""

    seen_at: int
    noticed_at: float


class KeyRollout:
    """What one process knows of it. `own`: the machine itself; `is_shared`: others may use the database."""

    def __init__(
        self, own: tuple[str, str], *, is_shared: bool, get_moment: Callable[[], float] = time.monotonic
    ) -> None:
        self._own = own
        self.is_shared = is_shared
        self._get_moment = get_moment
        self._known_since: dict[int, float] = {}
        self._sightings: dict[tuple[str, str], _Sighting] = {}
        self._machines: list[MachineRow] = []
        self._observed_at = float("-inf")

    def observe_ring(self, ring: KeyRing) -> None:
        """This is the ring at the moment."""
        moment, started = self._get_moment(), not self._known_since
        for key in ring.keys:
            settled = started and (len(ring.keys) == 1 or datetime.now(UTC) - key.created > OLD_KEY)
            self._known_since.setdefault(key.id, float("-inf") if settled else moment)

    def observe_machines(self, rows: Iterable[MachineRow]) -> None:
        """These are the machines' heartbeats, and the ring is looked at, too."""
        self._observed_at = moment = self._get_moment()
        self._machines = [row for row in rows if "redirect" in row["roles"] and _name(row) != self._own]
        before, self._sightings = self._sightings, {}
        for row in self._machines:
            last = before.get(_name(row))
            is_same = last is not None and last.seen_at == row["seen_at"]
            self._sightings[_name(row)] = last if is_same and last else _Sighting(row["seen_at"], moment)

    @property
    def settled_key_id(self) -> int:
        """The newest key that all processes of this machine have; 0 before any was observed."""
        until = self._get_moment() - SETTLE_SECONDS
        return max((key for key, since in self._known_since.items() if since <= until), default=0)

    @property
    def may_be_behind(self) -> bool:
        """Whether other machines may have a key that this process does not know."""
        if not self.is_shared:
            return False
        newest = max(self._known_since, default=0)
        is_old = self._get_moment() - self._observed_at > FRESH_SECONDS
        return is_old or any(row["key_id"] > newest for row in self._machines)

    def choose(self, ring: KeyRing) -> KeyRing:
        """The ring with the newest key that may mint as its current one; newer ones only open their links."""
        alive = self._get_moment() - SILENCE_SECONDS
        known = [row["key_id"] for row in self._machines if self._sightings[_name(row)].noticed_at >= alive]
        return with_current(ring, min([self.settled_key_id, *known]))


def choose_for_command(ring: KeyRing, rows: Iterable[MachineRow]) -> KeyRing:
    """The same for a command, which cannot watch the machines for long: it goes by all heartbeats that there are."""
    now = datetime.now(UTC)
    settled = max((key.id for key in ring.keys if now - key.created > OLD_KEY), default=0)
    return with_current(ring, min([settled, *(row["key_id"] for row in rows if "redirect" in row["roles"])]))


def with_current(ring: KeyRing, newest: int) -> KeyRing:
    """The ring with its newest key up to this id as the current one, or its oldest, if all are newer."""
    ids = [key.id for key in ring.keys if key.id <= min(newest, ring.current.id)]
    current = max(ids, default=ring.keys[0].id)
    if current == ring.current.id:
        return ring
    keys = (replace(key, retired=None if key.id == current else key.retired or key.created) for key in ring.keys)
    return replace(ring, keys=tuple(keys))


def _name(row: MachineRow) -> tuple[str, str]:
    return row["host"], row["folder"]

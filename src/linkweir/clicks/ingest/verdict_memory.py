"""What the rules remember of earlier clicks, in a database that workers share, so that a restart forgets none of it.

For each batch the records of its programs, fleets and addresses are read, and what changed is written in the batch's
transaction: a batch that fails leaves nothing behind, and one that is judged again finds what it found before. Names
are hashes under a key that is derived from the vault's, so nobody who has the database alone can tell which address,
user agent or message a row is of, or try guesses. Another vault key is a new memory; the old one expires.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import Connection

from linkweir.clicks.classify import CLICK, Hit
from linkweir.clicks.classify.features import network_owner
from linkweir.clicks.classify.reputation import HISTORY_US, network_prefix
from linkweir.clicks.classify.traffic_history import HistoryKeys, TrafficHistory
from linkweir.clock import DAY_US, HOUR_US
from linkweir.db import verdict_memory_table
from linkweir.errors import DatabaseUnavailable, VaultError

ADDRESS_HOURS: Final = 2  # hours, at most, that the recipients of an address are stored: they count for a minute
HASH_BITS: Final = 60  # an int of so many bits is its own hash, and fits into a column of either database
CACHED_HASHES: Final = 20_000  # in memory: many clicks of a batch have one program, network or message
KEY_PURPOSE: Final = "verdict memory"


class VerdictMemory:
    """The memory of one database. `derive_key` returns 32 secret bytes, the same on all machines, or raises VaultError:
    it is called when they are needed first.
    """

    def __init__(self, derive_key: Callable[[], bytes]) -> None:
        self._derive_key = derive_key
        self._keys: HistoryKeys | None = None

    @property
    def keys(self) -> HistoryKeys:
        """The keyed hashes. Raises DatabaseUnavailable while there is no key: trying again may help."""
        if self._keys is None:
            try:
                self._keys = _make_keys(self._derive_key())
            except VaultError as error:
                raise DatabaseUnavailable(f"cannot make keys for what verdicts go by: {error}") from error
        return self._keys

    def open_batch(self, connection: Connection, learned: TrafficHistory, hits: Iterable[Hit]) -> "MemoryBatch":
        """What is remembered for these hits, which are all that are going to be judged; other things that were learned
        come from `learned`, and go there.
        """
        return MemoryBatch(connection, self.keys, learned, hits)

    def hash_message(self, message: Hashable) -> Any:
        """What a message is called in the memory. Raises DatabaseUnavailable."""
        return self.keys.message(message)


class MemoryBatch:
    """The part of the memory that one batch needs, while it is judged: `history`."""

    def __init__(self, connection: Connection, keys: HistoryKeys, learned: TrafficHistory, hits: Iterable[Hit]) -> None:
        self.history = learned.make_batch_history(keys)
        self._unknown_message = keys.message(None)
        self._clients: set[int] = set()
        self._fleets: set[int] = set()
        self._addresses: set[Any] = set()
        for hit in hits:
            self._add_sources(hit, keys)
        self._stored: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
        self._load(connection)

    def _add_sources(self, hit: Hit, keys: HistoryKeys) -> None:
        if hit.ip:
            self._addresses.add(keys.address(hit.ip))
        if hit.kind == CLICK:
            assert keys.client is not None
            for sources, source in ((self._clients, keys.client(hit)), (self._fleets, keys.fleet(hit))):
                if source is not None:
                    sources.add(source)

    def _load(self, connection: Connection) -> None:
        sources = [*self._clients, *self._fleets, *self._addresses]
        for source, message, verdicts, at in verdict_memory_table.load(connection, sources) if sources else ():
            self._stored[source][message] = (verdicts, at)
            if source in self._addresses:
                self.history.ip_spread.observe(source, message, at)
            else:
                store = self.history.clients if source in self._clients else self.history.fleets
                store.restore(source, message, verdicts, at)

    def store(self, connection: Connection, now: int) -> None:
        """Write what has changed, and delete what newer messages have pushed out. `now` in microseconds since 1970."""
        rows: list[tuple[int, int, int, int, int]] = []
        displaced: list[tuple[int, int]] = []
        address_expires_at = (now // HOUR_US + ADDRESS_HOURS) * HOUR_US
        for source in self._addresses:
            hits = {message: (0, at) for message, at in self.history.ip_spread.get_recipients(source).items()}
            self._compare(source, hits, lambda _at: address_expires_at, rows, displaced)
        for store, sources in ((self.history.clients, self._clients), (self.history.fleets, self._fleets)):
            for source in sources:
                self._compare(source, store.get_messages(source), lambda at: _expiry(min(at, now)), rows, displaced)
        rows.sort()
        verdict_memory_table.store(connection, rows)
        verdict_memory_table.delete_pairs(connection, displaced)

    def _compare(
        self,
        source: int,
        messages: Mapping[Any, tuple[int, int]],
        expiry: Callable[[int], int],
        rows: list[tuple[int, int, int, int, int]],
        displaced: list[tuple[int, int]],
    ) -> None:
        stored = self._stored.get(source, {})
        for message, (verdicts, at) in messages.items():
            if stored.get(message) != (verdicts, at) and message != self._unknown_message:
                rows.append((source, message, verdicts, at, expiry(at)))
        if messages:
            displaced += [(source, message) for message in stored.keys() - messages.keys()]


def _expiry(at: int) -> int:
    return (at // DAY_US + 1) * DAY_US + HISTORY_US


def _make_keys(secret: bytes) -> HistoryKeys:
    @lru_cache(CACHED_HASHES)
    def digest(kind: str, *parts: object) -> int:
        text = "\0".join("" if part is None else str(part) for part in parts)
        full = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=secret, person=kind.encode())
        return int.from_bytes(full.digest()) >> (64 - HASH_BITS)

    def hash_client(hit: Hit) -> int | None:
        return digest("client", network_prefix(hit.ip), hit.user_agent, *hit.signals) if hit.ip else None

    def hash_fleet(hit: Hit) -> int | None:
        owner = network_owner(hit)
        return digest("fleet", owner, hit.device, *hit.signals) if owner else None

    return HistoryKeys(
        client=hash_client,
        fleet=hash_fleet,
        address=lambda ip: digest("address", ip),
        message=lambda message: digest("message", message),
    )

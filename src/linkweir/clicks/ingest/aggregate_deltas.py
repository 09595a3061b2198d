"""Aggregate deltas: the changes of aggregates by a batch of new and reclassified clicks. Pure: gathers differences, one
for each row.

While they are gathered the counts of a row are one number (`packed_counts`), and a message is the number of its id,
which is hashed much quicker.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from linkweir.clicks.ingest.click import DIMENSION_FLAGS, AggregationTarget, Click
from linkweir.clicks.ingest.clicker_changes import ClickersChange
from linkweir.clicks.ingest.packed_counts import pack_counts, unpack_counts
from linkweir.clock import HOUR_US
from linkweir.db.aggregate_columns import COUNTED_VERDICTS, EXPECTED_MESSAGE_COUNTS, VERDICTS
from linkweir.db.click_probabilities import (
    ALL_CLICKS,
    BASIS_POINTS,
    LIKELY_BASIS_POINTS,
    ExpectedClicker,
    clicker_counts,
)
from linkweir.db.dimensions import UNIQUE_OVERALL_FLAG, DimensionValue
from linkweir.db.schema import CLICK_COUNTS

Sums = defaultdict[DimensionValue, int]  # packed CLICK_COUNTS
LinkKey = tuple[int, int]  # the number of a message's id, and a position
VERDICT_COLUMNS: Final = {verdict: column for column, verdict in enumerate(VERDICTS)}
CLICKERS_COLUMN: Final = len(VERDICTS)
EXPECTED_COLUMN, VARIANCE_COLUMN, EXPECTED_CLICKERS_COLUMN = range(CLICKERS_COLUMN + 1, CLICKERS_COLUMN + 4)
LINK_COLUMNS: Final = (*range(CLICKERS_COLUMN), EXPECTED_COLUMN, VARIANCE_COLUMN)  # of a link's counts, as stored
MESSAGE_COUNTS: Final = ("clicks", "opens", *EXPECTED_MESSAGE_COUNTS)
MAX_KNOWN_MOVES: Final = 8192  # kinds of changes that are remembered
_CLICKER_INCREMENT: Final = pack_counts([int(name == "clickers") for name in CLICK_COUNTS])
_OPEN_INCREMENT: Final = pack_counts([int(name == "opens") for name in MESSAGE_COUNTS])
_PROBABILITY_INCREMENT: Final = pack_counts([int(name == "clicked_basis_points") for name in MESSAGE_COUNTS])


@dataclass(slots=True)
class _TargetSums:
    """What the messages of a target add in one hour: `sums` by value, which others add to as well, and `overall` for
    each of the values that all their clicks share.
    """

    target: AggregationTarget
    sums: Sums
    overall: int = 0


@dataclass(slots=True)
class AggregateDeltas:
    """Differences of the aggregates, of links (CLICK_COUNTS, of which LINK_COLUMNS are used) and of messages
    (MESSAGE_COUNTS); and each link's destination. `message_ids`: by their numbers, of links and messages.
    """

    links: defaultdict[LinkKey, int] = field(default_factory=lambda: defaultdict(int))
    counts: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    destinations: dict[LinkKey, str | None] = field(default_factory=dict)
    message_ids: dict[int, uuid.UUID] = field(default_factory=dict)
    _sums: dict[tuple[int, tuple[str, ...], int], Sums] = field(default_factory=dict)  # by account, scopes and hour
    _targets: dict[tuple[int, int], _TargetSums] = field(default_factory=dict)  # by the target's identity, and hour

    def add(self, click: Click) -> None:
        """Add a click as it is now, against what the aggregates have of it. An open counts for its message only."""
        if click.kind != "click":
            if click.kind == "open" and click.message_id is not None and click.counted_verdict is None:
                self._add_open(click.message_id, click.method)
            return
        moves, message_moves = _count_deltas(
            click.verdict, click.counted_verdict, click.machine_basis_points, click.counted_machine_basis_points
        )
        if not moves and click.unique_flags == click.stored_unique_flags:
            return
        if click.message_id is not None:
            message = click.message_id.int
            self.message_ids[message] = click.message_id
            link = message, click.position
            self.links[link] += moves  # also where only its first click moves: the row is written again
            self.destinations[link] = click.destination
            if message_moves:
                self.counts[message] += message_moves
        if click.target is not None:
            self._add_dimensions(click, click.target, moves)

    def _add_open(self, message: uuid.UUID, method: str) -> None:
        if method == "GET":
            self.message_ids[message.int] = message
            self.counts[message.int] += _OPEN_INCREMENT

    def _add_dimensions(self, click: Click, target: AggregationTarget, moves: int) -> None:
        of_target = self._find_sums(target, click.at // HOUR_US)
        sums, unique = of_target.sums, click.unique_flags
        moved = unique ^ click.stored_unique_flags
        if not moved:
            for key in click.own_dimensions:
                sums[key] += moves
            of_target.overall += moves
            return
        for key in click.own_dimensions:
            bit = DIMENSION_FLAGS[key[0]]
            if moved & bit:
                sums[key] += moves + _CLICKER_INCREMENT if unique & bit else moves - _CLICKER_INCREMENT
            elif moves:
                sums[key] += moves
        if moved & UNIQUE_OVERALL_FLAG:
            moves += _CLICKER_INCREMENT if unique & UNIQUE_OVERALL_FLAG else -_CLICKER_INCREMENT
        of_target.overall += moves

    def _find_sums(self, target: AggregationTarget, hour: int) -> _TargetSums:
        known = self._targets.get((id(target), hour))
        if known is None:
            key = target.account_id.int, target.scopes, hour
            sums = self._sums.get(key)
            if sums is None:
                sums = self._sums[key] = defaultdict(int)
            known = self._targets[id(target), hour] = _TargetSums(target, sums)
        return known

    def add_clickers(self, change: ClickersChange) -> None:
        """Add how likely a person clicked a message now, against what the aggregates have of it."""
        before, after, target = change.before, change.after, change.target
        if isinstance(change.message_key, uuid.UUID):
            none = 0, 0
            more = after.get(ALL_CLICKS, none)[1] - before.get(ALL_CLICKS, none)[1]
            if more:
                self.message_ids[change.message_key.int] = change.message_key
                self.counts[change.message_key.int] += more * _PROBABILITY_INCREMENT
        if target is None:
            return
        for key, new in after.items():
            old = before.get(key)
            if old != new:
                if old is not None:
                    self._add_clicker(target, key, old, -1)
                self._add_clicker(target, key, new, 1)
        for key, old in before.items():
            if key not in after:
                self._add_clicker(target, key, old, -1)

    def _add_clicker(self, target: AggregationTarget, key: DimensionValue, clicker: ExpectedClicker, sign: int) -> None:
        of_target = self._find_sums(target, clicker[0])
        counts = sign * _pack_clicker(clicker[1])
        of_target.sums[key] += counts
        if key == ALL_CLICKS:
            of_target.overall += counts

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the differences of the aggregates, each row once: account, scope, dimension, value, hour, counts."""
        merged: dict[tuple[int, str, int], tuple[uuid.UUID, Sums]] = {}
        for of_target in self._targets.values():
            if of_target.overall:
                for key in of_target.target.shared_dimensions:
                    of_target.sums[key] += of_target.overall
                of_target.overall = 0
        accounts = {
            of_target.target.account_id.int: of_target.target.account_id for of_target in self._targets.values()
        }
        for (account, scopes, hour), sums in self._sums.items():
            for scope in scopes:
                _, known = merged.setdefault((account, scope, hour), (accounts[account], defaultdict(int)))
                for key, counts in sums.items():
                    known[key] += counts
        for (_, scope, hour), (account_id, sums) in merged.items():
            for (dimension, value), counts in sums.items():
                if counts:
                    yield account_id, scope, dimension, value, hour, *unpack_counts(counts, len(CLICK_COUNTS))

    def link_counts(self, link: LinkKey) -> tuple[int, ...]:
        """Return the differences of a link: CLICK_COUNTS."""
        return unpack_counts(self.links[link], len(CLICK_COUNTS))

    def message_rows(self) -> Iterator[tuple[uuid.UUID, tuple[int, ...]]]:
        """Yield the messages whose counts change, and their differences: MESSAGE_COUNTS."""
        for message, counts in self.counts.items():
            if counts:
                yield self.message_ids[message], unpack_counts(counts, len(MESSAGE_COUNTS))


@lru_cache(MAX_KNOWN_MOVES)
def _pack_clicker(probability: int) -> int:
    counts = [0] * len(CLICK_COUNTS)
    counts[EXPECTED_CLICKERS_COLUMN : EXPECTED_CLICKERS_COLUMN + 3] = clicker_counts(probability)
    return pack_counts(counts)


@lru_cache(MAX_KNOWN_MOVES)
def _count_deltas(verdict: str, counted_verdict: str | None, now: int, counted: int | None) -> tuple[int, int]:
    """Return what a click changes in aggregates, and in the counts of its message: from the verdict and probability
    (basis points) that are counted to those that it has now. Both are 0 only when nothing changes.
    """
    counts = [0] * len(CLICK_COUNTS)
    if verdict != counted_verdict:
        counts[VERDICT_COLUMNS[verdict]] += 1
        if counted_verdict is not None:
            counts[VERDICT_COLUMNS[counted_verdict]] -= 1
    before = BASIS_POINTS if counted is None else counted
    expected = before - now
    variance = now * (BASIS_POINTS - now) - before * (BASIS_POINTS - before)
    counts[EXPECTED_COLUMN], counts[VARIANCE_COLUMN] = expected, variance
    of_message = (
        (verdict in COUNTED_VERDICTS) - (counted_verdict in COUNTED_VERDICTS),
        0,
        int(counted_verdict is None),
        _is_likely(now) - _is_likely(counted),
        expected,
        variance,
        0,
    )
    return pack_counts(counts), pack_counts(of_message)


def _is_likely(machine_basis_points: int | None) -> bool:
    """Whether a hit is rather a person's; None: there is none."""
    return machine_basis_points is not None and BASIS_POINTS - machine_basis_points >= LIKELY_BASIS_POINTS

"""Aggregate deltas: the changes of aggregates by a batch of new and reclassified clicks. Pure: gathers differences, one
for each row.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import add
from typing import Any

from linkweir.clicks.ingest.click import DIMENSION_FLAGS, AggregationTarget, Click
from linkweir.clicks.ingest.clicker_changes import ClickersChange
from linkweir.clock import HOUR_US
from linkweir.db.aggregate_columns import VERDICTS
from linkweir.db.click_probabilities import (
    ALL_CLICKS,
    BASIS_POINTS,
    LIKELY_BASIS_POINTS,
    ClickerCounts,
    ExpectedClicker,
    clicker_counts,
)
from linkweir.db.dimensions import UNIQUE_OVERALL_FLAG, DimensionValue
from linkweir.db.schema import CLICK_COUNTS

VERDICT_COLUMNS = {verdict: column for column, verdict in enumerate(VERDICTS)}
CLICKERS_COLUMN = len(VERDICTS)
EXPECTED_COLUMN, VARIANCE_COLUMN, EXPECTED_CLICKERS_COLUMN = range(CLICKERS_COLUMN + 1, CLICKERS_COLUMN + 4)
LINK_COLUMNS = (*range(CLICKERS_COLUMN), EXPECTED_COLUMN, VARIANCE_COLUMN)  # of a row of `links`, as they are stored
COUNTS_OFFSET = 5  # after account, scope, dimension, value and hour
BucketKey = tuple[uuid.UUID, tuple[str, ...], int]  # account, scopes, hour


@dataclass(slots=True)
class AggregateDeltas:
    """Differences: of `buckets` by what many clicks share, and within that by dimension and value (CLICK_COUNTS); of
    `links` by message and position (the same, of which LINK_COLUMNS are used); of `counts` by message (clicks, opens,
    EXPECTED_MESSAGE_COUNTS); and each link's destination.
    """

    buckets: dict[BucketKey, dict[DimensionValue, list[int]]] = field(default_factory=lambda: defaultdict(dict))
    links: dict[tuple[uuid.UUID, int], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0] * EXPECTED_CLICKERS_COLUMN)
    )
    counts: dict[uuid.UUID, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * 7))
    destinations: dict[tuple[uuid.UUID, int], str | None] = field(default_factory=dict)

    def add(self, click: Click) -> None:
        """Add a click as it is now, against what the aggregates have of it. An open counts for its message only."""
        moves = _count_deltas(click)
        if click.message_id is not None:
            self._add_message_counts(click, moves)
        if (
            click.kind == "click"
            and click.target is not None
            and (moves or click.unique_flags != click.stored_unique_flags)
        ):
            self._add_dimensions(click, click.target, moves)

    def _add_message_counts(self, click: Click, moves: list[tuple[int, int]]) -> None:
        assert click.message_id is not None
        if click.kind == "open" and click.counted_verdict is None and click.method == "GET":
            self.counts[click.message_id][1] += 1
        if click.kind != "click":
            return
        link = (click.message_id, click.position)
        if moves:
            row = self.links[link]
            for column, difference in moves:
                row[column] += difference
            self.destinations[link] = click.destination
            counts = self.counts[click.message_id]
            counts[0] += click.is_counted - click.was_counted
            counts[2] += click.counted_verdict is None
            counts[3] += _is_likely(click.machine_basis_points) - _is_likely(click.counted_machine_basis_points)
            for column, difference in moves:
                if column in (EXPECTED_COLUMN, VARIANCE_COLUMN):
                    counts[column - EXPECTED_COLUMN + 4] += difference
        elif click.unique_flags != click.stored_unique_flags:
            self.links[link]  # its first click moves: the row is written again
            self.destinations[link] = click.destination

    def _add_dimensions(self, click: Click, target: AggregationTarget, moves: list[tuple[int, int]]) -> None:
        sums = self.buckets[target.account_id, target.scopes, click.at // HOUR_US]
        moved = click.unique_flags ^ click.stored_unique_flags
        for key in click.own_dimensions:
            bit = DIMENSION_FLAGS[key[0]]
            if moves or moved & bit:
                _add_row(sums, key, moves, (1 if click.unique_flags & bit else -1) if moved & bit else 0)
        overall = (1 if click.unique_flags & UNIQUE_OVERALL_FLAG else -1) if moved & UNIQUE_OVERALL_FLAG else 0
        if moves or overall:
            for key in target.shared_dimensions:
                _add_row(sums, key, moves, overall)

    def add_clickers(self, change: ClickersChange) -> None:
        """Add how likely a person clicked a message now, against what the aggregates have of it."""
        before, after, target = change.before, change.after, change.target
        hours: dict[int, dict[DimensionValue, list[int]]] = {}
        for key in before.keys() | after.keys():
            old, new = before.get(key), after.get(key)
            if old == new:
                continue
            if key == ALL_CLICKS and isinstance(change.message_key, uuid.UUID):
                self.counts[change.message_key][6] += (new[1] if new else 0) - (old[1] if old else 0)
            if target is None:
                continue
            keys = (key, *target.shared_dimensions) if key == ALL_CLICKS else (key,)
            for hour, differences in _clicker_deltas(old, new):
                sums = hours.get(hour)
                if sums is None:
                    sums = hours[hour] = self.buckets[target.account_id, target.scopes, hour]
                for dimension in keys:
                    _add_clicker(sums, dimension, differences)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the differences of the aggregates: each row once."""
        merged: dict[tuple[int, str, DimensionValue, int], list[Any]] = {}
        for (account, scopes, hour), sums in self.buckets.items():
            for scope in scopes:
                for key, row in sums.items():
                    row_key = (account.int, scope, key, hour)  # a UUID's own hash is slow
                    known = merged.get(row_key)
                    if known is None:
                        merged[row_key] = [account, scope, *key, hour, *row]
                    else:
                        known[COUNTS_OFFSET:] = map(add, known[COUNTS_OFFSET:], row)
        return [tuple(row) for row in merged.values()]


def _add_row(
    sums: dict[DimensionValue, list[int]], key: DimensionValue, moves: list[tuple[int, int]], clickers: int
) -> None:
    row = sums.get(key)
    if row is None:
        row = sums[key] = [0] * len(CLICK_COUNTS)
    for column, difference in moves:
        row[column] += difference
    row[CLICKERS_COLUMN] += clickers


def _clicker_deltas(old: ExpectedClicker | None, new: ExpectedClicker | None) -> Iterator[tuple[int, ClickerCounts]]:
    """Yield the hours whose sums change, and how much more each counts."""
    if old is not None and new is not None and old[0] == new[0]:
        was, now = clicker_counts(old[1]), clicker_counts(new[1])
        yield new[0], (now[0] - was[0], now[1] - was[1], now[2] - was[2])
        return
    if old is not None:
        expected, variance, certain = clicker_counts(old[1])
        yield old[0], (-expected, -variance, -certain)
    if new is not None:
        yield new[0], clicker_counts(new[1])


def _add_clicker(sums: dict[DimensionValue, list[int]], key: DimensionValue, differences: ClickerCounts) -> None:
    row = sums.get(key)
    if row is None:
        row = sums[key] = [0] * len(CLICK_COUNTS)
    expected, variance, certain = differences
    row[EXPECTED_CLICKERS_COLUMN] += expected
    row[EXPECTED_CLICKERS_COLUMN + 1] += variance
    row[EXPECTED_CLICKERS_COLUMN + 2] += certain


def _count_deltas(click: Click) -> list[tuple[int, int]]:
    """List the columns of verdicts and expected clicks that change, and by how much."""
    moves = []
    if click.counted_verdict != click.verdict:
        moves = [(VERDICT_COLUMNS[click.verdict], 1)]
        if click.counted_verdict is not None:
            moves.append((VERDICT_COLUMNS[click.counted_verdict], -1))
    if click.probability_changed:
        now, before = click.machine_basis_points, click.counted_machine_basis_points
        before = BASIS_POINTS if before is None else before
        moves.append((EXPECTED_COLUMN, before - now))
        moves.append((VARIANCE_COLUMN, now * (BASIS_POINTS - now) - before * (BASIS_POINTS - before)))
    return moves


def _is_likely(machine_basis_points: int | None) -> bool:
    """Whether a hit is rather a person's; None: there is none."""
    return machine_basis_points is not None and BASIS_POINTS - machine_basis_points >= LIKELY_BASIS_POINTS

"""What a batch of new and re-judged clicks changes in the sums. Pure: gathers differences, one for each row."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from operator import add
from typing import Any

from linkweir.clicks.ingest.click import DIMENSION_FLAGS, AggregationTarget, Click
from linkweir.clock import HOUR_US
from linkweir.db.aggregate_columns import VERDICTS
from linkweir.db.dimensions import UNIQUE_OVERALL_FLAG, DimensionValue

VERDICT_COLUMNS = {verdict: column for column, verdict in enumerate(VERDICTS)}
CLICKERS_COLUMN = len(VERDICTS)
COUNTS_OFFSET = 5  # after account, scope, dimension, value and hour
BucketKey = tuple[uuid.UUID, tuple[str, ...], int]  # account, scopes, hour


@dataclass(slots=True)
class AggregateDeltas:
    """Differences: of `sums` by what many clicks share, and within that by dimension and value (one for each verdict,
    and clickers); of `links` by message and position (one for each verdict); of `counts` by message (clicks and opens);
    and each link's destination.
    """

    buckets: dict[BucketKey, dict[DimensionValue, list[int]]] = field(default_factory=lambda: defaultdict(dict))
    links: dict[tuple[uuid.UUID, int], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0] * CLICKERS_COLUMN)
    )
    counts: dict[uuid.UUID, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    destinations: dict[tuple[uuid.UUID, int], str | None] = field(default_factory=dict)

    def add(self, click: Click) -> None:
        """Add a click as it is now, against what the aggregates have of it. An open counts for its message only."""
        moves = _verdict_deltas(click)
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
            if click.is_counted != click.was_counted:
                self.counts[click.message_id][0] += click.is_counted - click.was_counted
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

    def rows(self) -> list[tuple[Any, ...]]:
        """The differences of the sums as the store takes them: each row once."""
        found: dict[tuple[int, str, DimensionValue, int], list[Any]] = {}
        for (account, scopes, hour), sums in self.buckets.items():
            for scope in scopes:
                for key, row in sums.items():
                    place = (account.int, scope, key, hour)  # a UUID's own hash is slow
                    known = found.get(place)
                    if known is None:
                        found[place] = [account, scope, *key, hour, *row]
                    else:
                        known[COUNTS_OFFSET:] = map(add, known[COUNTS_OFFSET:], row)
        return [tuple(row) for row in found.values()]


def _add_row(
    sums: dict[DimensionValue, list[int]], key: DimensionValue, moves: list[tuple[int, int]], clickers: int
) -> None:
    row = sums.get(key)
    if row is None:
        row = sums[key] = [0] * (CLICKERS_COLUMN + 1)
    for column, difference in moves:
        row[column] += difference
    row[CLICKERS_COLUMN] += clickers


def _verdict_deltas(click: Click) -> list[tuple[int, int]]:
    """Which verdicts' columns change, and by how much."""
    if click.counted_verdict == click.verdict:
        return []
    new = (VERDICT_COLUMNS[click.verdict], 1)
    return [new] if click.counted_verdict is None else [(VERDICT_COLUMNS[click.counted_verdict], -1), new]

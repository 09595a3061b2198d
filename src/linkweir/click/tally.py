"""What a batch of new and re-judged clicks changes in the sums. Pure: gathers differences, one for each row."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from linkweir.click.place import Place
from linkweir.click.single import BIT, Click
from linkweir.store.sums import HOUR, OVERALL, VERDICTS

COLUMN = {verdict: place for place, verdict in enumerate(VERDICTS)}
CLICKERS = len(VERDICTS)
Sum = tuple[uuid.UUID, str, str, str, int]  # account, scope, dimension, value, hour


@dataclass(slots=True)
class Tally:
    """Differences: of `sums` by row (one for each verdict, and clickers), of `links` by message and position (one for
    each verdict), of `counts` by message (clicks and opens), and each link's destination.
    """

    sums: dict[Sum, list[int]] = field(default_factory=dict)
    links: dict[tuple[uuid.UUID, int], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * CLICKERS))
    counts: dict[uuid.UUID, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    destinations: dict[tuple[uuid.UUID, int], str | None] = field(default_factory=dict)

    def add(self, click: Click, place: Place | None) -> None:
        """A click as it is now, against what the sums have of it. An open counts for its message only."""
        moves = _moves(click)
        if click.message is not None:
            self._count(click, moves)
        if click.kind == "click" and place is not None and (moves or click.bits != click.bits_before):
            self._sum(click, place, moves)

    def _count(self, click: Click, moves: list[tuple[int, int]]) -> None:
        assert click.message is not None
        if click.kind == "open" and click.before is None and click.method == "GET":
            self.counts[click.message][1] += 1
        if click.kind != "click":
            return
        link = (click.message, click.position)
        if moves:
            row = self.links[link]
            for column, difference in moves:
                row[column] += difference
            self.destinations[link] = click.destination
            if click.counts != click.counted:
                self.counts[click.message][0] += click.counts - click.counted
        elif click.bits != click.bits_before:
            self.links[link]  # its first click moves: the row is written again
            self.destinations[link] = click.destination

    def _sum(self, click: Click, place: Place, moves: list[tuple[int, int]]) -> None:
        hour = click.at // HOUR
        overall = _step(click, OVERALL)
        changes = [(key, _step(click, BIT[key[0]])) for key in click.own]
        changes += [(key, overall) for key in place.share]
        for scope in place.scopes:
            for (dimension, value), clickers in changes:
                if moves or clickers:
                    self._add((place.account, scope, dimension, value, hour), moves, clickers)

    def _add(self, key: Sum, moves: list[tuple[int, int]], clickers: int) -> None:
        row = self.sums.get(key)
        if row is None:
            row = self.sums[key] = [0] * (CLICKERS + 1)
        for column, difference in moves:
            row[column] += difference
        row[CLICKERS] += clickers


def _moves(click: Click) -> list[tuple[int, int]]:
    """Which verdicts' columns change, and by how much."""
    if click.before == click.verdict:
        return []
    new = (COLUMN[click.verdict], 1)
    return [new] if click.before is None else [(COLUMN[click.before], -1), new]


def _step(click: Click, bit: int) -> int:
    return bool(click.bits & bit) - bool(click.bits_before & bit)


def rows_of(sums: dict[Sum, list[int]]) -> list[dict[str, Any]]:
    """The differences as the store takes them."""
    names = ("account_id", "scope", "dimension", "value", "hour", *VERDICTS, "clickers")
    return [dict(zip(names, (*key, *row), strict=True)) for key, row in sums.items()]

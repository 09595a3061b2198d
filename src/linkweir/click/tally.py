"""What a batch of new and re-judged clicks changes in the sums. Pure: gathers differences, one for each row."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from operator import add
from typing import Any

from linkweir.click.place import Place
from linkweir.click.single import BIT, Click, Key
from linkweir.store.sums import HOUR, OVERALL, VERDICTS

COLUMN = {verdict: place for place, verdict in enumerate(VERDICTS)}
CLICKERS = len(VERDICTS)
FIRST_SUM = 5  # after account, scope, dimension, value and hour
Whole = tuple[uuid.UUID, tuple[str, ...], int]  # account, scopes, hour


@dataclass(slots=True)
class Tally:
    """Differences: of `sums` by what many clicks share, and within that by dimension and value (one for each verdict,
    and clickers); of `links` by message and position (one for each verdict); of `counts` by message (clicks and opens);
    and each link's destination.
    """

    sums: dict[Whole, dict[Key, list[int]]] = field(default_factory=lambda: defaultdict(dict))
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
        sums = self.sums[place.account, place.scopes, click.at // HOUR]
        moved = click.bits ^ click.bits_before
        for key in click.own:
            bit = BIT[key[0]]
            if moves or moved & bit:
                _add(sums, key, moves, (1 if click.bits & bit else -1) if moved & bit else 0)
        overall = (1 if click.bits & OVERALL else -1) if moved & OVERALL else 0
        if moves or overall:
            for key in place.share:
                _add(sums, key, moves, overall)

    def rows(self) -> list[tuple[Any, ...]]:
        """The differences of the sums as the store takes them: each row once."""
        found: dict[tuple[int, str, Key, int], list[Any]] = {}
        for (account, scopes, hour), sums in self.sums.items():
            for scope in scopes:
                for key, row in sums.items():
                    place = (account.int, scope, key, hour)  # a UUID's own hash is slow
                    known = found.get(place)
                    if known is None:
                        found[place] = [account, scope, *key, hour, *row]
                    else:
                        known[FIRST_SUM:] = map(add, known[FIRST_SUM:], row)
        return [tuple(row) for row in found.values()]


def _add(sums: dict[Key, list[int]], key: Key, moves: list[tuple[int, int]], clickers: int) -> None:
    row = sums.get(key)
    if row is None:
        row = sums[key] = [0] * (CLICKERS + 1)
    for column, difference in moves:
        row[column] += difference
    row[CLICKERS] += clickers


def _moves(click: Click) -> list[tuple[int, int]]:
    """Which verdicts' columns change, and by how much."""
    if click.before == click.verdict:
        return []
    new = (COLUMN[click.verdict], 1)
    return [new] if click.before is None else [(COLUMN[click.before], -1), new]

"""Counts of clicks by verdict: people (human and unsure, which count) beside machines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """Clicks by verdict, and in `clickers` the messages that were clicked by somebody for the first time."""

    human: int = 0
    unsure: int = 0
    machine: int = 0
    prefetch: int = 0
    clickers: int = 0

    @property
    def people(self) -> int:
        """Clicks that count: by a human, or not known to be a machine's."""
        return self.human + self.unsure

    @property
    def machines(self) -> int:
        """Clicks that do not count: scanners, and fetching ahead."""
        return self.machine + self.prefetch

    @property
    def total(self) -> int:
        """Everything that was recorded."""
        return self.people + self.machines


NO_COUNTS = VerdictCounts()


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """The clicks of one link."""

    human: int = 0
    unsure: int = 0
    machine: int = 0

    @property
    def people(self) -> int:
        """Return the clicks that count: all but those classified as machine."""
        return self.human + self.unsure

    @property
    def total(self) -> int:
        """Every hit."""
        return self.people + self.machine


NO_CLICKS = LinkClicks()


def counts_from_row(row: Mapping[Any, Any]) -> VerdictCounts:
    """Build the counts from a row of aggregates."""
    clickers = row.get("clickers", 0)
    return VerdictCounts(row["human"], row["unsure"], row["machine"], row["prefetch"], clickers)


def counts_by_value(rows: Iterable[Row[Any]]) -> list[tuple[str, VerdictCounts]]:
    """Values of a dimension with their figures, in the rows' order."""
    return [(row.value, counts_from_row(row._mapping)) for row in rows]


def link_clicks_by_position(rows: Iterable[Row[Any]]) -> dict[int, LinkClicks]:
    """Return counts by link position, from rows of aggregates whose value is `<position>` TAB `<destination>`."""
    by_position: dict[int, LinkClicks] = {}
    for row in rows:
        position = row.value.partition("\t")[0]
        if position.isdigit():
            before, counts = by_position.get(int(position), LinkClicks()), counts_from_row(row._mapping)
            by_position[int(position)] = LinkClicks(
                before.human + counts.human, before.unsure + counts.unsure, before.machine + counts.machines
            )
    return by_position


def link_clicks_from_links(rows: Iterable[Mapping[Any, Any]]) -> dict[int, LinkClicks]:
    """Counts by position, from the links of one message."""
    return {row["position"]: LinkClicks(row["human"], row["unsure"], row["machine"] + row["prefetch"]) for row in rows}

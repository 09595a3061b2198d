"""Counts of clicks by verdict: people (human and unsure, which count) beside machines, and internal ones apart."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from linkweir.stats.estimates import (
    NOTHING_EXPECTED,
    Estimate,
    ExpectedCounts,
    expected_counts,
    expected_counts_from_public,
    make_estimate,
)


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """Clicks by verdict, and in `clickers` the messages that were clicked by somebody for the first time."""

    human: int = 0
    unsure: int = 0
    machine: int = 0
    prefetch: int = 0
    internal: int = 0
    clickers: int = 0
    expected: ExpectedCounts = NOTHING_EXPECTED

    @property
    def expected_people(self) -> int:
        """Clicks that people are expected to have made, as a whole number."""
        return round(self.expected.clicks.value)

    @property
    def expected_machines(self) -> int:
        """The other clicks that are not internal."""
        return self.judged - self.expected_people

    @property
    def people(self) -> int:
        """Clicks that count: by a human, or not known to be a machine's."""
        return self.human + self.unsure

    @property
    def machines(self) -> int:
        """Clicks that do not count: scanners, and fetching ahead."""
        return self.machine + self.prefetch

    @property
    def judged(self) -> int:
        """Clicks by people and machines: all but internal ones."""
        return self.people + self.machines

    @property
    def total(self) -> int:
        """Everything that was recorded."""
        return self.judged + self.internal


NO_COUNTS = VerdictCounts()


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """The clicks of one link."""

    human: int = 0
    unsure: int = 0
    machine: int = 0
    internal: int = 0
    expected_clicks: int = 0
    expected_clicks_variance: int = 0

    @property
    def expected(self) -> Estimate:
        """How many of them people are expected to have made."""
        return make_estimate(self.expected_clicks, self.expected_clicks_variance, self.judged)

    @property
    def expected_people(self) -> int:
        """Clicks that people are expected to have made, as a whole number."""
        return round(self.expected.value)

    @property
    def expected_machines(self) -> int:
        """The other clicks that are not internal."""
        return self.judged - self.expected_people

    @property
    def people(self) -> int:
        """Return the clicks that count: human and unsure."""
        return self.human + self.unsure

    @property
    def judged(self) -> int:
        """Clicks by people and machines: all but internal ones."""
        return self.people + self.machine

    @property
    def total(self) -> int:
        """Every hit."""
        return self.judged + self.internal


NO_CLICKS = LinkClicks()


def counts_from_row(row: Mapping[Any, Any]) -> VerdictCounts:
    """Build the counts from a row of aggregates, or from one with public names."""
    expected = expected_counts_from_public(row) if "expected_clicks_low" in row else expected_counts(row)
    names = ("human", "unsure", "machine", "prefetch", "internal", "clickers")
    return VerdictCounts(**{name: row[name] for name in names}, expected=expected)


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
                before.human + counts.human,
                before.unsure + counts.unsure,
                before.machine + counts.machines,
                before.internal + counts.internal,
                before.expected_clicks + row.expected_clicks,
                before.expected_clicks_variance + row.expected_clicks_variance,
            )
    return by_position


def link_clicks_from_links(rows: Iterable[Mapping[Any, Any]]) -> dict[int, LinkClicks]:
    """Counts by position, from the links of one message."""
    return {
        row["position"]: LinkClicks(
            row["human"],
            row["unsure"],
            row["machine"] + row["prefetch"],
            row["internal"],
            row["expected_clicks"],
            row["expected_clicks_variance"],
        )
        for row in rows
    }


def shown_status(message: Mapping[Any, Any]) -> str:
    """The status of a message; not `Clicked` where each of its hits is likelier a machine's than a person's."""
    if message["status"] != "Clicked" or message["likely_count"]:
        return str(message["status"])
    return "Opened" if message["open_count"] else "Delivered"

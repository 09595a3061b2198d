"""Sums of clicks in the words of the pages: people (human and unsure, which count) beside machines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from linkweir.edge.dashboard.drawn import Counted


@dataclass(frozen=True, slots=True)
class Figures:
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


NOTHING = Figures()


def of(row: Mapping[Any, Any]) -> Figures:
    """The figures of a row of sums."""
    clickers = row.get("clickers", 0)
    return Figures(row["human"], row["unsure"], row["machine"], row["prefetch"], clickers)


def ranking(rows: Iterable[Row[Any]]) -> list[tuple[str, Figures]]:
    """Values of a dimension with their figures, in the rows' order."""
    return [(row.value, of(row._mapping)) for row in rows]


def by_position(rows: Iterable[Row[Any]]) -> dict[int, Counted]:
    """Counts by position, from rows of sums whose value is `<position>` TAB `<destination>`."""
    found: dict[int, Counted] = {}
    for row in rows:
        place = row.value.partition("\t")[0]
        if place.isdigit():
            before, one = found.get(int(place), Counted()), of(row._mapping)
            found[int(place)] = Counted(
                before.human + one.human, before.unsure + one.unsure, before.machine + one.machines
            )
    return found


def of_links(rows: Iterable[Mapping[Any, Any]]) -> dict[int, Counted]:
    """Counts by position, from the links of one message."""
    return {row["position"]: Counted(row["human"], row["unsure"], row["machine"] + row["prefetch"]) for row in rows}

"""The order of a table's rows, chosen by its column heads: `sort=total` in the address, `sort=-total` descending."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from linkweir.dashboard.page_request import DashboardRequest

RowT = TypeVar("RowT")
SortKey = Callable[[RowT], Any]  # None: the row comes last in either order
ASCENDING_FIRST: Final = frozenset(("tag", "value", "position", "subject", "recipient", "status", "variant"))


@dataclass(frozen=True, slots=True)
class ColumnOrder:
    """A column and a direction."""

    name: str
    descending: bool

    @property
    def value(self) -> str:
        """The order as it stands in an address."""
        return f"-{self.name}" if self.descending else self.name

    def next(self, name: str) -> str:
        """The order that a press on the head of a column asks for: numbers begin with the largest."""
        if name == self.name:
            return name if self.descending else f"-{name}"
        return name if name in ASCENDING_FIRST else f"-{name}"


@dataclass(frozen=True, slots=True)
class TableOrder(ColumnOrder, Generic[RowT]):
    """A column of `keys` and a direction."""

    keys: Mapping[str, SortKey[RowT]]

    def sort(self, rows: Iterable[RowT]) -> list[RowT]:
        """Return the rows in this order; rows that are equal keep theirs."""
        keyed = [(self.keys[self.name](row), row) for row in rows]
        known = sorted((item for item in keyed if item[0] is not None), key=_first, reverse=self.descending)
        return [row for _, row in known] + [row for key, row in keyed if key is None]


def _first(item: tuple[Any, Any]) -> Any:
    return item[0]


def parse_column_order(call: DashboardRequest, columns: Container[str], default: str) -> ColumnOrder:
    """Parse the order in the query; `default` for none or one that does not exist."""
    value = call.query("sort")
    if value.removeprefix("-") not in columns:
        value = default
    return ColumnOrder(value.removeprefix("-"), value.startswith("-"))


def parse_order(call: DashboardRequest, keys: Mapping[str, SortKey[RowT]], default: str) -> TableOrder[RowT]:
    """Parse the order in the query; `default` for none or one that does not exist."""
    order = parse_column_order(call, keys, default)
    return TableOrder(order.name, order.descending, keys)

"""Keyset pagination: the page that is requested, and the rows that it has. Knows no SQL and no cursor format."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

CursorPosition = tuple[int, uuid.UUID]  # created_at and id
SortPosition = tuple[int | str, uuid.UUID]  # the value of the column that rows are sorted by, and id


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for up to `limit` rows `after` or `before` a position; without a position for the first page."""

    limit: int
    direction: Literal["after", "before"] = "after"
    position: CursorPosition | None = None


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows, newest first, and whether there are more before and after them."""

    rows: list[RowMapping]
    more_before: bool
    more_after: bool


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Rows that a search found, newest first, and where it goes on; None: nothing is left. `is_cut`: it has looked at
    as many rows as one page may.
    """

    rows: list[RowMapping]
    older: CursorPosition | None
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class SortRequest:
    """A request for up to `limit` rows in the order of a column, `after` or `before` a position in that order."""

    column: str
    is_ascending: bool
    limit: int
    direction: Literal["after", "before"] = "after"
    position: SortPosition | None = None


@dataclass(frozen=True, slots=True)
class SortedPage:
    """Rows in the order of a column, each with its value there as `sort_key`, and whether there are more before and
    after them. `is_cut`: there were more rows than may be sorted, and the oldest were left out.
    """

    rows: list[RowMapping]
    more_before: bool
    more_after: bool
    is_cut: bool

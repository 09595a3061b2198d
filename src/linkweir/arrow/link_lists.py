"""Links and outcomes of rows as Arrow columns."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import accumulate

from linkweir import _arrow
from linkweir.arrow.column import Column, make_bitmap, make_numbers, make_texts
from linkweir.arrow.row_rewriter import ROW_OUTCOME_NUMBER, ROW_OUTCOMES, RowOutcome
from linkweir.html.link import Link

_LINK_FIELDS: tuple[tuple[bytes, Callable[[list[Link]], _arrow.ArrayData]], ...] = (
    (b"index", lambda links: make_numbers([link.index for link in links])),
    (b"outcome", lambda links: make_texts([link.outcome for link in links])),
    (b"destination", lambda links: make_texts([link.destination for link in links])),
    (b"line", lambda links: make_numbers([link.line for link in links])),
    (b"column", lambda links: make_numbers([link.column for link in links])),
    (b"text", lambda links: make_texts([link.text for link in links])),
    (b"element", lambda links: make_texts([link.element for link in links])),
    (b"replacement", lambda links: make_texts([link.replacement for link in links])),
    (b"warning", lambda links: make_texts([link.warning for link in links])),
)


def make_link_lists(rows: Sequence[list[Link] | None]) -> _arrow.ArrayData:
    """An array of lists of structs."""
    links = [link for row in rows for link in row or ()]
    offsets = array("i", accumulate((len(row or ()) for row in rows), initial=0))
    validity, nulls = make_bitmap([row is not None for row in rows])
    fields = tuple(make(links) for _, make in _LINK_FIELDS)
    names = tuple(name for name, _ in _LINK_FIELDS)
    struct = _arrow.ArrayData(b"+s", len(links), 0, (None,), fields, names)
    return _arrow.ArrayData(b"+l", len(rows), nulls, (validity, offsets), (struct,), (b"item",))


def make_struct_column(rows: list[_arrow.TextRows], links: list[list[Link]]) -> Column:
    """Outcome and links of each row; `links` are those of the rows that went through Python, in order."""
    left = iter(links)
    without = {0, ROW_OUTCOME_NUMBER[RowOutcome.MESSAGE_ID]}
    chunks = []
    for chunk in rows:
        numbers = bytes(chunk.outcomes)[: chunk.count]
        lists = [None if number in without else next(left) for number in numbers]
        chunks.append(_make_struct(_make_outcomes(chunk), make_link_lists(lists)))
    return Column(_make_struct(make_texts([]), make_link_lists([])), chunks)


def _make_struct(outcomes: _arrow.ArrayData, links: _arrow.ArrayData) -> _arrow.ArrayData:
    return _arrow.ArrayData(b"+s", outcomes.length, 0, (None,), (outcomes, links), (b"outcome", b"links"))


def _make_outcomes(chunk: _arrow.TextRows) -> _arrow.ArrayData:
    return make_texts([ROW_OUTCOMES[number] for number in bytes(chunk.outcomes)[: chunk.count]])


def make_outcome_column(rows: list[_arrow.TextRows]) -> Column:
    return Column(make_texts([]), [_make_outcomes(chunk) for chunk in rows])

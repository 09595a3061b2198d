"""Statements that add to the sums of clicks: by time (`rollups`) and of each message's links (`message_links`)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from linkweir.store import axes, words
from linkweir.store.many import Many
from linkweir.store.spans import COARSE, HOUR, SIZES, start
from linkweir.store.sums import VERDICTS
from linkweir.store.tables import CLICK_COUNTS, message_links, rollups, sends, settled

KEY = ("axis", "hours", "hour", "word")
_LINK_KEY = ["message_id", "position"]


def _adding(table: Table, *counts: str) -> Many:
    statement = insert(table)
    more = {name: table.c[name] + statement.excluded[name] for name in counts}
    return Many(statement.on_conflict_do_update(index_elements=KEY, set_=more), (*KEY, *counts), ())


def _dropping(table: Table, *counts: str) -> Many:
    here = [table.c[name] == bindparam(f"of_{name}") for name in KEY]
    nothing = [table.c[name] == 0 for name in counts]
    return Many(delete(table).where(and_(*here, *nothing)), [f"of_{name}" for name in KEY], ())


_ADD = {
    "rollups": _adding(rollups, *CLICK_COUNTS),
    "settled": _adding(settled, *CLICK_COUNTS),
    "sends": _adding(sends, "sent", "delivered"),
}
_DROP = {"rollups": _dropping(rollups, *CLICK_COUNTS), "sends": _dropping(sends, "sent", "delivered")}
_LINK_COLUMNS = ("message_id", "position", "destination", *VERDICTS, "first_at")
_link = insert(message_links)
_link_sums = {name: message_links.c[name] + _link.excluded[name] for name in VERDICTS}
_moved = {**_link_sums, "first_at": _link.excluded.first_at}
_ADD_LINK, _MOVE_LINK = (
    Many(_link.on_conflict_do_update(index_elements=_LINK_KEY, set_=sums), _LINK_COLUMNS, ("message_id",))
    for sums in (_link_sums, _moved)
)


def add(
    connection: Connection, rows: Sequence[tuple[Any, ...]], table: Table = rollups, *, hours_only: bool = False
) -> None:
    """Add differences, which may be negative: account, scope, dimension, value and hour, then the table's counts.

    `hours_only`: longer times are left to the caller, as they are in `settled`, which has none.
    """
    _run(connection, _ADD[table.name], rows, (HOUR,) if hours_only or table is settled else SIZES, counts=True)


def drop_empty(connection: Connection, rows: Sequence[tuple[Any, ...]], table: Table = rollups) -> None:
    """Remove those of these sums that have come to nothing, and their words where these were the last: rows as for
    `add`, whose counts do not matter.
    """
    found = _run(connection, _DROP[table.name], rows, SIZES, counts=False)
    words.sweep(connection, found)


def _run(
    connection: Connection, many: Many, rows: Sequence[tuple[Any, ...]], sizes: Sequence[int], *, counts: bool
) -> set[int]:
    """Run a statement for every sum that these rows are part of; the words that these are kept by."""
    if not rows:
        return set()
    word = words.numbers(connection, {row[3] for row in rows})
    axis = _axes(connection, rows)
    placed = [(axis[row[0].int, row[1], row[2]], row[4], word[row[3]], *row[5:]) for row in rows]
    placed.sort()  # neighbours lie on the same pages
    last = None if counts else 3
    many.run(connection, [(row[0], size, start(row[1], size), *row[2:last]) for size in sizes for row in placed])
    return set(word.values())


def _axes(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> dict[tuple[int, str, str], int]:
    known = {(row[0].int, row[1], row[2]): row[:3] for row in rows}  # a UUID's own hash is slow
    found = axes.numbers(connection, known.values())
    return {key: found[axis] for key, axis in known.items()}


def add_selected(connection: Connection, rows: Select[Any]) -> None:
    """Add what a SELECT with a WHERE finds, all columns in their order, to `rollups` as it is."""
    statement = insert(rollups).from_select([*KEY, *CLICK_COUNTS], rows)
    more = {name: rollups.c[name] + statement.excluded[name] for name in CLICK_COUNTS}
    connection.execute(statement.on_conflict_do_update(index_elements=KEY, set_=more))


def coarsen(connection: Connection, axis: int) -> int:
    """Make the sums over longer times along an axis anew from those by the hour; how many there are."""
    done = 0
    connection.execute(delete(rollups).where(rollups.c.axis == axis, rollups.c.hours != HOUR))
    for size, of in COARSE:
        length: ColumnElement[int] = literal_column(str(size))
        begin: ColumnElement[int] = rollups.c.hour - rollups.c.hour % length if size else rollups.c.hour * 0
        sums = [func.sum(rollups.c[name]) for name in CLICK_COUNTS]
        rows = (
            select(literal(axis), literal(size), begin, rollups.c.word, *sums)
            .where(rollups.c.axis == axis, rollups.c.hours == of)
            .group_by(begin, rollups.c.word)
        )
        done += connection.execute(insert(rollups).from_select([*KEY, *CLICK_COUNTS], rows)).rowcount
    return done


def add_links(connection: Connection, rows: Sequence[tuple[Any, ...]], *, moved: bool) -> None:
    """Add differences to the sums of messages' links: the columns of `message_links`. `moved`: `first_at` is known."""
    (_MOVE_LINK if moved else _ADD_LINK).run(connection, rows)

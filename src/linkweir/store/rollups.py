"""Statements that add to the sums of clicks: by hour (`rollups`) and of each message's links (`message_links`)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table
from sqlalchemy.dialects.sqlite import Insert, insert

from linkweir.store.contributions import COLUMNS
from linkweir.store.many import Many
from linkweir.store.sums import VERDICTS
from linkweir.store.tables import message_links, rollups

KEY = ["account_id", "scope", "dimension", "value", "hour"]
_LINK_KEY = ["message_id", "position"]


def _adding(table: Table, statement: Insert) -> Insert:
    sums = {name: table.c[name] + statement.excluded[name] for name in (*VERDICTS, "clickers")}
    return statement.on_conflict_do_update(index_elements=KEY, set_=sums)


_ADD = Many(_adding(rollups, insert(rollups)), COLUMNS, ("account_id",))
_LINK_COLUMNS = ("message_id", "position", "destination", *VERDICTS, "first_at")
_link = insert(message_links)
_link_sums = {name: message_links.c[name] + _link.excluded[name] for name in VERDICTS}
_moved = {**_link_sums, "first_at": _link.excluded.first_at}
_ADD_LINK, _MOVE_LINK = (
    Many(_link.on_conflict_do_update(index_elements=_LINK_KEY, set_=sums), _LINK_COLUMNS, ("message_id",))
    for sums in (_link_sums, _moved)
)


def add(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add differences, which may be negative, to sums by hour: COLUMNS, each key at most once."""
    _ADD.run(connection, rows)


def add_selected(connection: Connection, table: Table, rows: Select[Any]) -> None:
    """Add what a SELECT finds (COLUMNS, with a WHERE) to `rollups` or `settled`."""
    connection.execute(_adding(table, insert(table).from_select(list(COLUMNS), rows)))


def add_links(connection: Connection, rows: Sequence[tuple[Any, ...]], *, moved: bool) -> None:
    """Add differences to the sums of messages' links: the columns of `message_links`. `moved`: `first_at` is known."""
    (_MOVE_LINK if moved else _ADD_LINK).run(connection, rows)

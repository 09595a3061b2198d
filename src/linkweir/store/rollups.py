"""Statements that add to the sums of clicks: by hour (`rollups`) and of each message's links (`message_links`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from linkweir.store.sums import VERDICTS
from linkweir.store.tables import message_links, rollups

_rollup = insert(rollups)
_ADD = _rollup.on_conflict_do_update(
    index_elements=["account_id", "scope", "dimension", "value", "hour"],
    set_={name: rollups.c[name] + _rollup.excluded[name] for name in (*VERDICTS, "clickers")},
)
_link = insert(message_links)
_link_sums = {name: message_links.c[name] + _link.excluded[name] for name in VERDICTS}
_LINK_KEY = ["message_id", "position"]
_ADD_LINK = _link.on_conflict_do_update(index_elements=_LINK_KEY, set_=_link_sums)
_MOVE_LINK = _link.on_conflict_do_update(
    index_elements=_LINK_KEY, set_={**_link_sums, "first_at": _link.excluded.first_at}
)


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add differences, which may be negative, to sums by hour: the columns of `rollups`, each key at most once."""
    if rows:
        connection.execute(_ADD, list(rows))


def add_links(connection: Connection, rows: Sequence[Mapping[str, Any]], *, moved: bool) -> None:
    """Add differences to the sums of messages' links: all columns of `message_links`. `moved`: `first_at` is known."""
    if rows:
        connection.execute(_MOVE_LINK if moved else _ADD_LINK, list(rows))

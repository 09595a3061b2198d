"""Statements on the words that sums are kept by: destinations, domains, countries and so on, each text once.

A text may name a person, so it goes with the last sum along it: `sweep`.
"""

from collections.abc import Iterable, Sequence

import orjson
from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, literal_column, select
from sqlalchemy.dialects.sqlite import insert

from linkweir.store.many import Many
from linkweir.store.spans import EVER
from linkweir.store.tables import marks, rollups, sends, words

_EVER: ColumnElement[int] = literal_column(str(EVER))  # a literal: an index on a condition does not serve a parameter
_asked = func.json_each(bindparam("asked")).table_valued("value")
_FIND = select(words.c.text, words.c.id).select_from(_asked.join(words, words.c.text == _asked.c.value))
_ADD = Many(insert(words).on_conflict_do_nothing(), ("text",), ())
NUL = "\\u0000"  # as JSON has it: SQLite's ends a text there
REBUILD = "rebuild"  # the mark that sums are being made anew
MANY = 500  # SQLite takes at most 999 parameters in old builds


def numbers(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """The numbers of these texts; those that are new get one."""
    wanted = list(set(texts))
    found = known(connection, wanted)
    missing = [one for one in wanted if one not in found]
    if missing:
        _ADD.run(connection, [(one,) for one in missing])
        found |= known(connection, missing)
    return found


def known(connection: Connection, texts: Sequence[str]) -> dict[str, int]:
    """The numbers of those that have one."""
    asked = orjson.dumps(texts).decode()
    if NUL not in asked:
        return {row[0]: row[1] for row in connection.execute(_FIND, {"asked": asked})}
    found: dict[str, int] = {}
    for start in range(0, len(texts), MANY):
        here = words.c.text.in_(texts[start : start + MANY])
        found |= {row[0]: row[1] for row in connection.execute(select(words.c.text, words.c.id).where(here))}
    return found


def sweep(connection: Connection, numbers: Iterable[int] | None = None) -> None:
    """Remove those of these words (None: of all) that no sum is kept by any more.

    None while sums are made anew: there are sums by the hour then that have no sum over all time yet. The end of that
    sweeps all words.
    """
    unused = [~select(marks.c.at).where(marks.c.name == REBUILD).exists()]
    unused += [
        ~select(table.c.word).where(table.c.word == words.c.id, table.c.hours == _EVER).exists()
        for table in (rollups, sends)
    ]
    statement = delete(words).where(*unused)
    if numbers is not None:
        each = func.json_each(bindparam("asked")).table_valued("value")
        statement = statement.where(words.c.id.in_(select(each.c.value)))
        connection.execute(statement, {"asked": orjson.dumps(list(numbers)).decode()})
    else:
        connection.execute(statement)

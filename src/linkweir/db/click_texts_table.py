"""Statements on the texts that rows of clicks and links name by numbers: each is stored once.

A destination that may hold an e-mail address is not among them. It stays in its row, where an erasure finds it.
"""

from collections.abc import Iterable, Mapping

import orjson
from sqlalchemy import Connection, Table, Text, select

from linkweir.db.bulk_statement import BulkStatement
from linkweir.db.portable_sql import each_item, insert, is_same_text, item_value
from linkweir.db.schema import EMAIL_MARKS, click_codes, click_texts

JSON_NUL = "\\u0000"  # as JSON has it: SQLite's ends a text there
BATCH_ROWS = 500  # SQLite takes at most 999 parameters in old builds


def is_shared(destination: str | None) -> bool:
    """Whether a destination is stored once for all rows, and not in each of them."""
    return destination is not None and not any(mark in destination for mark in EMAIL_MARKS)


def get_or_create_text_ids(connection: Connection, texts: Iterable[str | None]) -> Mapping[str, int]:
    """The numbers of these texts, of which None has none. New ones have to be used in the same transaction."""
    return _get_or_create_ids(connection, click_texts, {text for text in texts if text is not None})


def get_or_create_code_ids(connection: Connection, codes: Iterable[str]) -> Mapping[str, int]:
    """The numbers of these codes, as they came together; "" has none."""
    return _get_or_create_ids(connection, click_codes, {text for text in codes if text})


def _get_or_create_ids(connection: Connection, table: Table, texts: set[str]) -> dict[str, int]:
    if not texts:
        return {}
    ids = _find_ids(connection, table, sorted(texts))
    missing = sorted(texts - ids.keys())
    if missing:
        _INSERT[table.name].run(connection, [(text,) for text in missing])
        ids |= _find_ids(connection, table, missing)
    return ids


def _find_ids(connection: Connection, table: Table, texts: list[str]) -> dict[str, int]:
    texts_json = orjson.dumps(texts).decode()
    if JSON_NUL not in texts_json:
        return {row[0]: row[1] for row in connection.execute(_FIND[table.name], {"asked": texts_json})}
    ids: dict[str, int] = {}
    for start in range(0, len(texts), BATCH_ROWS):
        here = table.c.text.in_(texts[start : start + BATCH_ROWS])
        ids |= {row[0]: row[1] for row in connection.execute(select(table.c.text, table.c.id).where(here))}
    return ids


_TABLES = (click_texts, click_codes)
_EACH = each_item("asked")
_FIND = {
    table.name: select(table.c.text, table.c.id).select_from(
        _EACH.join(table, is_same_text(table.c.text, item_value(_EACH, Text())))
    )
    for table in _TABLES
}
_INSERT = {table.name: BulkStatement(insert(table).on_conflict_do_nothing(), ("text",), ()) for table in _TABLES}

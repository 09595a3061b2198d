"""Statements on the values that aggregates are kept by: destinations, domains, countries and so on, each text once.

A text may name a person, so it is deleted with the last aggregate of it: `delete_unused`.
"""

from collections.abc import Iterable, Sequence

import orjson
from sqlalchemy import ColumnElement, Connection, Integer, Text, delete, literal_column, select

from linkweir.db.bulk_statement import BulkStatement
from linkweir.db.portable_sql import each_item, insert, is_same_text, item_value
from linkweir.db.schema import aggregate_values, click_aggregates, pending_jobs, send_aggregates
from linkweir.db.time_buckets import ALL_TIME

_ALL_TIME: ColumnElement[int] = literal_column(
    str(ALL_TIME)
)  # a literal: an index on a condition does not serve a parameter
_TEXTS = each_item("asked")
_FIND = select(aggregate_values.c.text, aggregate_values.c.id).select_from(
    _TEXTS.join(aggregate_values, is_same_text(aggregate_values.c.text, item_value(_TEXTS, Text())))
)
_INSERT = BulkStatement(insert(aggregate_values).on_conflict_do_nothing(), ("text",), ())
JSON_NUL = "\\u0000"  # as JSON has it: SQLite's ends a text there
REBUILD_JOB = "rebuild"  # the mark that sums are being made anew
BATCH_ROWS = 500  # SQLite takes at most 999 parameters in old builds


def get_or_create_ids(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """The numbers of these texts; those that are new get one."""
    unique_texts = list(set(texts))
    ids = find_ids(connection, unique_texts)
    missing = [text for text in unique_texts if text not in ids]
    if missing:
        _INSERT.run(connection, [(text,) for text in sorted(missing)])
        ids |= find_ids(connection, missing)
    return ids


def find_ids(connection: Connection, texts: Sequence[str]) -> dict[str, int]:
    """The numbers of those that have one."""
    texts_json = orjson.dumps(texts).decode()
    if JSON_NUL not in texts_json:
        return {row[0]: row[1] for row in connection.execute(_FIND, {"asked": texts_json})}
    ids: dict[str, int] = {}
    for start in range(0, len(texts), BATCH_ROWS):
        here = aggregate_values.c.text.in_(texts[start : start + BATCH_ROWS])
        ids |= {
            row[0]: row[1]
            for row in connection.execute(select(aggregate_values.c.text, aggregate_values.c.id).where(here))
        }
    return ids


def delete_unused(connection: Connection, ids: Iterable[int] | None = None) -> None:
    """Delete those of these values (None: of all) that no aggregate uses any more.

    None during a rebuild: hourly aggregates exist then that have no aggregate over all time yet. The end of the rebuild
    deletes all unused values.
    """
    unused = [~select(pending_jobs.c.at).where(pending_jobs.c.name == REBUILD_JOB).exists()]
    unused += [
        ~select(table.c.word).where(table.c.word == aggregate_values.c.id, table.c.hours == _ALL_TIME).exists()
        for table in (click_aggregates, send_aggregates)
    ]
    statement = delete(aggregate_values).where(*unused)
    if ids is not None:
        statement = statement.where(aggregate_values.c.id.in_(select(item_value(each_item("asked"), Integer()))))
        connection.execute(statement, {"asked": orjson.dumps(list(ids)).decode()})
    else:
        connection.execute(statement)

"""Runs one statement for many rows without what SQLAlchemy would do for each of their values.

The statement is SQLAlchemy's all the same, compiled once for the dialect. Rows are tuples in the order of `names`, and
hold what the driver takes as it is, but UUIDs, which are written as the dialect has them. To PostgreSQL rows that are
added go as one list for each column, in one statement, whose triggers run once.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ARRAY, Connection, Delete, Insert, Update, bindparam, func, select


class BulkStatement:
    """A statement with parameters called `names`, of which `uuid_names` are UUIDs or None: see schema.BinaryUuid."""

    def __init__(self, statement: Insert | Update | Delete, names: Sequence[str], uuid_names: Iterable[str]) -> None:
        self._statement = statement
        self._names = tuple(names)
        self._uuid_indexes = [self._names.index(name) for name in uuid_names]
        self._from_lists: Insert | None = None
        self._compiled: dict[str, tuple[str, list[tuple[int | None, Any]] | None]] = {}

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute it for each of the rows."""
        if not rows:
            return
        if connection.dialect.name == "postgresql":
            self._run_on_postgresql(connection, rows)
            return
        text, order = self._compile(connection)
        values = [self._encode_uuids(row) for row in rows] if self._uuid_indexes else rows
        if order is not None:
            values = [tuple(value if index is None else row[index] for index, value in order) for row in values]
        connection.exec_driver_sql(text, list(values))

    def _run_on_postgresql(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        if self._from_lists is None and isinstance(self._statement, Insert):
            self._from_lists = insert_lists(self._statement, self._names)
        if self._from_lists is None:
            connection.execute(self._statement, [dict(zip(self._names, row, strict=True)) for row in rows])
        else:
            lists = zip(*rows, strict=True)
            connection.execute(
                self._from_lists, {name: list(values) for name, values in zip(self._names, lists, strict=True)}
            )

    def _encode_uuids(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        encoded = list(row)
        for index in self._uuid_indexes:
            value = encoded[index]
            if type(value) is uuid.UUID:
                encoded[index] = value.int.to_bytes(16)  # UUID.bytes is this, and a call
        return tuple(encoded)

    def _compile(self, connection: Connection) -> tuple[str, list[tuple[int | None, Any]] | None]:
        """Compile the statement: its text, and where each parameter comes from (None: in the order of the rows)."""
        name = connection.dialect.name
        if name not in self._compiled:
            compiled = self._statement.compile(dialect=connection.dialect, column_keys=list(self._names))
            positions = tuple(compiled.positiontup or ())
            index_by_name = {name: number for number, name in enumerate(self._names)}
            order = [(index_by_name.get(position), compiled.params.get(position)) for position in positions]
            self._compiled[name] = str(compiled), None if positions == self._names else order
        return self._compiled[name]


def insert_lists(statement: Insert, names: Sequence[str]) -> Insert:
    """Return the statement as one for many rows, whose parameters are lists of the values of each column."""
    columns = [statement.table.c[name] for name in names]
    lists = [bindparam(name, type_=ARRAY(column.type)) for name, column in zip(names, columns, strict=True)]
    rows = func.unnest(*lists).table_valued(*names).render_derived()
    return statement.from_select(list(names), select(*(rows.c[name] for name in names)), include_defaults=False)

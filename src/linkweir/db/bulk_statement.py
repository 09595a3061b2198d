"""Runs one statement for many rows without what SQLAlchemy would do for each of their values.

The statement is SQLAlchemy's all the same, compiled once for the dialect. Rows are tuples in the order of `names`, and
hold what the driver takes as it is, but UUIDs, which are written as the dialect has them. PostgreSQL is sent the rows
of an INSERT as COPY; for one with ON CONFLICT, an UPDATE or a DELETE the lists of their columns, in one statement. Its
triggers run once either way.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Update
from sqlalchemy.dialects import postgresql

from linkweir.db.column_lists import change_lists, insert_lists
from linkweir.db.postgresql_copy import copy_rows


class BulkStatement:
    """A statement with parameters called `names`, of which `uuid_names` are UUIDs or None: see schema.BinaryUuid.

    Each row of an UPDATE must mean another row of the table.
    """

    def __init__(self, statement: Insert | Update | Delete, names: Sequence[str], uuid_names: Iterable[str]) -> None:
        self._statement = statement
        self._names = tuple(names)
        self._uuid_indexes = [self._names.index(name) for name in uuid_names]
        self._of_lists: Insert | Update | Delete | None = None
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
        statement = self._statement
        if isinstance(statement, Insert) and not isinstance(statement, postgresql.Insert):
            copy_rows(connection, statement.table, self._names, rows)
            return
        if self._of_lists is None:
            if isinstance(statement, Insert):
                self._of_lists = insert_lists(statement, self._names)
            else:
                self._of_lists = change_lists(statement, self._names)
        lists = map(list, zip(*rows, strict=True))
        connection.execute(self._of_lists, dict(zip(self._names, lists, strict=True)))

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

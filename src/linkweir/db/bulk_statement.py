"""Runs one statement for many rows without what SQLAlchemy would do for each of their values.

The statement is SQLAlchemy's all the same, compiled once for the dialect. Rows are tuples in the order of `names`, and
hold what the driver takes as it is, but UUIDs, which are written as the dialect has them. PostgreSQL is sent the rows
of an INSERT as COPY; for one with ON CONFLICT, an UPDATE or a DELETE the lists of their columns, in one statement. Its
triggers run once either way.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Update
from sqlalchemy.dialects import postgresql

from linkweir.db.column_lists import change_lists, insert_lists
from linkweir.db.postgresql_copy import copy_rows

_Arrange = Callable[[tuple[Any, ...]], tuple[Any, ...]]
_Compiled = tuple[str, _Arrange | None, tuple[Any, ...]]


class BulkStatement:
    """A statement with parameters called `names`, of which `uuid_names` are UUIDs or None: see schema.BinaryUuid.

    Each row of an UPDATE must mean another row of the table.
    """

    def __init__(self, statement: Insert | Update | Delete, names: Sequence[str], uuid_names: Iterable[str]) -> None:
        self._statement = statement
        self._names = tuple(names)
        self._uuid_indexes = [self._names.index(name) for name in uuid_names]
        self._of_lists: Insert | Update | Delete | None = None
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute it for each of the rows."""
        if not rows:
            return
        if connection.dialect.name == "postgresql":
            self._run_on_postgresql(connection, rows)
            return
        text, arrange, constants = self._compile(connection)
        values = [self._encode_uuids(row) for row in rows] if self._uuid_indexes else rows
        if arrange is not None:
            values = [arrange((*row, *constants)) for row in values]
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

    def _compile(self, connection: Connection) -> _Compiled:
        """Compile the statement: its text, what puts the values of a row and its constants in the order of parameters
        (None: they are in it), and the constants.
        """
        name = connection.dialect.name
        if name not in self._compiled:
            compiled = self._statement.compile(dialect=connection.dialect, column_keys=list(self._names))
            positions = tuple(compiled.positiontup or ())
            constants = [position for position in positions if position not in self._names]
            arrange: _Arrange | None = None
            if positions != self._names:
                index_by_name = {name: number for number, name in enumerate((*self._names, *constants))}
                indexes = [index_by_name[position] for position in positions]
                # a slice for one parameter, since an itemgetter of one index returns no tuple
                arrange = itemgetter(*indexes) if len(indexes) > 1 else itemgetter(slice(indexes[0], indexes[0] + 1))
            values = tuple(compiled.params[position] for position in constants)
            self._compiled[name] = str(compiled), arrange, values
        return self._compiled[name]

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

_Compiled = tuple[str, list[int], tuple[Any, ...]]


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
        text, order, constants = self._compile(connection)
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))  # by column all of this is quicker than by row
        for index in self._uuid_indexes:  # UUID.bytes is the same, and a call
            columns[index] = [value.int.to_bytes(16) if type(value) is uuid.UUID else value for value in columns[index]]
        columns += [[constant] * len(rows) for constant in constants]
        connection.exec_driver_sql(text, list(zip(*[columns[index] for index in order], strict=True)))

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

    def _compile(self, connection: Connection) -> _Compiled:
        """Compile the statement for SQLite: its text, which of a row's values and its constants is which parameter, and
        the constants.

        A row that is refused ends the transaction. SQLite need not be able to take back this row alone, for which it
        would copy each page before it changes it: OR FAIL.
        """
        name = connection.dialect.name
        if name not in self._compiled:
            statement = self._statement
            if not isinstance(statement, Delete):
                statement = statement.prefix_with("OR FAIL", dialect="sqlite")
            compiled = statement.compile(dialect=connection.dialect, column_keys=list(self._names))
            positions = tuple(compiled.positiontup or ())
            constants = [position for position in positions if position not in self._names]
            index_by_name = {name: number for number, name in enumerate((*self._names, *constants))}
            values = tuple(compiled.params[position] for position in constants)
            self._compiled[name] = str(compiled), [index_by_name[position] for position in positions], values
        return self._compiled[name]

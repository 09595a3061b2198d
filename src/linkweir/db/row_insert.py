"""Adds rows to a table without most of what SQLAlchemy does for each statement and each of its values.

What is written is what `connection.execute(insert(table), rows)` writes. On SQLite the statement is compiled once for
the columns that the rows have, and their values pass through the columns' types; accepting a mail takes several such
statements, and SQLAlchemy longer than SQLite for each of them. PostgreSQL gets SQLAlchemy's own statement, whose values
its driver adapts.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert

Encoder = Callable[[Any], Any] | None


class RowInsert:
    """Adds rows to one table. Threads may share it."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._statement = insert(table)
        self._compiled: dict[tuple[str, ...], tuple[str, list[tuple[str, Encoder]]]] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add the rows, which all have the same columns."""
        if not rows:
            return
        if connection.dialect.name == "postgresql":
            connection.execute(self._statement, list(rows))
            return
        names = tuple(rows[0])
        if names not in self._compiled:
            self._compiled[names] = self._compile(connection, names)
        text, columns = self._compiled[names]
        values = [
            tuple([row[name] if encode is None else encode(row[name]) for name, encode in columns]) for row in rows
        ]
        connection.exec_driver_sql(text, values)

    def _compile(self, connection: Connection, names: tuple[str, ...]) -> tuple[str, list[tuple[str, Encoder]]]:
        """Compile the statement: its text, and its parameters' columns in order, with what encodes their values."""
        dialect = connection.dialect
        compiled = self._statement.compile(dialect=dialect, column_keys=list(names))
        columns = [(name, self._table.c[name]) for name in compiled.positiontup or ()]
        return str(compiled), [
            (name, column.type.dialect_impl(dialect).bind_processor(dialect)) for name, column in columns
        ]

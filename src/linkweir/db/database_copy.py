"""Copies all rows from one database to another, of the same or another dialect, and compares both afterwards.

Rows go over in the order of their primary keys, in transactions of the target. So a copy that was interrupted goes on
behind the last row that arrived, and nothing has to be noted about how far it came. Until it is complete, the target
says so by its schema revision (`db.schema_upgrade`), and no service starts on it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    case,
    cast,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import UserDefinedType

from linkweir.db.database import Database
from linkweir.db.schema import click_texts, metadata
from linkweir.errors import DataFolderError

ReportProgress = Callable[[str, int], None]  # the table, and how many more of its rows have arrived
BATCH_ROWS = 1000  # in one transaction of the target
BATCH_BYTES = 8 << 20  # and of texts and data no more than this, but for one large row
ROWS_PER_READ, LARGE_ROWS_PER_READ = 1000, 16  # in memory at once: some tables hold whole mails
MODULUS = 1_000_003  # sums of remainders cannot overflow
REPLACEMENT = "\ufffd"  # of U+0000, which PostgreSQL does not hold
# Triggers count the rows that use a text; they find none to count before the texts are there, with their counts.
TABLES: Sequence[Table] = (*(each for each in metadata.sorted_tables if each is not click_texts), click_texts)


class _JsonText(UserDefinedType[str]):
    """JSON as it is written: neither parsed nor written anew, so that null in JSON and NULL stay two things."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        """Return the name of the type in SQL."""
        return "JSON"


def count_rows(connection: Connection) -> int:
    """How many rows all tables have."""
    return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES)


def copy_rows(source: Connection, target: Database, report: ReportProgress) -> None:
    """Copy what the target lacks. Raises DataFolderError when it holds other rows than the source, and
    DatabaseUnavailable, UnstorableData.
    """
    for table in TABLES:
        _copy_table(source, target, table, report)
    with target.write() as connection:
        _advance_sequences(connection)


def _copy_table(source: Connection, target: Database, table: Table, report: ReportProgress) -> None:
    with target.read() as connection:
        last = _find_last_row(connection, table)
        report(table.name, connection.scalar(select(func.count()).select_from(table)) or 0)
        without_nul = connection.dialect.name == "postgresql"
    if last is not None and not _has_row(source, table, last, without_nul=without_nul):
        raise DataFolderError(f"{target.name}: its table {table.name!r} holds rows of another database")
    statement = insert(_plain_table(table))
    for batch in _read_batches(source, table, last):
        rows = [_replace_nul(row) for row in batch] if without_nul else batch
        with target.write() as connection:
            connection.execute(statement, rows)
        report(table.name, len(rows))


def _read_batches(source: Connection, table: Table, last: dict[str, Any] | None) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows behind the last one that arrived, in the order of the primary key."""
    key = list(table.primary_key.columns)
    statement = select(*_columns(table)).order_by(*key)
    if last is not None:
        values = (literal(last[column.name], column.type) for column in key)
        statement = statement.where(tuple_(*key) > tuple_(*values))
    is_large = any(isinstance(column.type, LargeBinary) and not column.type.length for column in table.columns)
    found = source.execute(
        statement, execution_options={"yield_per": LARGE_ROWS_PER_READ if is_large else ROWS_PER_READ}
    )
    batch: list[dict[str, Any]] = []
    size = 0
    for row in found.mappings():
        batch.append(dict(row))
        size += sum(len(value) for value in row.values() if isinstance(value, (str, bytes)))
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _columns(table: Table) -> list[ColumnElement[Any]]:
    return [
        cast(column, Text).label(column.name) if isinstance(column.type, JSON) else column for column in table.columns
    ]


def _plain_table(table: Table) -> Table:
    """The table with JSON as text, to insert into."""
    columns = (
        Column(column.name, _JsonText() if isinstance(column.type, JSON) else column.type) for column in table.columns
    )
    return Table(table.name, MetaData(), *columns)


def _find_last_row(connection: Connection, table: Table) -> dict[str, Any] | None:
    """The row with the highest primary key."""
    key = (column.desc() for column in table.primary_key.columns)
    row = connection.execute(select(*_columns(table)).order_by(*key).limit(1)).mappings().first()
    return None if row is None else dict(row)


def _has_row(source: Connection, table: Table, row: dict[str, Any], *, without_nul: bool) -> bool:
    here = (column == literal(row[column.name], column.type) for column in table.primary_key.columns)
    found = source.execute(select(*_columns(table)).where(*here)).mappings().first()
    if found is None:
        return False
    return (_replace_nul(dict(found)) if without_nul else dict(found)) == row


def _replace_nul(row: dict[str, Any]) -> dict[str, Any]:
    for name, value in row.items():
        if isinstance(value, str) and "\0" in value:
            row[name] = value.replace("\0", REPLACEMENT)
    return row


def _advance_sequences(connection: Connection) -> None:
    """Let PostgreSQL number new rows behind those that were copied; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in TABLES:
        column = table.autoincrement_column
        if column is not None and (highest := connection.scalar(select(func.max(column)))) is not None:
            where = {"table": f'"{table.name}"', "column": column.name, "highest": highest}
            connection.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)"), where)


def compare_rows(source: Connection, target: Connection) -> list[str]:
    """Compare both by counts and sums of each column; list the tables that differ."""
    return [table.name for table in TABLES if _sum_columns(source, table) != _sum_columns(target, table)]


def _sum_columns(connection: Connection, table: Table) -> list[float]:
    sums = [expression for column in table.columns for expression in _column_sums(column, connection.dialect.name)]
    row: Row[Any] = connection.execute(select(func.count(), *sums).select_from(table)).one()
    return [0 if value is None else value for value in row]


def _column_sums(column: Column[Any], dialect: str) -> tuple[ColumnElement[Any], ...]:
    """What has to be equal on both sides for one column, beside how many values are not NULL."""
    kind = column.type
    of_kind: tuple[ColumnElement[Any], ...] = ()
    if isinstance(kind, Boolean):
        of_kind = (func.sum(case((column, 1), else_=0)),)
    elif isinstance(kind, Integer):
        of_kind = (func.sum(cast(column, BigInteger) % MODULUS),)
    elif isinstance(kind, Float):
        of_kind = (func.min(column), func.max(column))
    elif isinstance(kind, JSON):
        of_kind = (func.sum(func.length(cast(column, Text))),)
    elif isinstance(kind, String):
        shown = func.replace(column, REPLACEMENT, "?")  # a byte, as U+0000 is
        is_postgresql = dialect == "postgresql"
        of_kind = (func.sum(func.octet_length(shown) if is_postgresql else func.length(cast(shown, LargeBinary))),)
    elif isinstance(kind, LargeBinary):
        of_kind = (func.sum(func.length(column)),)
    return (func.count(column), *of_kind)


def has_other_clients(connection: Connection) -> bool:
    """Whether another process uses a PostgreSQL database; of SQLite's the data folder tells."""
    if connection.dialect.name != "postgresql":
        return False
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'linkweir' AND pid <> pg_backend_pid()"
    )
    return bool(connection.scalar(others))

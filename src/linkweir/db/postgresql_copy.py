"""Adds many rows to a table of PostgreSQL by COPY, which costs driver and server less than any INSERT.

In its binary format, since what the server says, and logs, of an error would quote a line of text: data of people.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Float,
    FromClause,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    exc,
)
from sqlalchemy.types import TypeEngine

from linkweir.db.schema import BinaryUuid

_SERVER_TYPES: Final = (  # the first that a column's type is one of
    (BinaryUuid, "uuid"),
    (BigInteger, "int8"),
    (SmallInteger, "int2"),
    (Integer, "int4"),
    (Float, "float8"),
    (Boolean, "bool"),
    (LargeBinary, "bytea"),
    (String, "text"),
)


def copy_rows(connection: Connection, table: FromClause, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows, whose values are those of the columns `names`; other columns get their defaults. Raises what SQLAlchemy
    raises for errors of the driver, and TypeError for a column of a type that is not known here.
    """
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT BINARY)'  # type: ignore[attr-defined]
    server_types = [_server_type(table.c[name].type) for name in names]
    driver: Any = connection.dialect.loaded_dbapi
    try:
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
            copy.set_types(server_types)
            for row in rows:
                copy.write_row(row)
    except driver.Error as error:
        raise exc.DBAPIError.instance(
            statement, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _server_type(column_type: TypeEngine[Any]) -> str:
    for known, name in _SERVER_TYPES:
        if isinstance(column_type, known):
            return name
    raise TypeError(f"COPY is not written for columns of {column_type!r}")

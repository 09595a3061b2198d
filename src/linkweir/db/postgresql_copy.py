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
_INTEGER_LIMITS: Final = {"int2": 1 << 15, "int4": 1 << 31, "int8": 1 << 63}


def copy_rows(connection: Connection, table: FromClause, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows, whose values are those of the columns `names`; other columns get their defaults. Raises what SQLAlchemy
    raises for errors of the driver, DataError for a value that the column cannot hold, and TypeError for a column of a
    type that is not known here.
    """
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT BINARY)'  # type: ignore[attr-defined]
    server_types = [_server_type(table.c[name].type) for name in names]
    driver: Any = connection.dialect.loaded_dbapi
    for index, (name, server_type) in enumerate(zip(names, server_types, strict=True)):
        if (limit := _INTEGER_LIMITS.get(server_type)) is not None:  # the driver writes the low bits of a larger one
            numbers = [row[index] for row in rows if row[index] is not None]
            if numbers and not (-limit <= min(numbers) and max(numbers) < limit):
                problem = driver.DataError(f"a number is out of range for the column {name}")
                raise exc.DataError(statement, None, problem, hide_parameters=True)
    try:
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
            copy.set_types(server_types)
            for row in rows:
                copy.write_row(row)
    except UnicodeError:  # its text would quote the value
        problem = driver.DataError("a text holds half of a surrogate pair")
        raise exc.DataError(statement, None, problem, hide_parameters=True) from None
    except driver.Error as error:
        raise exc.DBAPIError.instance(
            statement, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _server_type(column_type: TypeEngine[Any]) -> str:
    for known, name in _SERVER_TYPES:
        if isinstance(column_type, known):
            return name
    raise TypeError(f"COPY is not written for columns of {column_type!r}")

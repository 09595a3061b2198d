"""The metadata that all tables share, with the names of their constraints, and the type of their identifiers."""

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import DDL, Index, MetaData, String, Table, UniqueConstraint, event, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

from linkweir.tokens.identifiers import uuid_from_number


class BinaryUuid(UserDefinedType[uuid.UUID]):
    """A UUID as its 16 bytes, which take half the space of its hexadecimal digits."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        """Return the name of the type in SQL."""
        return "BLOB"

    def bind_processor(self, dialect: Any) -> Callable[[uuid.UUID | None], bytes | None] | None:
        """Return what makes a parameter of a UUID."""
        return None if dialect.name == "postgresql" else _to_bytes

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[bytes | None], uuid.UUID | None] | None:
        """Return what makes a UUID of a value."""
        return None if dialect.name == "postgresql" else _to_uuid


@compiles(BinaryUuid, "postgresql")
def _uuid_type(_type: BinaryUuid, _compiler: Any, **_options: Any) -> str:
    """PostgreSQL has a type of its own for them, as large."""
    return "UUID"


def _to_bytes(value: uuid.UUID | None) -> bytes | None:
    return None if value is None else value.bytes


def _to_uuid(value: bytes | None) -> uuid.UUID | None:
    return None if value is None else uuid_from_number(int.from_bytes(value))


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


EMAIL_MARKS = ("@", "%40", "%2540")  # one of them is in each e-mail address, plain or percent-encoded


def contains_email_mark(function: str, *columns: str) -> str:
    """Return the condition that one of these may hold an e-mail address; `function` finds a text in another."""
    return " + ".join(f"{function}({column}, '{mark}')" for column in columns for mark in EMAIL_MARKS) + " > 0"


_DIGEST_FUNCTION = """
CREATE FUNCTION linkweir_digest(text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT sha256(convert_to($1, 'UTF8')) $$
"""
event.listen(metadata, "before_create", DDL(_DIGEST_FUNCTION).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]


def email_indexes(name: str, column: str, key: str, *, also: tuple[str, ...] = ()) -> tuple[Index, Index]:
    """Return the index on rows whose column (or one of `also`) may hold an e-mail address, so that a person is found
    there without a full scan: by the column in SQLite, and in PostgreSQL, where entries of an index may not be long, by
    the row's `key`.
    """
    columns = (column, *also)
    in_sqlite = Index(name, column, sqlite_where=text(contains_email_mark("instr", *columns)))
    where = text(contains_email_mark("strpos", *columns))
    return in_sqlite.ddl_if(dialect="sqlite"), Index(f"{name}_by_key", key, postgresql_where=where).ddl_if(
        dialect="postgresql"
    )


def partial_index(name: str | None, *columns: str, where: str) -> Index:
    """Return an index on the rows that meet a condition."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def unique_texts(table: str) -> tuple[UniqueConstraint, Index]:
    """Return what keeps the column `text` unique: in PostgreSQL by digests, for entries of an index may not be long."""
    by_digest = Index(f"uq_{table}_text_digest", text("linkweir_digest(text)"), unique=True)
    return UniqueConstraint("text").ddl_if(dialect="sqlite"), by_digest.ddl_if(dialect="postgresql")


def make_texts_comparable(table: Table) -> None:
    """Let PostgreSQL compare and sort the table's texts as SQLite does, whatever the language of the server is."""
    names = [column.name for column in table.columns if isinstance(column.type, String)]
    if names:
        types = {name: table.columns[name].type for name in names}
        each = (f'ALTER "{name}" TYPE {_type_name(types[name])} COLLATE "C"' for name in names)
        statement = DDL(f'ALTER TABLE "{table.name}" {", ".join(each)}')  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", statement.execute_if(dialect="postgresql"))


def _type_name(kind: Any) -> str:
    return f"VARCHAR({kind.length})" if kind.length else "TEXT"

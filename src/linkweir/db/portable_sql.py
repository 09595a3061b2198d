"""SQL that SQLite and PostgreSQL write in different ways, under one name for both.

Lists are passed as one parameter in JSON: its text stays the same however long the list is, and so does the statement,
which is put together once. `insert` is PostgreSQL's, whose ON CONFLICT SQLite understands as it is.
"""

from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Text, bindparam, literal_column, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import Function
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import Integer, TypeEngine

from linkweir.clock import now
from linkweir.db.schema.table_metadata import BinaryUuid, contains_email_mark

__all__ = [
    "each_item",
    "each_pair_in",
    "each_text_in",
    "empty_object",
    "find_text",
    "find_text_in_bytes",
    "get_greatest",
    "insert",
    "is_same_text",
    "item_value",
    "may_name_email",
    "read_clock",
    "uuid_digits",
]


class _Items(Function[Any]):
    inherit_cache = True


class _Texts(Function[Any]):
    inherit_cache = True


class _Pairs(Function[Any]):
    inherit_cache = True


class _ItemValue(Function[Any]):
    inherit_cache = True


class _Greatest(Function[Any]):
    inherit_cache = True


class _Find(Function[Any]):
    inherit_cache = True


class _FindInBytes(Function[Any]):
    inherit_cache = True


class _Digits(Function[Any]):
    inherit_cache = True


class _SameText(Function[Any]):
    inherit_cache = True


class _NamesEmail(Function[Any]):
    inherit_cache = True


class _EmptyObject(Function[Any]):
    inherit_cache = True


def each_item(parameter: str) -> TableValuedAlias:
    """The items of a list that is passed as JSON, as a table: see `item_value`."""
    return _Items("items", bindparam(parameter, type_=Text)).table_valued("value")


def item_value(each: TableValuedAlias, kind: TypeEngine[Any], index: int | None = None) -> ColumnElement[Any]:
    """The item, or the value at this index of an item that is a list itself; UUIDs are passed as hexadecimal digits."""
    offset: tuple[ColumnElement[Any], ...] = () if index is None else (literal_column(str(index)),)
    return _ItemValue("item_value", each.c.value, *offset, type_=kind)


def each_text_in(column: ColumnElement[Any]) -> TableValuedAlias:
    """The texts of a JSON column that holds a list of texts: `value`."""
    return _Texts("texts", column).table_valued("value")


def each_pair_in(column: ColumnElement[Any]) -> TableValuedAlias:
    """The members of a JSON column that holds an object of texts: `key`, `value`; none, or a pair of nothing, where it
    holds no object.
    """
    return _Pairs("pairs", column).table_valued("key", "value")


def get_greatest(first: ColumnElement[Any], second: ColumnElement[Any]) -> ColumnElement[Any]:
    """The greater of two values."""
    return _Greatest("greatest", first, second, type_=first.type)


def find_text(text: ColumnElement[Any], part: str) -> ColumnElement[int]:
    """Where the part begins in the text, from 1; 0 where it does not occur."""
    return _Find("find_text", text, bindparam(None, part, type_=Text), type_=Integer())


def find_text_in_bytes(data: ColumnElement[Any], part: str) -> ColumnElement[int]:
    """The same for bytes that hold UTF-8, in lower case, where it is ASCII."""
    return _FindInBytes("find_in_bytes", data, bindparam(None, part, type_=Text), type_=Integer())


def uuid_digits(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A UUID as text, of whatever spelling the database has."""
    return _Digits("digits", column, type_=Text())


def is_same_text(column: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a text column that is unique has this value: long texts are found by their digest."""
    return _SameText("same_text", column, value)  # of no type: SQLite's dialect would compare a boolean with 1


def empty_object() -> ColumnElement[Any]:
    """A JSON object without members."""
    return _EmptyObject("empty_object", type_=JSON())


def may_name_email(*columns: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of the indexes on what may hold an e-mail address, word for word: only so are they used."""
    return _NamesEmail("names_email", *columns)


def read_clock(connection: Connection) -> int:
    """The time (microseconds since 1970) that all machines with this database share, whatever their own clocks say."""
    if connection.dialect.name == "sqlite":
        return now()
    return int(connection.scalar(_POSTGRESQL_CLOCK) or 0)


_POSTGRESQL_CLOCK = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")


@compiles(_EmptyObject)
def _empty_object(_element: Function[Any], _compiler: SQLCompiler, **_options: Any) -> str:
    return "'{}'"


@compiles(_EmptyObject, "postgresql")
def _empty_object_postgresql(_element: Function[Any], _compiler: SQLCompiler, **_options: Any) -> str:
    return "CAST('{}' AS JSON)"


def _arguments(element: Function[Any], compiler: SQLCompiler, **options: Any) -> list[str]:
    return [compiler.process(clause, **options) for clause in element.clauses]


@compiles(_Items)
@compiles(_Texts)
@compiles(_Pairs)
def _json_each(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({_arguments(element, compiler, **options)[0]})"


@compiles(_Items, "postgresql")
def _items_postgresql(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_array_elements(CAST({_arguments(element, compiler, **options)[0]} AS JSONB))"


@compiles(_Texts, "postgresql")
def _texts_postgresql(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    column = _arguments(element, compiler, **options)[0]
    return f"json_array_elements_text(CASE json_typeof({column}) WHEN 'array' THEN {column} ELSE '[]' END)"


@compiles(_Pairs, "postgresql")
def _pairs_postgresql(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    column = _arguments(element, compiler, **options)[0]
    return f"json_each_text(CASE json_typeof({column}) WHEN 'object' THEN {column} ELSE '{{}}' END)"


@compiles(_ItemValue)
def _item_value(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    value, *index = _arguments(element, compiler, **options)
    text = f"json_extract({value}, '$[{index[0]}]')" if index else value
    return f"unhex({text})" if isinstance(element.type, BinaryUuid) else text


@compiles(_ItemValue, "postgresql")
def _item_value_postgresql(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    value, *index = _arguments(element, compiler, **options)
    text = f"{value} ->> {index[0]}" if index else f"{value} #>> '{{}}'"
    return f"CAST({text} AS {compiler.dialect.type_compiler_instance.process(element.type)})"


@compiles(_Greatest)
def _greatest(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"max({', '.join(_arguments(element, compiler, **options))})"


@compiles(_Greatest, "postgresql")
def _greatest_postgresql(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"greatest({', '.join(_arguments(element, compiler, **options))})"


@compiles(_Find)
def _find(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({', '.join(_arguments(element, compiler, **options))})"


@compiles(_Find, "postgresql")
def _find_postgresql(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({', '.join(_arguments(element, compiler, **options))})"


@compiles(_FindInBytes)
def _find_in_bytes(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    data, part = _arguments(element, compiler, **options)
    return f"instr(lower(CAST({data} AS TEXT)), {part})"


@compiles(_FindInBytes, "postgresql")
def _find_in_bytes_postgresql(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    # a cast would write the bytes as hexadecimal digits
    data, part = _arguments(element, compiler, **options)
    return f"strpos(lower(encode({data}, 'escape')), encode(convert_to({part}, 'UTF8'), 'escape'))"


@compiles(_Digits)
def _digits(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"hex({_arguments(element, compiler, **options)[0]})"


@compiles(_Digits, "postgresql")
def _digits_postgresql(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({_arguments(element, compiler, **options)[0]} AS TEXT)"


@compiles(_SameText)
def _same_text(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    return " = ".join(_arguments(element, compiler, **options))


@compiles(_SameText, "postgresql")
def _same_text_postgresql(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    column, value = _arguments(element, compiler, **options)
    return f"(linkweir_digest({column}) = linkweir_digest({value}) AND {column} = {value})"


@compiles(_NamesEmail)
def _names_email(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    return contains_email_mark("instr", *_arguments(element, compiler, **options))


@compiles(_NamesEmail, "postgresql")
def _names_email_postgresql(element: Function[Any], compiler: SQLCompiler, **options: Any) -> str:
    # two signs of per cent, since the driver takes one for the beginning of a parameter
    return contains_email_mark("strpos", *_arguments(element, compiler, **options)).replace("%", "%%")

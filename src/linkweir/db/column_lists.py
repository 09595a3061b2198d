"""Many rows in one statement of PostgreSQL: a parameter for each column, which is the list of its values.

Lists of numbers and UUIDs are written here, as a cast of the server reads them: the driver would look for each value
how it is to be written, which takes ten times as long. Lists of texts are left to it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    Delete,
    Float,
    FromClause,
    Insert,
    Integer,
    Update,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.visitors import iterate, replacement_traverse
from sqlalchemy.types import NullType, TypeEngine, UserDefinedType

from linkweir.db.schema import BinaryUuid

_PLAIN_TYPES = (Integer, Float, Boolean, BinaryUuid)  # whose text needs no quotes in a list


class PlainList(UserDefinedType[Sequence[Any]]):
    """A list of numbers, truth values or UUIDs; None among them is NULL."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, item_type: TypeEngine[Any]) -> None:
        self.item_type = item_type

    def get_col_spec(self, **_options: Any) -> str:
        """Return the name of the type in SQL."""
        return f"{self.item_type.compile(dialect=postgresql.dialect())}[]"  # type: ignore[no-untyped-call]

    def bind_processor(self, dialect: Any) -> Callable[[Sequence[Any] | None], str | None]:
        """Return what writes a list as PostgreSQL reads it."""
        return _write_list


def _write_list(values: Sequence[Any] | None) -> str | None:
    if values is None:
        return None
    if None in values:
        return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
    return "{" + ",".join(map(str, values)) + "}"


def list_parameter(name: str, item_type: TypeEngine[Any]) -> BindParameter[Any]:
    """Return a parameter that is a list of values of a type."""
    return bindparam(name, type_=PlainList(item_type) if isinstance(item_type, _PLAIN_TYPES) else ARRAY(item_type))


def insert_lists(statement: Insert, names: Sequence[str]) -> Insert:
    """Return the statement as one for many rows: `names` of columns, whose lists are the parameters."""
    rows = _unnest({name: statement.table.c[name].type for name in names})
    return statement.from_select(list(names), select(*(rows.c[name] for name in names)), include_defaults=False)


def change_lists(statement: Update | Delete, names: Sequence[str]) -> Update | Delete:
    """Return the statement, which changes one row by the values of its parameters, as one for lists of them; no two
    may change the same row. Raises TypeError where the type of a parameter is not known.
    """
    types = {each.key: each.type for each in iterate(statement) if isinstance(each, BindParameter)}
    untyped = [name for name in names if isinstance(types[name], NullType)]
    if untyped:
        raise TypeError(f"parameters without a type: {', '.join(untyped)}")
    rows = _unnest({name: types[name] for name in names})

    def find_column(element: Any, **_options: Any) -> Any:
        return rows.c[element.key] if isinstance(element, BindParameter) and element.key in rows.c else None

    changed = replacement_traverse(statement, {}, find_column)
    assert isinstance(changed, (Update, Delete))
    return changed


def _unnest(types: dict[str, TypeEngine[Any]]) -> FromClause:
    lists = [list_parameter(name, item_type) for name, item_type in types.items()]
    return func.unnest(*lists).table_valued(*types).render_derived()

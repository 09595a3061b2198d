"""Convert a row to values that JSON knows: all of its columns, also later ones."""

import uuid
from collections.abc import Mapping
from typing import Any

from linkweir.clock import rfc3339


def row_to_json(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The row by its columns' names; times in RFC 3339, bytes as text."""
    return {
        str(name): _to_json_value(name, value) for name, value in row.items()
    }  # SQLAlchemy's names are no plain str


def _to_json_value(name: str, value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, int) and not isinstance(value, bool) and (name == "at" or name.endswith("_at")):
        return rfc3339(value)
    return value

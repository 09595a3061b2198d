"""A row of the store in values that JSON knows: all of its columns, whatever they will be."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


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
        moment = datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value

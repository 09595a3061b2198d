"""Every table, column, index and row of a database that a service has filled, without what differs from run to run."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from tests.frozen.normalize import Normalizer

REFERENCES = {  # columns that name a row of a table by a number that means nothing
    "axis": "axes",
    "word": "words",
    **dict.fromkeys(("destination_id", "user_agent_id"), "click_texts"),
    **dict.fromkeys(("signals_id", "reasons_id"), "click_codes"),
}
UUID_BYTES = 16
UNSAID = ("alembic_version", "sqlite_stat1")
PASSING = ("sign_in_limits",)  # rows that are there or not by how long the recording took


def record(path: Path, normalizer: Normalizer) -> dict[str, Any]:
    """The schema and all rows, in an order that does not depend on identifiers."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            if name not in UNSAID and not name.startswith("sqlite_")
        ]
        schema = {name: _columns(connection, name) for name in tables}
        rows = {name: _rows(connection, name, normalizer) for name in tables if name not in PASSING}
    finally:
        connection.close()
    return {"schema": schema, **{f"rows of {name}": result for name, result in rows.items()}}


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, Any]:
    columns = connection.execute('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', (table,))
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name",
        (table,),
    )
    result = {name: " ".join(str(item) for item in rest) for name, *rest in sorted(columns)}
    return {"columns": result, "indexes": {name: " ".join(sql.split()) for name, sql in indexes}}


def _rows(connection: sqlite3.Connection, table: str, normalizer: Normalizer) -> list[Any]:
    """Rows in the order of what is the same in each run, with identifiers seen before known by number."""
    cursor = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608  a name out of the database itself
    names = [item[0] for item in cursor.description]
    named = {column: _describe_rows(connection, other) for column, other in REFERENCES.items() if column in names}
    rows = [
        {
            name: named[name].get(item) if name in named else _readable(item)
            for name, item in zip(names, row, strict=True)
        }
        for row in cursor
    ]
    if table in REFERENCES.values():
        rows = [{**row, "id": "<serial>"} for row in rows]

    def order(row: dict[str, Any]) -> str:
        return json.dumps(normalizer.value(row, known_only=True), sort_keys=True)

    ordered = [normalizer.value(row) for row in sorted(rows, key=order)]
    ordered_names = sorted(names)  # the order of the columns means nothing
    return [ordered_names, *([row[name] for name in ordered_names] for row in ordered)] if rows else []


def _describe_rows(connection: sqlite3.Connection, table: str) -> dict[int, str]:
    rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608  a name of ours
    return {number: " ".join(str(_readable(item)) for item in rest) for number, *rest in rows}


def _readable(value: Any) -> Any:
    """JSON and mails are opened, identifiers written out; other bytes are known by their length."""
    if isinstance(value, bytes):
        value = _text_of(value)
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            result = json.loads(value)
        except ValueError:
            return value
        return f"<{result['type']}>" if "type" in result else result  # webhook bodies have a fixture of their own
    return value


def _text_of(data: bytes) -> str:
    if len(data) == UUID_BYTES:
        return data.hex()
    if data.startswith(b"gAAAA"):
        return "<sealed>"
    if b"\nmessage-id:" in data.lower():
        return "<mail>"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"<{len(data)} bytes>"
    return text if text.isprintable() else f"<{len(data)} bytes>"

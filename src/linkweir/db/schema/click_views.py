"""Clicks and links of messages as they are read: views with the texts whose numbers the rows hold.

Whoever writes uses the rows: `stored_rows` and `db.click_texts_table`. Triggers count how many rows use a text, and
delete one that none uses any more: what is erased or was kept long enough leaves nothing behind.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import DDL, Column, MetaData, Table, Text, event

from linkweir.db.schema.click_tables import click_rows, message_link_rows
from linkweir.db.schema.table_metadata import metadata

_views = MetaData()
_TEXT: Final = "(SELECT text FROM click_texts WHERE id = {table}.{name}_id)"
_CODES: Final = "coalesce((SELECT text FROM click_codes WHERE id = {table}.{name}_id), '')"
_DESTINATION: Final = "coalesce({table}.destination, " + _TEXT + ")"
_TEXTS: Final = {"destination": _DESTINATION, "user_agent": _TEXT, "signals": _CODES, "reasons": _CODES}
_COUNTED: Final = ("destination_id", "user_agent_id")  # numbers of texts that are deleted with their last use


def _make_view(name: str, rows: Table) -> Table:
    """Return the view as a table to select from, and let it be created with the tables."""
    columns: list[Column[object]] = []
    values: list[str] = []
    for column in rows.columns:
        text_name = column.name.removesuffix("_id")
        if text_name in _TEXTS and column.name != text_name:
            columns.append(Column(text_name, Text))
            values.append(_TEXTS[text_name].format(table=rows.name, name=text_name) + f" AS {text_name}")
        elif text_name not in _TEXTS:
            columns.append(Column(column.name, column.type, primary_key=column.primary_key))
            values.append(f"{rows.name}.{column.name}")
    view = f"CREATE VIEW {name} AS SELECT {', '.join(values)} FROM {rows.name}"  # noqa: S608 - names of ours
    event.listen(metadata, "after_create", DDL(view.replace("%", "%%")))  # type: ignore[no-untyped-call]
    for dialect, statements in (("sqlite", _make_triggers(rows)), ("postgresql", _make_postgresql_triggers(rows))):
        for statement in statements:
            definition = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
            event.listen(metadata, "after_create", definition)
    return Table(name, _views, *columns)


def _make_triggers(rows: Table) -> list[str]:
    numbers = [name for name in _COUNTED if name in rows.columns]

    def count(sign: str, row: str) -> str:
        each = "; ".join(f"UPDATE click_texts SET uses = uses {sign} 1 WHERE id = {row}.{name}" for name in numbers)  # noqa: S608
        given = ", ".join(f"{row}.{name}" for name in numbers)
        return each if sign == "+" else f"{each}; DELETE FROM click_texts WHERE id IN ({given}) AND uses <= 0"  # noqa: S608

    return [
        f"CREATE TRIGGER {rows.name}_insert AFTER INSERT ON {rows.name} BEGIN {count('+', 'NEW')}; END",
        f"CREATE TRIGGER {rows.name}_delete AFTER DELETE ON {rows.name} BEGIN {count('-', 'OLD')}; END",
        f"CREATE TRIGGER {rows.name}_update AFTER UPDATE OF {', '.join(numbers)} ON {rows.name}"
        f" BEGIN {count('+', 'NEW')}; {count('-', 'OLD')}; END",
    ]


def _make_postgresql_triggers(rows: Table) -> list[str]:
    """The same for PostgreSQL: once for each statement, and in the order of the texts, so that those who write at the
    same time wait for each other and never in a circle.
    """
    numbers = [name for name in _COUNTED if name in rows.columns]

    def count(source: str, sign: str) -> str:
        each = " UNION ALL ".join(f"SELECT {name} AS id FROM {source}" for name in numbers)  # noqa: S608
        return (
            f"WITH used AS (SELECT id, count(*) AS times FROM ({each}) AS each WHERE id IS NOT NULL GROUP BY id),"  # noqa: S608
            " held AS (SELECT click_texts.id, used.times FROM click_texts JOIN used ON used.id = click_texts.id"
            " ORDER BY click_texts.id FOR UPDATE OF click_texts)"
            f" UPDATE click_texts SET uses = uses {sign} held.times FROM held WHERE click_texts.id = held.id;"
        )

    def delete_unused(source: str) -> str:
        each = " UNION ALL ".join(f"SELECT {name} FROM {source}" for name in numbers)  # noqa: S608
        return f"DELETE FROM click_texts WHERE uses <= 0 AND id IN ({each});"  # noqa: S608

    key = ", ".join(rows.primary_key.columns.keys())
    moved = " OR ".join(f"gone.{name} IS DISTINCT FROM added.{name}" for name in numbers)
    recount = count("added", "+") + count("gone", "-") + delete_unused("gone")
    bodies = {
        "insert": ("NEW TABLE AS added", count("added", "+")),
        "delete": ("OLD TABLE AS gone", count("gone", "-") + delete_unused("gone")),
        "update": (
            "OLD TABLE AS gone NEW TABLE AS added",
            f"IF EXISTS (SELECT 1 FROM gone JOIN added USING ({key}) WHERE {moved}) THEN {recount} END IF;",  # noqa: S608
        ),
    }
    statements = []
    for event_name, (tables, body) in bodies.items():
        name = f"{rows.name}_{event_name}"
        statements.append(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
        )
        statements.append(
            f"CREATE TRIGGER {name} AFTER {event_name.upper()} ON {rows.name} REFERENCING {tables}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
    return statements


clicks = _make_view("clicks", click_rows)
message_links = _make_view("message_links", message_link_rows)
_ROWS: Final[Mapping[Table, Table]] = {clicks: click_rows, message_links: message_link_rows}


def stored_rows(table: Table) -> Table:
    """Return the table that holds the rows of this view; any other table itself."""
    return _ROWS.get(table, table)

"""What is read again when hits come is found by an index, whatever the message has seen."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from linkweir.db import notification_queries, reclassification_queries
from linkweir.db.schema_upgrade import migrate
from linkweir.db.sqlite_database import SqliteDatabase

MESSAGE_ID = uuid.uuid4()


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (
            lambda connection: reclassification_queries.load_around(connection, [(MESSAGE_ID, 1, 2)]),
            "message_id=? AND at>? AND at<?",
        ),
        (
            lambda connection: reclassification_queries.load_around(connection, [("letter", 1, 2)]),
            "message_ref=? AND at>? AND at<?",
        ),
        (
            lambda connection: reclassification_queries.load_unique(connection, [MESSAGE_ID]),
            "ix_clicks_firsts (message_id=?)",
        ),
        (
            lambda connection: reclassification_queries.load_unique(connection, ["letter"]),
            "ix_clicks_firsts (message_id=? AND message_ref=?)",
        ),
        (
            lambda connection: list(reclassification_queries.iter_counted_since(connection, MESSAGE_ID, 1)),
            "ix_click_rows_message_id_at",
        ),
        (lambda connection: notification_queries.list_due(connection, 5, 10), "ix_click_rows_tell_at (tell_at<?)"),
    ],
)
def test_an_index_finds_it(tmp_path: Path, ask: Any, expected: str) -> None:
    """SQLite's plan names the index, and clicks are scanned from end to end nowhere."""
    database = SqliteDatabase(tmp_path / "linkweir.db", timeout=1)
    migrate(database)
    seen: list[tuple[str, Any]] = []
    with database.read() as connection:

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            seen.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        ask(connection)
        event.remove(connection, "before_cursor_execute", note)
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all() for text, values in seen]
    steps = [str(row[3]) for plan in plans for row in plan]
    assert any(expected in step for step in steps), steps
    assert not any(step.startswith("SCAN click_rows") for step in steps), steps
    database.close()

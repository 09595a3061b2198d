"""What is read again when hits come is found by an index, whatever the message has seen."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from linkweir.store import hits, telling
from linkweir.store.engine import Store
from linkweir.store.migrate import migrate

MESSAGE = uuid.uuid4()


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda connection: hits.around(connection, [(MESSAGE, 1, 2)]), "message_id=? AND at>? AND at<?"),
        (lambda connection: hits.around(connection, [("letter", 1, 2)]), "message_ref=? AND at>? AND at<?"),
        (lambda connection: hits.firsts(connection, [MESSAGE]), "ix_clicks_firsts (message_id=?)"),
        (lambda connection: hits.firsts(connection, ["letter"]), "ix_clicks_firsts (message_id=? AND message_ref=?)"),
        (lambda connection: list(hits.counted_from(connection, MESSAGE, 1)), "ix_clicks_message_id_at"),
        (lambda connection: telling.due(connection, 5, 10), "ix_clicks_tell_at (tell_at<?)"),
    ],
)
def test_an_index_finds_it(tmp_path: Path, ask: Any, expected: str) -> None:
    """SQLite's plan names the index, and clicks are scanned from end to end nowhere."""
    store = Store(tmp_path / "linkweir.db", wait=1)
    migrate(store)
    seen: list[tuple[str, Any]] = []
    with store.read() as connection:

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            seen.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        ask(connection)
        event.remove(connection, "before_cursor_execute", note)
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all() for text, values in seen]
    steps = [str(row[3]) for plan in plans for row in plan]
    assert any(expected in step for step in steps), steps
    assert not any(step.startswith("SCAN clicks") for step in steps), steps
    store.close()

"""Stored clicks of one message, read again when a verdict changes."""

from pathlib import Path

import pytest
from sqlalchemy import select

from linkweir.db.reclassification_queries import iter_counted_since
from linkweir.db.schema import clicks
from tests.clicks.ingest.click_database import ClickDatabase


@pytest.mark.both_databases
def test_counted_clicks_are_read_from_a_moment_on(tmp_path: Path) -> None:
    """Oldest first, of a message that is known here and of one that only its tokens name."""
    database = ClickDatabase(tmp_path)
    number = database.send("spring")
    database.ingest(*[database.make_event(number, after=after) for after in (7200, 60, 3600)])
    with database.database.read() as connection:
        message, first_at = connection.execute(
            select(clicks.c.message_id, clicks.c.at).order_by(clicks.c.at).limit(1)
        ).one()
        times = [row["at"] for row in iter_counted_since(connection, message, first_at + 1)]
        assert len(times) == 2
        assert times == sorted(times)
        assert list(iter_counted_since(connection, "unknown", 0)) == []
    database.database.close()

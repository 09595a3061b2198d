"""Statements for many rows, written as SQLAlchemy would write them."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, update

from linkweir.db.bulk_statement import BulkStatement
from linkweir.db.schema import accounts, link_keys
from tests.databases import make_database

NAMES = ("id", "name", "website", "about", "track_opens", "track_clicks")
REMAINING_COLUMNS = ("message_metadata_retention", "message_data_retention", "created_at", "updated_at")


@pytest.mark.both_databases
def test_rows_are_written_whatever_the_order(tmp_path: Path) -> None:
    """UUIDs, constants of the statement and parameters in another order than the columns' arrive where they belong."""
    database = make_database(tmp_path)
    one, two = uuid.uuid4(), uuid.uuid4()
    with database.write() as connection:
        rows = [(key, "x", "", "", False, True, 30, 1, 5, 6) for key in (one, two)]
        BulkStatement(insert(accounts), (*NAMES, *REMAINING_COLUMNS), ("id",)).run(connection, rows)
        BulkStatement(insert(link_keys), ("account_id", "key_id"), ("account_id",)).run(connection, [(one, 7)])
        renamed = update(accounts).where(accounts.c.id == bindparam("who")).values(name="y", about=bindparam("text"))
        BulkStatement(renamed, ("who", "text"), ("who",)).run(connection, [(two, "two")])
        BulkStatement(renamed, ("who", "text"), ("who",)).run(connection, [])
        result = {row.id: (row.name, row.about, row.track_clicks) for row in connection.execute(select(accounts))}
        assert result == {one: ("x", "", True), two: ("y", "two", True)}
        assert connection.execute(select(link_keys.c.account_id, link_keys.c.key_id)).one() == (one, 7)
    database.close()

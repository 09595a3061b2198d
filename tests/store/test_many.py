"""Statements for many rows, written as SQLAlchemy would write them."""

import uuid
from pathlib import Path

from sqlalchemy import bindparam, insert, select, update

from linkweir.store.engine import Store
from linkweir.store.many import Many
from linkweir.store.migrate import migrate
from linkweir.store.tables import accounts, link_keys

NAMES = ("id", "name", "website", "about", "track_opens", "track_clicks")
REST = ("message_metadata_retention", "message_data_retention", "created_at", "updated_at")


def test_rows_are_written_whatever_the_order(tmp_path: Path) -> None:
    """UUIDs, constants of the statement and parameters in another order than the columns' arrive where they belong."""
    store = Store(tmp_path / "linkweir.db", wait=1)
    migrate(store)
    one, two = uuid.uuid4(), uuid.uuid4()
    with store.write() as connection:
        rows = [(key, "x", "", "", False, True, 30, 1, 5, 6) for key in (one, two)]
        Many(insert(accounts), (*NAMES, *REST), ("id",)).run(connection, rows)
        Many(insert(link_keys), ("account_id", "key_id"), ("account_id",)).run(connection, [(one, 7)])
        renamed = update(accounts).where(accounts.c.id == bindparam("who")).values(name="y", about=bindparam("text"))
        Many(renamed, ("who", "text"), ("who",)).run(connection, [(two, "two")])
        Many(renamed, ("who", "text"), ("who",)).run(connection, [])
        found = {row.id: (row.name, row.about, row.track_clicks) for row in connection.execute(select(accounts))}
        assert found == {one: ("x", "", True), two: ("y", "two", True)}
        assert connection.execute(select(link_keys.c.account_id, link_keys.c.key_id)).one() == (one, 7)
    store.close()

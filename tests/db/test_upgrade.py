"""A database of the release before clicks were understood, brought up to date."""

import uuid
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, select

from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.db import aggregate_dimensions_table, aggregate_queries, aggregate_rebuild, events_table
from linkweir.db.database import Database
from linkweir.db.schema import click_aggregates, clicks, message_links, messages
from linkweir.db.schema_upgrade import MIGRATIONS_PATH, migrate
from linkweir.db.time_buckets import ALL_TIME

ACCOUNT, MESSAGE = uuid.uuid4(), uuid.uuid4()
AT_US = 1_790_000_000_000_000
FILL_SQL = f"""
INSERT INTO accounts (id, name, website, about, track_opens, track_clicks, message_metadata_retention,
    message_data_retention, created_at, updated_at) VALUES ('{ACCOUNT.hex}', 'x', '', '', 0, 1, 30, 1, 1, 1);
INSERT INTO messages (id, number, account_id, message_id, sender, recipient, subject, tags, status, num_attempts,
    track_clicks, privacy, created_at, updated_at, sender_domain, recipient_domain, click_count, retain_until_at)
    VALUES ('{MESSAGE.hex}', 5, '{ACCOUNT.hex}', 'm@x', 'a@example.com', 'b@example.org', 's', '["spring"]', 'Clicked',
    1, 1, 'full', {AT_US}, {AT_US}, 'example.com', 'example.org', 2, {AT_US});
"""  # noqa: S608
CLICK_SQL = """
INSERT INTO clicks (id, at, method, privacy, account_id, message_id, key_id, position, destination, prefetch)
    VALUES ('{id}', {at}, '{method}', 'full', '{account}', {message}, 1, 0, 'https://example.com/', {prefetch})
"""
EVENT_SQL = """
INSERT INTO events (id, account_id, message_id, at, kind, data)
    VALUES ('{id}', '{account}', '{message}', {at}, 'clicked', '{{"verdict": "{verdict}"}}')
"""


def downgrade_and_fill(store: Database) -> None:
    """Bring it to the older schema and fill it: a click, a prefetch, a HEAD, and a click on a message that is gone."""
    store.path.touch()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_PATH))
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for statement in filter(str.strip, FILL_SQL.split(";")):
            connection.exec_driver_sql(statement)
        for place, (method, prefetch) in enumerate((("GET", 0), ("GET", 1), ("HEAD", 0))):
            _insert_click(connection, AT_US + place, method, prefetch, f"'{MESSAGE.hex}'")
        _insert_click(connection, AT_US + 9, "GET", 0, "NULL")
        for verdict in ("unsure", "machine"):
            names = {"id": uuid.uuid4().hex, "account": ACCOUNT.hex, "message": MESSAGE.hex, "at": AT_US}
            connection.exec_driver_sql(EVENT_SQL.format(**names, verdict=verdict))


def _insert_click(connection: Connection, at: int, method: str, prefetch: int, message: str) -> None:
    names = {"id": uuid.uuid4().hex, "account": ACCOUNT.hex, "message": message}
    connection.exec_driver_sql(CLICK_SQL.format(**names, at=at, method=method, prefetch=prefetch))


def test_old_clicks_are_counted_after_an_upgrade(tmp_path: Path) -> None:
    """The migration leaves a mark; the rebuild that it asks for counts old clicks as today's are counted."""
    store = Database(tmp_path / "linkweir.db", timeout=1)
    downgrade_and_fill(store)
    migrate(store)
    with store.read() as connection:
        assert aggregate_rebuild.is_pending(connection)
        assert sorted(one["kind"] for one in events_table.list_for_message(connection, MESSAGE)) == [
            "clicked",
            "machine_click",
        ]
    rebuild_aggregates(store, AT_US, lambda _what, _done: True)
    with store.read() as connection:
        assert not aggregate_rebuild.is_pending(connection)
        assert connection.scalar(select(messages.c.click_count)) == 1
        whole = (
            click_aggregates.c.axis == aggregate_dimensions_table.id_subquery(ACCOUNT, "", ""),
            click_aggregates.c.hours == ALL_TIME,
        )
        names = (
            click_aggregates.c.human,
            click_aggregates.c.machine,
            click_aggregates.c.prefetch,
            click_aggregates.c.unsure,
            click_aggregates.c.clickers,
        )
        assert tuple(connection.execute(select(*names).where(*whole)).one()) == (0, 1, 1, 2, 1)
        link = connection.execute(select(message_links)).one()
        assert (link.machine, link.prefetch, link.unsure, link.first_at) == (1, 1, 1, AT_US)
        assert connection.execute(select(messages.c.tracked_links)).scalars().all() == [None]  # nobody counted them
        firsts = connection.execute(select(clicks.c.at).where(clicks.c.first)).scalars().all()
        assert firsts == [AT_US]
    store.close()


def test_sums_of_messages_that_are_gone_survive(tmp_path: Path) -> None:
    """Sums by the hour, as an earlier state kept them, are there afterwards by the hour, the day and for all time."""
    store = Database(tmp_path / "linkweir.db", timeout=1)
    store.path.touch()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_PATH))
    hour = AT_US // 3_600_000_000
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.exec_driver_sql(FILL_SQL.split(";", maxsplit=1)[0])
        for scope, dimension, value, at, human in (("", "", "", hour, 2), ("tag:a", "country", "DE", hour + 1, 3)):
            key = f"'{ACCOUNT.hex}', '{scope}', '{dimension}', {at}, '{value}'"
            connection.exec_driver_sql(f"INSERT INTO settled VALUES ({key}, {human}, 1, 0, 0, 1)")  # noqa: S608
            connection.exec_driver_sql(f"INSERT INTO sends VALUES ({key}, {human}, 1)")  # noqa: S608
    migrate(store)
    rebuild_aggregates(store, AT_US, lambda _what, _done: True)
    with store.read() as connection:
        for first, last in ((hour - 100_000, hour + 100_000), (hour, hour + 2)):
            whole = aggregate_queries.AggregateRange(ACCOUNT, "", first, last)
            assert tuple(aggregate_queries.sum_all(connection, whole)) == (2, 1, 0, 0, 1)
            assert aggregate_queries.sum_sent(connection, whole) == (2, 1)
            tagged = aggregate_queries.AggregateRange(ACCOUNT, "tag:a", first, last)
            assert [tuple(row) for row in aggregate_queries.sum_by_value(connection, tagged, "country", 9)] == [
                ("DE", 3, 1, 0, 0, 1)
            ]
            assert aggregate_queries.sum_sent_by_value(connection, tagged, "country") == {"DE": (3, 1)}
    store.close()

"""PostgreSQL as the database: what it refuses, in words that give nothing away, and that it is the same schema."""

import itertools
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, select, text

from linkweir import clock
from linkweir.clock import HOUR_US, SECOND_US
from linkweir.db import accounts_table, aggregate_values_table, postgresql_database
from linkweir.db.database import CopyLocation, WriteMode
from linkweir.db.postgresql_database import LINK_CHECK_SECONDS, PostgresqlDatabase
from linkweir.db.schema import accounts, metadata
from linkweir.db.schema_upgrade import LATEST_REVISION, create_database, migrate
from linkweir.errors import DatabaseUnavailable, DataFolderError, SettingsError, TransactionConflict, UnstorableData
from linkweir.settings import Settings, from_environment
from tests.database_proxy import DatabaseProxy
from tests.databases import make_database, make_database_url, use_dialect
from tests.postgresql_server import TEMPLATE, require_postgresql
from tests.web.running_service import find_free_port

MINUTE_US = 60 * SECOND_US
PASSWORD = "hunter2-hunter2"  # noqa: S105 - of nobody


@pytest.fixture
def database(tmp_path: Path) -> Iterator[PostgresqlDatabase]:
    """A database with all tables."""
    with use_dialect("postgresql"):
        made = make_database(tmp_path, timeout=2)
        assert isinstance(made, PostgresqlDatabase)
        yield made
        made.close()


def _is_of_postgresql(item: Any, *_others: object) -> bool:
    """Whether an index or a constraint is declared for PostgreSQL, not for SQLite alone."""
    return getattr(getattr(item, "_ddl_if", None), "dialect", None) != "sqlite"


@pytest.mark.filterwarnings("ignore:autogenerate skipping")  # indexes of the other database
@pytest.mark.filterwarnings("ignore:Expression #")  # an index on a function is not compared
def test_both_databases_have_the_same_schema(database: PostgresqlDatabase) -> None:
    """The migrations make of PostgreSQL what db.schema declares, as they do of SQLite."""
    with database.read() as connection:
        options = {"compare_type": False, "include_object": _is_of_postgresql}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    assert [difference for difference in differences if "digest" not in str(difference)] == []
    assert version == LATEST_REVISION


def test_a_new_database_gets_its_tables_and_keeps_them(tmp_path: Path) -> None:
    """An empty database is migrated by whoever comes first, several at the same time, and not a second time."""
    server = require_postgresql()
    url = server.create(empty=True)
    settings = Settings(data=tmp_path, database=url)
    failures: list[BaseException] = []

    def start() -> None:
        try:
            one = create_database(settings)
            migrate(one)
            one.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.drop(url)
    assert failures == []


def test_a_text_that_cannot_be_stored_is_bad_data_not_an_outage(database: PostgresqlDatabase) -> None:
    """A NUL, a number that is too large and a text that is too long are UnstorableData; the next statement goes on."""
    for name, days in (("a\0b", 1), ("fine", 1 << 40)):
        row = {"id": uuid.uuid4(), "name": name, "website": "", "about": "", "message_data_retention": days}
        flags = {"track_opens": False, "track_clicks": False, "message_metadata_retention": 1}
        with pytest.raises(UnstorableData), database.write() as connection:
            connection.execute(insert(accounts).values(**row, **flags, created_at=1, updated_at=1))
    with pytest.raises(UnstorableData), database.write() as connection:
        connection.execute(text("INSERT INTO marks (name, at) VALUES (repeat('x', 17), 1)"))
    with database.write() as connection:
        accounts_table.create(connection, uuid.uuid4(), "good", 1)


def test_long_texts_are_unique_without_a_long_index(database: PostgresqlDatabase) -> None:
    """A destination of 8,000 random characters is stored once, and found again."""
    long = "".join(uuid.uuid4().hex for _ in range(250))
    with database.write() as connection:
        ids = aggregate_values_table.get_or_create_ids(connection, [long, "short"])
        assert aggregate_values_table.get_or_create_ids(connection, ["short", long]) == ids


def test_a_server_that_is_gone_is_unavailable(database: PostgresqlDatabase) -> None:
    """A connection that the server ends is DatabaseUnavailable, and the next one works."""
    with database.write() as connection:
        accounts_table.create(connection, uuid.uuid4(), "kept", 1)
    with pytest.raises(DatabaseUnavailable), database.read() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with database.read() as connection:
        assert connection.scalar(select(accounts.c.name)) == "kept"


def test_a_commit_is_on_the_disk_whatever_the_server_is_told(database: PostgresqlDatabase) -> None:
    """Where the database is set to answer before a transaction is flushed, ours wait for it all the same; what else
    is set, such as waiting for replicas, stays.
    """
    expected = {"off": "on", "local": "local", "remote_apply": "remote_apply"}
    with database.read() as connection:
        name = connection.scalar(text("SELECT current_database()"))
    for setting, expectation in expected.items():
        with database.write() as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = {setting}"))
        database.close()
        with database.read() as connection:
            assert connection.scalar(text("SHOW synchronous_commit")) == expectation


def test_a_transaction_that_does_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that says nothing for long within a transaction loses it, with its locks; one that only reads does
    not, for it holds none.
    """
    with use_dialect("postgresql"):
        monkeypatch.setattr(postgresql_database, "IDLE_FACTOR", 0.01)
        database = make_database(tmp_path, timeout=100)
        silence = 3.0  # three times as long
        with database.read() as connection:
            time.sleep(silence)
            assert connection.scalar(text("SELECT 1")) == 1
        with pytest.raises(DatabaseUnavailable), database.write() as connection:
            time.sleep(silence)  # the commit is refused
        with database.write(WriteMode.EXCLUSIVE):
            pass


def test_the_time_is_the_servers(database: PostgresqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine's clock shows, before the first transaction and as soon as it was set."""
    right, read_own_clock = clock.now(), time.time_ns
    url = database._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    for shift in (0, HOUR_US, -HOUR_US):
        monkeypatch.setattr(time, "time_ns", lambda shift=shift: read_own_clock() + 1000 * shift)
        elsewhere = PostgresqlDatabase(url, database.folder, timeout=2)
        for each in (database, elsewhere):
            assert right - MINUTE_US < each.now() < right + 10 * MINUTE_US
        elsewhere.close()


def test_no_other_time_takes_the_place_of_the_servers(tmp_path: Path) -> None:
    """While the server has never been there no time is told; once it was, the time is known while it is away."""
    with use_dialect("postgresql"), DatabaseProxy(make_database_url()) as proxy:
        database = PostgresqlDatabase(proxy.url, tmp_path, timeout=30)
        with proxy.cut(), pytest.raises(DatabaseUnavailable):
            database.now()
        right = database.now()
        with proxy.cut():
            assert right <= database.now() < right + 10 * MINUTE_US
        database.close()


def test_both_ends_of_a_connection_ask_after_each_other(tmp_path: Path) -> None:
    """Over a network silence is not taken for life, on either side, unless the address says how long it may last."""
    port = find_free_port()
    require_postgresql("network", "listen_addresses=127.0.0.1", f"port={port}")
    for more, expected in (("", LINK_CHECK_SECONDS), ("?keepalives_idle=77", 77)):
        url = f"postgresql://linkweir@127.0.0.1:{port}/{TEMPLATE}{more}"
        database = PostgresqlDatabase(url, tmp_path, timeout=30)
        with database.read() as connection:
            assert connection.scalar(text("SHOW tcp_keepalives_idle")) == str(LINK_CHECK_SECONDS)
            driver = connection.connection.driver_connection
            assert driver is not None
            with socket.socket(fileno=os.dup(driver.pgconn.socket)) as end:
                assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == expected
                assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) > 0
        database.close()


def test_writers_wait_for_whom_their_modes_exclude(database: PostgresqlDatabase) -> None:
    """Concurrent transactions run beside each other and beside a serial one; two serial ones do not, and nobody runs
    beside an exclusive one: who has waited as long as it was told to is told to come again.
    """
    excluded = {(WriteMode.SERIAL, WriteMode.SERIAL)}
    excluded |= {pair for mode in WriteMode for pair in ((mode, WriteMode.EXCLUSIVE), (WriteMode.EXCLUSIVE, mode))}
    for first, second in itertools.product(WriteMode, WriteMode):
        refusal = pytest.raises(DatabaseUnavailable, match="lock timeout")
        outcome = refusal if (first, second) in excluded else nullcontext()
        with database.write(first), outcome, database.write(second, timeout=0.05):
            pass


def test_a_job_is_done_by_one_at_a_time(database: PostgresqlDatabase) -> None:
    """While one holds a job nobody else can, whatever other jobs are held; afterwards somebody else can."""
    with database.try_job("retention") as first, database.try_job("retention") as second:
        assert (first, second) == (True, False)
        with database.try_job("rebuild") as other:
            assert other
    with database.try_job("retention") as again:
        assert again


def test_transactions_that_wait_in_a_circle_are_conflicts(database: PostgresqlDatabase) -> None:
    """Of two that would wait for each other for ever one is ended, to be tried again, and the other goes on."""
    ids = [uuid.uuid4(), uuid.uuid4()]
    with database.write() as connection:
        for key in ids:
            accounts_table.create(connection, key, "before", 1)
    outcomes: list[str] = []
    both_hold_one = threading.Barrier(2)

    def rename(order: list[uuid.UUID]) -> None:
        try:
            with database.write(WriteMode.CONCURRENT) as connection:
                accounts_table.update_row(connection, order[0], {"name": "after"}, 2)
                both_hold_one.wait()
                accounts_table.update_row(connection, order[1], {"name": "after"}, 2)
            outcomes.append("done")
        except TransactionConflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=rename, args=(order,)) for order in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict", "done"]


def test_the_password_is_in_no_error_and_no_repr(tmp_path: Path) -> None:
    """Neither a server that refuses, nor one that is not there, nor a URL that is none makes the password public."""
    require_postgresql()
    settings = from_environment(
        {"LINKWEIR_DATABASE": f"postgresql://someone:{PASSWORD}@127.0.0.1:1/x?connect_timeout=1"}, data=tmp_path
    )
    database = create_database(settings)
    with pytest.raises(DatabaseUnavailable) as refused, database.read():
        pass
    texts = [repr(settings), str(settings), repr(database), database.name, str(refused.value)]
    error: BaseException | None = refused.value
    while error is not None:
        texts.append(f"{error} {error!r}")
        error = error.__cause__ or error.__context__
    for wrong in (f"postgresql://x:{PASSWORD}@h:nowhere/y", f"mysql://x:{PASSWORD}@h/y", f"postgresql://:{PASSWORD}@h"):
        with pytest.raises(SettingsError) as unusable:
            from_environment({"LINKWEIR_DATABASE": wrong})
        texts.append(f"{unusable.value!r} {unusable.value.__context__!r}")
    assert not [one for one in texts if PASSWORD in one]


def test_a_database_of_another_encoding_is_refused(tmp_path: Path) -> None:
    """A database whose texts are not UTF-8 cannot hold what mails say, so a service does not start on it."""
    server = require_postgresql()
    server.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    database = PostgresqlDatabase(server.url("latin"), tmp_path, timeout=5)
    with pytest.raises(DataFolderError, match="ENCODING 'UTF8'"):
        migrate(database)
    database.close()
    server.execute("DROP DATABASE latin WITH (FORCE)")


def test_tables_are_rewritten_once_nobody_sees_what_was_deleted(database: PostgresqlDatabase) -> None:
    """While a transaction sees deleted rows the tables are named as a place of copies, afterwards no more; a database
    over the limit is not rewritten, and is said not to be.
    """
    with database.read() as reader:
        reader.execute(text("SELECT 1"))
        with database.write() as connection:
            accounts_table.create(connection, uuid.uuid4(), "gone", 1)
            connection.execute(text("DELETE FROM accounts"))
        assert CopyLocation.TABLES in database.vacuum()
    lasting = database.lasting_copies()
    assert CopyLocation.TABLES not in lasting
    assert database.vacuum() == lasting
    assert database.vacuum(limit=1) == database.lasting_copies(limit=1) == lasting | {CopyLocation.TABLES}

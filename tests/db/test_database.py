"""Tests of linkweir.db.database and the migrations."""

import contextlib
import hashlib
import shutil
import sqlite3
import stat
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from linkweir.db import accounts_table
from linkweir.db.database import Database
from linkweir.db.migrations.versions import v0001_initial_schema
from linkweir.db.schema import metadata
from linkweir.db.schema_upgrade import migrate
from linkweir.errors import DatabaseUnavailable, DataFolderError


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """A migrated store that waits a tenth of a second for locks."""
    database = Database(tmp_path / "data" / "linkweir.db", timeout=0.1)
    migrate(database)
    yield database
    database.close()


def test_the_migrations_create_the_declared_tables(store: Database) -> None:
    """After all migrations the database is exactly what db.schema declares."""
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        created = {name for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))}
    assert created >= set(metadata.tables)


def test_the_revision_changes_with_the_schema(store: Database) -> None:
    """A changed table has a new revision identifier, so that databases made before the change are refused."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'alembic_version' ORDER BY name"
    columns = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?) ORDER BY name'
    indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? ORDER BY name"
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        schema = [
            (name, connection.execute(columns, (name,)).fetchall(), connection.execute(indexes, (name,)).fetchall())
            for (name,) in connection.execute(tables).fetchall()
        ]
    digest = hashlib.sha256(repr(schema).encode()).hexdigest()[:8]
    assert v0001_initial_schema.revision == f"0001_{digest}"


@pytest.mark.parametrize("revision", ["0010", "0002_12345678"])
def test_a_database_of_another_release_is_refused(store: Database, revision: str) -> None:
    """Older and newer databases are left as they are, with one sentence that says what to do."""
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    with pytest.raises(DataFolderError) as refusal:
        migrate(store)
    assert str(refusal.value) == (
        f"{store.path}: another release of Linkweir made this database (schema revision {revision!r}, this release "
        f"needs {v0001_initial_schema.revision!r}); start that release, restore a backup made with this one, or begin "
        "with an empty data folder"
    )
    with store.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == revision


def test_migrating_twice_changes_nothing(store: Database) -> None:
    """A later start finds the schema in place and keeps the data."""
    with store.write() as connection:
        connection.execute(text("INSERT INTO link_keys (key_id, account_id) SELECT 1, 'x' WHERE 0"))
    migrate(store)
    with store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1


def test_the_file_is_for_its_owner_only(store: Database) -> None:
    """The database and its folder can be read by nobody else, for there are addresses in them."""
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_commits_are_flushed(store: Database) -> None:
    """The database runs in WAL mode with full synchronisation: a commit survives a power cut."""
    with store.read() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2


def test_a_failed_transaction_leaves_nothing(store: Database) -> None:
    """What raises inside a write is rolled back and comes out unchanged."""

    def create_and_fail() -> None:
        with store.write() as connection:
            accounts_table.create(connection, uuid.uuid4(), "x", 1)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        create_and_fail()
    with store.read() as connection:
        assert accounts_table.get_default_account(connection) is None


def test_a_lock_is_an_error_after_the_wait(store: Database) -> None:
    """While another connection holds the write lock, a write fails as DatabaseUnavailable within the stated wait."""
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseUnavailable, match="locked"), store.write():
        pass  # though the lock lasts on
    with store.read() as connection:
        assert connection.scalar(text("PRAGMA busy_timeout")) == 100
    other.execute("ROLLBACK")
    other.close()
    with store.write():
        pass


def test_a_deleted_file_is_noticed_and_not_made_anew(store: Database) -> None:
    """SQLite would go on writing into a deleted file; the store refuses, and makes no empty database in its place."""
    with store.write():
        pass
    shutil.rmtree(store.path.parent)
    with pytest.raises(DatabaseUnavailable, match="gone"), store.write():
        pass
    store.path.parent.mkdir()
    with pytest.raises(DatabaseUnavailable, match="gone"), store.read():
        pass
    assert not store.path.exists()


def test_a_restored_file_is_used_again(store: Database, tmp_path: Path) -> None:
    """When the operator puts the file back, the store goes on with that one."""
    with store.write():
        pass
    store.close()
    shutil.copy(store.path, tmp_path / "backup")
    shutil.rmtree(store.path.parent)
    with pytest.raises(DatabaseUnavailable), store.read():
        pass
    store.path.parent.mkdir()
    shutil.copy(tmp_path / "backup", store.path)
    with store.write() as connection:
        assert accounts_table.get_default_account(connection) is None


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    """Rubbish in the database file is reported as DatabaseUnavailable, not as a driver's exception."""
    path = tmp_path / "linkweir.db"
    path.write_bytes(b"not a database at all " * 100)
    database = Database(path, timeout=0.1)
    with pytest.raises(DatabaseUnavailable):
        migrate(database)
    database.close()


def test_two_starts_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """Two processes that migrate a new folder at the same time both end with a complete schema."""
    failures: list[Exception] = []
    stores = [Database(tmp_path / "d" / "linkweir.db", timeout=60) for _ in range(2)]

    def start(made: Database) -> None:
        try:
            migrate(made)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=(made,)) for made in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for made in stores:
        with made.read() as connection:
            assert accounts_table.get_default_account(connection) is None
        made.close()


def test_what_was_removed_is_overwritten(store: Database) -> None:
    """After `overwrite` no byte of a removed row is in any file, and the log is empty."""
    name = "To-be-forgotten"
    with store.write() as connection:
        accounts_table.create(connection, uuid.uuid4(), name, 1)
    with store.write() as connection:
        connection.execute(text("DELETE FROM accounts"))
    assert store.vacuum()
    files = {path.name: path.read_bytes() for path in store.path.parent.iterdir()}
    assert [file for file, data in files.items() if name.encode() in data] == []
    assert files.get("linkweir.db-wal", b"") == b""


def test_a_reader_prevents_the_log_from_being_emptied(store: Database) -> None:
    """While somebody reads an older state, `overwrite` says so instead of waiting for ever; then it works."""
    with store.write() as connection:
        accounts_table.create(connection, uuid.uuid4(), "x", 1)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM accounts").fetchone()
    assert not store.vacuum()
    other.execute("COMMIT")
    other.close()
    assert store.vacuum()


def test_emptying_the_log_holds_nobody_up(store: Database) -> None:
    """What was removed is in no file once the log was emptied; while a reader or a writer is there it stays, and that
    is said at once.
    """
    name = "To-be-forgotten"
    with store.write() as connection:
        accounts_table.create(connection, uuid.uuid4(), name, 1)
    with store.write() as connection:
        connection.execute(text("DELETE FROM accounts"))
        assert not store.truncate_wal()
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM accounts").fetchone()
    with store.write() as connection:  # so that the reader's state is an older one
        accounts_table.create(connection, uuid.uuid4(), "Another", 1)
    assert not store.truncate_wal()
    with store.read() as connection:  # others on this connection wait for locks as before
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 100
    other.execute("COMMIT")
    assert store.truncate_wal()
    other.close()
    assert all(name.encode() not in path.read_bytes() for path in store.path.parent.iterdir())


def test_a_large_file_is_not_written_anew(store: Database) -> None:
    """Above the limit the log is emptied, and the answer says that the file was left as it is."""
    assert not store.vacuum(limit=1)
    assert store.vacuum(limit=1 << 30)

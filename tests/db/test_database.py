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
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from linkweir.db import accounts_table
from linkweir.db.database import CopyLocation
from linkweir.db.migrations.versions import v0001_initial_schema
from linkweir.db.schema import metadata
from linkweir.db.schema_upgrade import LATEST_REVISION, MIGRATIONS_PATH, migrate
from linkweir.db.sqlite_database import SqliteDatabase
from linkweir.errors import DatabaseUnavailable, DataFolderError


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A migrated database that waits a tenth of a second for locks."""
    database = SqliteDatabase(tmp_path / "data" / "linkweir.db", timeout=0.1)
    migrate(database)
    yield database
    database.close()


def _is_of_sqlite(item: Any, *_others: object) -> bool:
    """Whether an index or a constraint is declared for SQLite, not for PostgreSQL alone."""
    return getattr(getattr(item, "_ddl_if", None), "dialect", None) != "postgresql"


@pytest.mark.filterwarnings("ignore:autogenerate skipping")  # indexes of the other database
def test_the_migrations_create_the_declared_tables(database: SqliteDatabase) -> None:
    """After all migrations the database is exactly what db.schema declares."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": _is_of_sqlite})
        assert compare_metadata(context, metadata) == []
        created = {name for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))}
    assert created >= set(metadata.tables)


def test_the_revision_changes_with_the_schema(database: SqliteDatabase) -> None:
    """A changed table has a new revision identifier, so that databases made before the change are refused."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'alembic_version' ORDER BY name"
    columns = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?) ORDER BY name'
    indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? ORDER BY name"
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        schema = [
            (name, connection.execute(columns, (name,)).fetchall(), connection.execute(indexes, (name,)).fetchall())
            for (name,) in connection.execute(tables).fetchall()
        ]
        derived = "SELECT name, sql FROM sqlite_master WHERE type IN ('view', 'trigger') ORDER BY name"
        schema += connection.execute(derived).fetchall()
    digest = hashlib.sha256(repr(schema).encode()).hexdigest()[:8]
    assert v0001_initial_schema.revision == f"0001_{digest}"


def test_the_latest_revision_is_that_of_the_scripts() -> None:
    """A start compares the database with the newest script, so that it need not load Alembic."""
    assert ScriptDirectory(str(MIGRATIONS_PATH)).get_current_head() == LATEST_REVISION


@pytest.mark.parametrize("revision", ["0010", "0002_12345678"])
def test_a_database_of_another_release_is_refused(database: SqliteDatabase, revision: str) -> None:
    """Older and newer databases are left as they are, with one sentence that says what to do."""
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    with pytest.raises(DataFolderError) as refusal:
        migrate(database)
    assert str(refusal.value) == (
        f"{database.path}: another release of Linkweir made this database (schema revision {revision!r}, this release "
        f"needs {v0001_initial_schema.revision!r}); start that release, restore a backup made with this one, or begin "
        "with an empty data folder"
    )
    with database.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == revision


def test_migrating_twice_changes_nothing(database: SqliteDatabase) -> None:
    """A later start finds the schema in place and keeps the data."""
    with database.write() as connection:
        connection.execute(text("INSERT INTO link_keys (key_id, account_id) SELECT 1, 'x' WHERE 0"))
    migrate(database)
    with database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1


def test_the_file_is_for_its_owner_only(database: SqliteDatabase) -> None:
    """The database and its folder can be read by nobody else, for there are addresses in them."""
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(database.path.parent.stat().st_mode) == 0o700


def test_commits_are_flushed(database: SqliteDatabase) -> None:
    """The database runs in WAL mode with full synchronisation: a commit survives a power cut."""
    with database.read() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2


def test_a_failed_transaction_leaves_nothing(database: SqliteDatabase) -> None:
    """What raises inside a write is rolled back and comes out unchanged."""

    def create_and_fail() -> None:
        with database.write() as connection:
            accounts_table.create(connection, uuid.uuid4(), "x", 1)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        create_and_fail()
    with database.read() as connection:
        assert accounts_table.get_default_account(connection) is None


@pytest.mark.parametrize("error", [OSError(28, "full"), TimeoutError("slow"), FileNotFoundError("x")])
@pytest.mark.parametrize("together", [False, True])
def test_an_error_of_the_work_is_not_the_databases(database: SqliteDatabase, error: OSError, *, together: bool) -> None:
    """An OSError of what is done inside a transaction comes out as it is: "unavailable" would be tried again for ever,
    and a service would be called not ready for it.
    """

    def fail(_connection: Connection) -> None:
        raise error

    with pytest.raises(type(error)) as caught:  # noqa: PT012 - both ways
        if together:
            database.write_together(fail)
        else:
            with database.write() as connection:
                fail(connection)
    assert caught.value is error
    with database.read() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_lock_is_an_error_after_the_wait(database: SqliteDatabase) -> None:
    """While another connection holds the write lock, a write fails as DatabaseUnavailable within the stated wait."""
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseUnavailable, match="locked"), database.write():
        pass  # though the lock lasts on
    with database.read() as connection:
        assert connection.scalar(text("PRAGMA busy_timeout")) == 100
    other.execute("ROLLBACK")
    other.close()
    with database.write():
        pass


def test_a_deleted_file_is_noticed_and_not_made_anew(database: SqliteDatabase) -> None:
    """SQLite would go on writing into a deleted file; we refuse, and make no empty database in its place."""
    with database.write():
        pass
    shutil.rmtree(database.path.parent)
    with pytest.raises(DatabaseUnavailable, match="gone"), database.write():
        pass
    database.path.parent.mkdir()
    with pytest.raises(DatabaseUnavailable, match="gone"), database.read():
        pass
    assert not database.path.exists()


def test_a_restored_file_is_used_again(database: SqliteDatabase, tmp_path: Path) -> None:
    """When the operator puts the file back, the database goes on with that one."""
    with database.write():
        pass
    database.close()
    shutil.copy(database.path, tmp_path / "backup")
    shutil.rmtree(database.path.parent)
    with pytest.raises(DatabaseUnavailable), database.read():
        pass
    database.path.parent.mkdir()
    shutil.copy(tmp_path / "backup", database.path)
    with database.write() as connection:
        assert accounts_table.get_default_account(connection) is None


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    """Rubbish in the database file is reported as DatabaseUnavailable, not as a driver's exception."""
    path = tmp_path / "linkweir.db"
    path.write_bytes(b"not a database at all " * 100)
    database = SqliteDatabase(path, timeout=0.1)
    with pytest.raises(DatabaseUnavailable):
        migrate(database)
    database.close()


def test_two_starts_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """Two processes that migrate a new folder at the same time both end with a complete schema."""
    failures: list[Exception] = []
    databases = [SqliteDatabase(tmp_path / "d" / "linkweir.db", timeout=60) for _ in range(2)]

    def start(made: SqliteDatabase) -> None:
        try:
            migrate(made)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=(made,)) for made in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for made in databases:
        with made.read() as connection:
            assert accounts_table.get_default_account(connection) is None
        made.close()


def test_what_was_removed_is_overwritten(database: SqliteDatabase) -> None:
    """After `overwrite` no byte of a removed row is in any file, and the log is empty."""
    name = "To-be-forgotten"
    with database.write() as connection:
        accounts_table.create(connection, uuid.uuid4(), name, 1)
    with database.write() as connection:
        connection.execute(text("DELETE FROM accounts"))
    assert database.vacuum() == set()
    files = {path.name: path.read_bytes() for path in database.path.parent.iterdir()}
    assert [file for file, data in files.items() if name.encode() in data] == []
    assert files.get("linkweir.db-wal", b"") == b""


def test_a_reader_prevents_the_log_from_being_emptied(database: SqliteDatabase) -> None:
    """While somebody reads an older state, `overwrite` says so instead of waiting for ever; then it works."""
    with database.write() as connection:
        accounts_table.create(connection, uuid.uuid4(), "x", 1)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM accounts").fetchone()
    assert database.vacuum() == {CopyLocation.WRITE_AHEAD_LOG}
    other.execute("COMMIT")
    other.close()
    assert database.vacuum() == set()


def test_emptying_the_log_holds_nobody_up(database: SqliteDatabase) -> None:
    """What was removed is in no file once the log was emptied; while a reader or a writer is there it stays, and that
    is said at once.
    """
    name = "To-be-forgotten"
    with database.write() as connection:
        accounts_table.create(connection, uuid.uuid4(), name, 1)
    with database.write() as connection:
        connection.execute(text("DELETE FROM accounts"))
        assert not database.truncate_wal()
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM accounts").fetchone()
    with database.write() as connection:  # so that the reader's state is an older one
        accounts_table.create(connection, uuid.uuid4(), "Another", 1)
    assert not database.truncate_wal()
    with database.read() as connection:  # others on this connection wait for locks as before
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 100
    other.execute("COMMIT")
    assert database.truncate_wal()
    other.close()
    assert all(name.encode() not in path.read_bytes() for path in database.path.parent.iterdir())


def test_a_large_file_is_not_written_anew(database: SqliteDatabase) -> None:
    """Above the limit the log is emptied, and the answer says that the file was left as it is."""
    assert database.vacuum(limit=1) == database.lasting_copies(limit=1) == {CopyLocation.TABLES}
    assert database.vacuum(limit=1 << 30) == database.lasting_copies(limit=1 << 30) == set()

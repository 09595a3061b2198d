"""The databases of tests that run on SQLite and on PostgreSQL: see the marker `both_databases`."""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linkweir.db.database import Database
from linkweir.db.schema_upgrade import migrate
from linkweir.db.sqlite_database import SqliteDatabase
from tests.postgresql_server import require_postgresql

DIALECTS = ("sqlite", "postgresql")
_urls: list[str] = []  # of the databases that the running test made
_databases: list[Database] = []  # that may not have been closed
_dialect = ["sqlite"]


@contextmanager
def use_dialect(dialect: str) -> Iterator[None]:
    """Let `make_database` make databases of this dialect; those of PostgreSQL are removed in the end."""
    if dialect == "postgresql":
        require_postgresql()
    _dialect.append(dialect)
    try:
        yield
    finally:
        _dialect.pop()
        while _databases:
            _databases.pop().close()
        while _urls:
            require_postgresql().drop(_urls.pop())


def make_database(folder: Path, *, timeout: float = 5) -> Database:
    """A new database with all tables, of the dialect that the test is for."""
    if url := make_database_url():
        from linkweir.db.postgresql_database import PostgresqlDatabase

        _databases.append(PostgresqlDatabase(url, folder, timeout=timeout))
        return _databases[-1]
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(_create_empty_database(), folder / "linkweir.db")
    return SqliteDatabase(folder / "linkweir.db", timeout=timeout)


def make_database_url() -> str:
    """The setting `database` for the dialect that the test is for: empty for SQLite."""
    if _dialect[-1] == "sqlite":
        return ""
    _urls.append(require_postgresql().create())
    return _urls[-1]


@functools.cache
def _create_empty_database() -> Path:
    """A migrated database, made once: migrating takes longer than most tests."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    database = SqliteDatabase(folder / "linkweir.db", timeout=5)
    migrate(database)
    assert database.truncate_wal()
    database.close()
    return folder / "linkweir.db"

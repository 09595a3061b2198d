"""The databases of tests that run on SQLite and on PostgreSQL: see the fixture `dialect`."""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL

from linkweir.db.database import Database
from linkweir.db.schema_upgrade import migrate
from linkweir.db.sqlite_database import SqliteDatabase
from tests.postgresql_server import require_postgresql

DIALECTS = ("sqlite", "postgresql")


@dataclass(frozen=True, eq=False)
class _Scope:
    """What a test, or the fixtures that tests of a module share, made."""

    dialect: str
    urls: dict[Path | None, list[str]] = field(default_factory=dict)  # by data folder
    databases: list[Database] = field(default_factory=list)  # that may not have been closed


_scopes = [_Scope("sqlite")]


@contextmanager
def use_dialect(dialect: str | None = None) -> Iterator[str]:
    """Let `make_database` make databases of this dialect, or of the present one; those of PostgreSQL are removed in the
    end.
    """
    scope = _Scope(dialect or _scopes[-1].dialect)
    if scope.dialect == "postgresql":
        require_postgresql()
    _scopes.append(scope)
    try:
        yield scope.dialect
    finally:
        _scopes.remove(scope)
        for database in scope.databases:
            database.close()
        for urls in scope.urls.values():
            for url in urls:
                require_postgresql().drop(url)


def make_database(folder: Path, *, timeout: float = 5) -> Database:
    """A new database with all tables, of the dialect that the test is for."""
    if url := make_database_url():
        return open_database(folder, url, timeout=timeout)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(_create_empty_database(), folder / "linkweir.db")
    return open_database(folder, timeout=timeout)


def open_database(folder: Path, url: str = "", *, timeout: float = 5) -> Database:
    """A database that exists: of SQLite in a folder, of PostgreSQL at a URL."""
    if not url:
        return SqliteDatabase(folder / "linkweir.db", timeout=timeout)
    from linkweir.db.postgresql_database import PostgresqlDatabase

    database = PostgresqlDatabase(url, folder, timeout=timeout)
    _scopes[-1].databases.append(database)
    return database


def open_again(database: Database, *, timeout: float = 60) -> Database:
    """Another way to the same database, as another process has it."""
    return open_database(database.folder, _url_of(database), timeout=timeout)


def copy_database(database: Database, folder: Path) -> Database:
    """Another database with the same content, and with connections of its own."""
    database.close()
    if url := _url_of(database):
        copied = require_postgresql().create(template=url)
        _scopes[-1].urls.setdefault(None, []).append(copied)
        return open_database(folder, copied)
    assert database.truncate_wal()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(database.folder / "linkweir.db", folder)
    return open_database(folder)


def _url_of(database: Database) -> str:
    if isinstance(database, SqliteDatabase):
        return ""
    url: URL = database._engine.url  # type: ignore[attr-defined]
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def make_database_url(data: Path | None = None) -> str:
    """The setting `database` for the dialect that the test is for: empty for SQLite. A service that is started again on
    the same data folder gets the same database.
    """
    if _scopes[-1].dialect == "sqlite":
        return ""
    known = [url for scope in _scopes for url in scope.urls.get(data, ())] if data else []
    if known:
        return known[0]
    url = require_postgresql().create()
    _scopes[-1].urls.setdefault(data, []).append(url)
    return url


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

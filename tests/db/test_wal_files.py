"""Tests of linkweir.db.wal_files: SQLite's log and index removed under those who use them."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from linkweir.db.database import Database
from linkweir.errors import DatabaseUnavailable

NAMES = ("-wal", "-shm")
KILLED_SCRIPT = """
import os, sys
from pathlib import Path
from sqlalchemy import text
from linkweir.db.database import Database
with Database(Path(sys.argv[1]), timeout=5).write() as connection:
    connection.execute(text("INSERT INTO t VALUES (99)"))
os._exit(0)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table."""
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("CREATE TABLE t (n INTEGER)")
    return tmp_path / "x.db"


def insert(database: Database, number: int, during: Callable[[], None] = lambda: None) -> None:
    """Commit one row; `during` is called before that."""
    with database.write() as connection:
        connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": number})
        during()


def list_numbers(database: Database) -> list[int]:
    """The rows that a transaction sees."""
    with database.read() as connection:
        return [row[0] for row in connection.execute(text("SELECT n FROM t ORDER BY n"))]


@pytest.mark.parametrize("removed", [["-wal"], ["-shm"], ["-wal", "-shm"]])
def test_removed_files_get_their_names_back(path: Path, removed: list[str]) -> None:
    """Two users of a database and one that comes later commit after each removal, and all see all of it."""
    first, second = Database(path, timeout=5), Database(path, timeout=5)
    for number in range(6):
        insert(second if number % 2 else first, number)
        for suffix in removed:
            os.unlink(f"{path}{suffix}")
        later = Database(path, timeout=5)
        insert(later, 10 + number)
        assert later.wal_losses == 1
        assert list_numbers(later) == list_numbers(first) == list_numbers(second)
        later.close()
    assert list_numbers(first) == [*range(6), *range(10, 16)]
    first.close()
    second.close()
    assert sorted(item.name for item in path.parent.iterdir()) == ["x.db"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (12,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_removal_during_a_transaction(path: Path) -> None:
    """A transaction that a removal interrupts is not committed, and the next one is, for all to see."""
    database = Database(path, timeout=5)
    insert(database, 1)
    with pytest.raises(DatabaseUnavailable, match="its log was removed"):
        insert(database, 2, during=lambda: os.unlink(f"{path}-wal"))
    insert(database, 3)
    other = Database(path, timeout=5)
    assert list_numbers(database) == list_numbers(other) == [1, 3]
    assert database.wal_losses == 1
    database.close()
    other.close()


def test_the_log_of_a_killed_process_does_not_come_back(path: Path) -> None:
    """A database restored from a backup, without the log, is as it was in the backup, whatever was killed before."""
    shutil.copy(path, path.with_name("backup"))
    subprocess.run([sys.executable, "-c", KILLED_SCRIPT, str(path)], check=True)  # noqa: S603 - our own script
    assert path.with_name(".x.db-wal").exists()
    for suffix in NAMES:
        os.unlink(f"{path}{suffix}")
    path.with_name("backup").replace(path)
    database = Database(path, timeout=5)
    assert list_numbers(database) == []
    assert database.wal_losses == 0
    database.close()


def test_a_killed_process_leaves_what_it_committed(path: Path) -> None:
    """With the files left in place, the next process finds what was committed."""
    subprocess.run([sys.executable, "-c", KILLED_SCRIPT, str(path)], check=True)  # noqa: S603 - our own script
    database = Database(path, timeout=5)
    assert list_numbers(database) == [99]
    database.close()


@pytest.mark.parametrize("lost", NAMES)
def test_files_that_are_gone_for_good(path: Path, lost: str) -> None:
    """With the second name removed too nothing is read or written any more, which the error says; the database file has
    all that was committed.
    """
    database = Database(path, timeout=5)
    insert(database, 1)
    os.unlink(f"{path}{lost}")
    path.with_name(f".x.db{lost}").unlink()
    with pytest.raises(DatabaseUnavailable, match=f"x.db{lost} was removed, and nothing can bring it back"):
        insert(database, 2)
    with pytest.raises(DatabaseUnavailable, match="nothing can bring it back"):
        list_numbers(database)
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT n FROM t").fetchall() == [(1,)]
    database.close()
    assert list_numbers(database) == [1]
    database.close()

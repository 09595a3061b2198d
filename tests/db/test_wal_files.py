"""Tests of linkweir.db.wal_files: SQLite's log and index removed under those who use them."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from linkweir.db.sqlite_database import SqliteDatabase
from linkweir.errors import DatabaseUnavailable

NAMES = ("-wal", "-shm")
KILLED_SCRIPT = """
import os, sys
from pathlib import Path
from sqlalchemy import text
from linkweir.db.sqlite_database import SqliteDatabase
from linkweir.db.sqlite_database import SqliteDatabase
with SqliteDatabase(Path(sys.argv[1]), timeout=5).write() as connection:
    connection.execute(text("INSERT INTO t VALUES (99)"))
os._exit(0)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table."""
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("CREATE TABLE t (n INTEGER)")
    return tmp_path / "x.db"


def insert(database: SqliteDatabase, number: int, during: Callable[[], None] = lambda: None) -> None:
    """Commit one row; `during` is called before that."""
    with database.write() as connection:
        connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": number})
        during()


def list_numbers(database: SqliteDatabase) -> list[int]:
    """The rows that a transaction sees."""
    with database.read() as connection:
        return [row[0] for row in connection.execute(text("SELECT n FROM t ORDER BY n"))]


def hidden_name(path: Path, suffix: str) -> Path:
    """The second name of the log or the index."""
    return path.with_name(f".{path.name}{suffix}.{path.stat().st_ino}")


def restore_backup(path: Path, numbers: range, removed: tuple[str, ...]) -> None:
    """Put another database file with these rows at the path, which an operator does: with the log removed or not."""
    backup = path.with_name("backup")
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("CREATE TABLE padding (text TEXT)")
        connection.execute("CREATE TABLE t (n INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?)", [(number,) for number in numbers])
        connection.executemany("INSERT INTO padding VALUES (?)", [("x" * 3000,)] * 50)
        connection.commit()
    os.replace(backup, path)
    for suffix in removed:
        os.unlink(f"{path}{suffix}")


def check_integrity(path: Path) -> str:
    """What SQLite says of the whole database."""
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


@pytest.mark.parametrize("removed", [["-wal"], ["-shm"], ["-wal", "-shm"]])
def test_removed_files_get_their_names_back(path: Path, removed: list[str]) -> None:
    """Two users of a database and one that comes later commit after each removal, and all see all of it."""
    first, second = SqliteDatabase(path, timeout=5), SqliteDatabase(path, timeout=5)
    for number in range(6):
        insert(second if number % 2 else first, number)
        for suffix in removed:
            os.unlink(f"{path}{suffix}")
        later = SqliteDatabase(path, timeout=5)
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
    database = SqliteDatabase(path, timeout=5)
    insert(database, 1)
    with pytest.raises(DatabaseUnavailable, match="its log was removed"):
        insert(database, 2, during=lambda: os.unlink(f"{path}-wal"))
    insert(database, 3)
    other = SqliteDatabase(path, timeout=5)
    assert list_numbers(database) == list_numbers(other) == [1, 3]
    assert database.wal_losses == 1
    database.close()
    other.close()


def test_the_log_of_a_killed_process_does_not_come_back(path: Path) -> None:
    """A database restored from a backup, without the log, is as it was in the backup, whatever was killed before."""
    shutil.copy(path, path.with_name("backup"))
    subprocess.run([sys.executable, "-c", KILLED_SCRIPT, str(path)], check=True)  # noqa: S603 - our own script
    assert hidden_name(path, "-wal").exists()
    for suffix in NAMES:
        os.unlink(f"{path}{suffix}")
    path.with_name("backup").replace(path)
    database = SqliteDatabase(path, timeout=5)
    assert list_numbers(database) == []
    assert database.wal_losses == 0
    database.close()


def test_a_killed_process_leaves_what_it_committed(path: Path) -> None:
    """With the files left in place, the next process finds what was committed."""
    subprocess.run([sys.executable, "-c", KILLED_SCRIPT, str(path)], check=True)  # noqa: S603 - our own script
    database = SqliteDatabase(path, timeout=5)
    assert list_numbers(database) == [99]
    database.close()


@pytest.mark.parametrize("lost", NAMES)
def test_files_that_are_gone_for_good(path: Path, lost: str) -> None:
    """With the second name removed too nothing is read or written any more, which the error says; the database file has
    all that was committed.
    """
    database = SqliteDatabase(path, timeout=5)
    insert(database, 1)
    os.unlink(f"{path}{lost}")
    hidden_name(path, lost).unlink()
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


@pytest.mark.parametrize("removed", [NAMES, ("-wal",), ("-shm",), ()])
def test_a_backup_under_live_users(path: Path, removed: tuple[str, ...]) -> None:
    """Two users whose database file is exchanged go on with the new one, which the old log never reaches."""
    first, second = SqliteDatabase(path, timeout=5), SqliteDatabase(path, timeout=5)
    for number in range(50):
        insert(first, number)
        insert(second, number)
    restore_backup(path, range(1000, 1200), removed)
    assert list_numbers(first) == [*range(1000, 1200)]
    insert(first, 2000)
    insert(second, 2001)
    assert list_numbers(first) == list_numbers(second) == [*range(1000, 1200), 2000, 2001]
    assert check_integrity(path) == "ok"
    first.close()
    second.close()
    assert [item.name for item in path.parent.iterdir()] == ["x.db"]
    assert check_integrity(path) == "ok"


def test_a_backup_that_another_thread_finds_first(path: Path) -> None:
    """A transaction on the old file fails even when another thread has moved on to the new one meanwhile."""
    database = SqliteDatabase(path, timeout=5)

    def exchange() -> None:
        restore_backup(path, range(5), NAMES)
        with ThreadPoolExecutor(1) as executor:
            assert executor.submit(list_numbers, database).result() == [*range(5)]

    insert(database, 1)
    with pytest.raises(DatabaseUnavailable, match="or the file replaced"):
        insert(database, 2, during=exchange)
    insert(database, 6)
    assert list_numbers(database) == [*range(5), 6]
    database.close()
    assert check_integrity(path) == "ok"


READ_SCRIPT = """
import sys
from pathlib import Path
from sqlalchemy import text
from linkweir.db.sqlite_database import SqliteDatabase
from linkweir.db.sqlite_database import SqliteDatabase
database = SqliteDatabase(Path(sys.argv[1]), timeout=5)
with database.write() as connection:
    connection.execute(text("INSERT INTO t VALUES (3000)"))
with database.read() as connection:
    print(*[row[0] for row in connection.execute(text("SELECT n FROM t ORDER BY n"))])
    print(connection.execute(text("PRAGMA integrity_check")).scalar(), database.wal_losses)
database.close()
"""


@pytest.mark.parametrize("removed", [NAMES, ("-wal",), ()])
def test_a_backup_that_a_fresh_process_opens(path: Path, removed: tuple[str, ...]) -> None:
    """A process that opens the backup while another still has the old file finds the backup, whole and alone; the other
    one comes over to it.
    """
    old = SqliteDatabase(path, timeout=5)
    for number in range(50):
        insert(old, number)
    restore_backup(path, range(1000, 1200), removed)
    result = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", READ_SCRIPT, str(path)], check=True, capture_output=True, text=True
    )
    numbers, state = result.stdout.splitlines()
    assert [int(number) for number in numbers.split()] == [*range(1000, 1200), 3000]
    assert state == "ok 0"
    assert list_numbers(old) == [*range(1000, 1200), 3000]
    old.close()
    assert check_integrity(path) == "ok"
    assert [item.name for item in path.parent.iterdir()] == ["x.db"]


def test_a_backup_during_a_transaction(path: Path) -> None:
    """A transaction under which the file is exchanged fails, and the next one is the new file's."""
    database = SqliteDatabase(path, timeout=5)
    insert(database, 1)
    with pytest.raises(DatabaseUnavailable):
        insert(database, 2, during=lambda: restore_backup(path, range(1000, 1200), NAMES))
    fresh = SqliteDatabase(path, timeout=5)
    assert list_numbers(fresh) == list_numbers(database) == [*range(1000, 1200)]
    fresh.close()
    database.close()
    assert check_integrity(path) == "ok"


def test_second_names_that_nobody_uses_are_removed(path: Path) -> None:
    """What a killed process left of a file that was replaced goes when the new one is opened."""
    subprocess.run([sys.executable, "-c", KILLED_SCRIPT, str(path)], check=True)  # noqa: S603 - our own script
    left = hidden_name(path, "-wal")
    assert left.exists()
    restore_backup(path, range(5), NAMES)
    database = SqliteDatabase(path, timeout=5)
    assert list_numbers(database) == [*range(5)]
    assert not left.exists()
    database.close()
    assert [item.name for item in path.parent.iterdir()] == ["x.db"]


@pytest.mark.parametrize("work", [SqliteDatabase.vacuum, SqliteDatabase.truncate_wal])
@pytest.mark.parametrize("removed", [["-wal"], ["-shm"], ["-wal", "-shm"]])
def test_what_rewrites_the_files_finds_them_too(
    path: Path, removed: list[str], work: Callable[[SqliteDatabase], bool]
) -> None:
    """Rewriting the database or emptying its log, by a user of before and by one that comes later, gives removed files
    their names back first, and costs no row.
    """
    first, second = SqliteDatabase(path, timeout=5), SqliteDatabase(path, timeout=5)
    for number in range(4):
        insert(first, 10 * number)
        insert(second, 10 * number + 1)
        for suffix in removed:
            os.unlink(f"{path}{suffix}")
        later = SqliteDatabase(path, timeout=5)
        for database in (later, second) if number % 2 else (second, later):
            work(database)
        insert(later, 10 * number + 2)
        later.close()
        expected = sorted(10 * item + rest for item in range(number + 1) for rest in range(3))
        assert list_numbers(first) == list_numbers(second) == expected
    first.close()
    second.close()
    assert check_integrity(path) == "ok"
    assert sorted(item.name for item in path.parent.iterdir()) == ["x.db"]

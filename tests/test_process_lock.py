"""Tests of linkweir.process_lock."""

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from linkweir.process_lock import FOLDER_NAME, ProcessLock

HOLD_SCRIPT = """
import sys
from pathlib import Path
from linkweir.process_lock import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
lock.acquire()
print(lock.id, flush=True)
sys.stdin.read()
lock.release()
"""


@contextlib.contextmanager
def hold_lock(folder: Path) -> Iterator[tuple[subprocess.Popen[str], uuid.UUID]]:
    """Another process that holds its lock until its standard input ends."""
    process = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", HOLD_SCRIPT, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, uuid.UUID(process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate()


def test_a_killed_process_is_dead_and_a_stopped_one_is_not(tmp_path: Path) -> None:
    """Only after kill -9 is a process dead, for everybody, until it is forgotten."""
    mine = ProcessLock(tmp_path)
    mine.acquire()
    with hold_lock(tmp_path) as (process, other):
        assert not mine.is_dead(other)
        os.kill(process.pid, signal.SIGSTOP)
        assert mine.list_dead() == []
        process.kill()
        process.wait()
        assert mine.is_dead(other)
        assert mine.list_dead() == [other]
        mine.forget(other)
        assert (mine.list_dead(), mine.is_dead(other)) == ([], False)
    mine.release()
    assert list((tmp_path / FOLDER_NAME).iterdir()) == []


def test_a_process_that_ended_well_leaves_nothing(tmp_path: Path) -> None:
    """Its file is gone, so nothing is known of it."""
    with hold_lock(tmp_path) as (process, other):
        process.communicate("")
        lock = ProcessLock(tmp_path)
        assert not lock.is_dead(other)
        assert lock.list_dead() == []


def test_a_file_that_is_gone_proves_nothing(tmp_path: Path) -> None:
    """A living process whose file somebody removed is not taken for dead, and its own lock is no other's."""
    first, second = ProcessLock(tmp_path), ProcessLock(tmp_path)
    first.acquire()
    second.acquire()
    assert not first.is_dead(second.id)
    assert not second.is_dead(first.id)
    for path in (tmp_path / FOLDER_NAME).iterdir():
        path.unlink()
    assert not second.is_dead(first.id)
    first.release()
    second.release()

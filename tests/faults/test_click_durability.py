"""Clicks under every fault: whatever was answered is stored exactly once, and never more than was requested."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.clicks.click_event import decode_event
from linkweir.clicks.journal.segment import RECORDS_OFFSET, JournalSegment, scan_records
from tests.conftest import skip_or_fail
from tests.faults.click_load import ClickedService
from tests.web.running_service import wait_until

KILLS = 4
LOAD_SECONDS = 1.0  # seconds


def test_kill_9_in_a_loop(tmp_path: Path) -> None:
    """Killed again and again under load, the service has every answered click exactly once in the end."""
    with ClickedService(tmp_path / "data") as clicking:
        for _ in range(KILLS):
            port = clicking.start()
            with clicking.run_readers(port):
                clicking.run_load(LOAD_SECONDS)
                clicking.kill(port)
        assert len(clicking.answered) > 100
        clicking.check_counts(clicking.start())


def test_kill_9_while_the_database_is_locked(tmp_path: Path) -> None:
    """Killed under load without having stored anything, restart after restart, it has all of it in the end."""
    with ClickedService(tmp_path / "data", LINKWEIR_STORE_WAIT="20") as clicking:
        for _ in range(KILLS):
            port = clicking.start()
            lock = sqlite3.connect(clicking.data / "linkweir.db", isolation_level=None)
            lock.execute("BEGIN EXCLUSIVE")
            with clicking.run_readers(port):
                clicking.run_load(LOAD_SECONDS / 2)
                clicking.kill(port)
            lock.close()
        clicking.check_counts(clicking.start())


@pytest.mark.parametrize("which", ["background", "web", "parent"])
def test_kill_9_of_one_of_many(tmp_path: Path, which: str) -> None:
    """With two workers, killing any process loses no answered click; all but the parent come back by themselves."""
    with ClickedService(tmp_path / "data", "--workers", "2") as clicking:
        port = clicking.start()
        before = clicking.list_children(port)
        assert len(before) == 3
        with clicking.run_readers(port, readers=6):
            clicking.run_load(LOAD_SECONDS, 101)
            if which == "parent":
                clicking.kill(port)
                time.sleep(LOAD_SECONDS)
            else:
                os.kill(before[0 if which == "background" else 1], signal.SIGKILL)
                wait_until(lambda: len(set(clicking.list_children(port)) - set(before)) == 1)
                clicking.run_load(LOAD_SECONDS)
        if which == "parent":
            wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in before))
            port = clicking.start()
        assert len(clicking.answered) > 100
        clicking.check_counts(port)
        assert clicking.stop(port) == 0


def test_two_services_on_one_folder(tmp_path: Path) -> None:
    """Two services that know nothing of each other share a folder under load; one is killed, the other stores all."""
    with ClickedService(tmp_path / "data") as clicking:
        ports = [clicking.start(), clicking.start()]
        with clicking.run_readers(*ports):
            clicking.run_load(LOAD_SECONDS)
            clicking.kill(ports[0])
            clicking.run_load(LOAD_SECONDS)
        clicking.check_counts(ports[1])


@pytest.mark.exclusive
def test_a_database_that_is_locked_for_long(tmp_path: Path) -> None:
    """While another program holds the database every reader is sent on without delay; then all is stored."""
    with ClickedService(tmp_path / "data", LINKWEIR_STORE_WAIT="0.5") as clicking:
        port = clicking.start()
        with clicking.run_readers(port):
            clicking.run_load(LOAD_SECONDS)
        usual = clicking.slowest
        lock = sqlite3.connect(clicking.data / "linkweir.db", isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        clicking.slowest, before = 0.0, len(clicking.answered)
        with clicking.run_readers(port):
            clicking.run_load(6, 100)
        assert clicking.slowest < 2 + 2 * usual  # who waited for the lock would have waited six seconds
        assert clicking.metric(port, "linkweir_clicks_waiting") >= len(clicking.answered) - before
        lock.close()
        clicking.check_counts(port)
        assert clicking.answered == clicking.requested == set(clicking.stored_counts())


def take_away(path: Path, how: str) -> None:
    """Remove a file, or cut it."""
    if how == "removed":
        path.unlink()
    else:
        os.truncate(path, 0 if how == "cut to nothing" else path.stat().st_size // 8)


def list_journaled(folder: Path) -> set[int]:
    """The clicks that are in the journal's files."""
    numbers = set()
    for path in folder.glob("*.journal"):
        with contextlib.closing(JournalSegment(path)) as segment:
            if segment.epoch is not None:
                data = os.pread(segment.descriptor, segment.size, RECORDS_OFFSET)
                scan = scan_records(data, RECORDS_OFFSET, segment.epoch.seed, sealed=True)
                numbers |= {decode_event(payload, segment.epoch.field_names).position for payload, _ in scan.records}
    return numbers


@pytest.mark.parametrize("how", ["cut to nothing", "cut in part", "removed"])
def test_journal_files_that_are_taken_away(tmp_path: Path, how: str) -> None:
    """Of clicks that were answered those are lost that were in what was taken away, and no others: not those beside
    them, and none that came later.
    """
    with ClickedService(tmp_path / "data", "--workers", "2", LINKWEIR_JOURNAL_FACTS="2000") as clicking:
        port = clicking.start()
        lock = sqlite3.connect(clicking.data / "linkweir.db", isolation_level=None, timeout=20)
        lock.execute("BEGIN EXCLUSIVE")  # nothing is stored: all of it is in the journal
        with clicking.run_readers(port):
            clicking.run_load(LOAD_SECONDS, 500)
        before = set(clicking.answered)
        assert list_journaled(clicking.data / "spool") >= before
        for path in (clicking.data / "spool").glob("*.journal"):
            take_away(path, how)
        left = list_journaled(clicking.data / "spool")
        assert (how == "cut in part") == bool(left)
        with clicking.run_readers(port):
            clicking.run_load(LOAD_SECONDS)
        lock.close()
        wait_until(lambda: clicking.metric(port, "linkweir_clicks_waiting") == 0)
        wait_until(lambda: left | (clicking.answered - before) <= clicking.stored_counts().keys())
        stored = clicking.stored_counts()
        assert set(stored.values()) == {1}
        assert left <= stored.keys() <= clicking.requested
        assert clicking.metric(port, "linkweir_journal_files_gone_total") >= 1


@pytest.mark.parametrize("how", ["cut to nothing", "cut in part", "removed"])
def test_journal_files_that_are_taken_away_under_load(tmp_path: Path, how: str) -> None:
    """What was asked for after files were taken away, again and again under load, is stored exactly once."""
    with ClickedService(tmp_path / "data", "--workers", "2", LINKWEIR_JOURNAL_FACTS="2000") as clicking:
        port = clicking.start()
        for _ in range(3):
            with clicking.run_readers(port):
                clicking.run_load(LOAD_SECONDS / 2)
                for path in (clicking.data / "spool").glob("*.journal"):
                    with contextlib.suppress(FileNotFoundError):
                        take_away(path, how)
                before = set(clicking.requested)
                clicking.run_load(LOAD_SECONDS / 2)
            later = clicking.answered - before
            assert later
            wait_until(lambda later=later: later <= clicking.stored_counts().keys())
        assert set(clicking.stored_counts().values()) == {1}
        wait_until(lambda: clicking.get(port, "/readyz")[0] == 200)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes."""
    place, mount = tmp_path / "disk", shutil.which("mount")
    place.mkdir()
    if mount is None or os.geteuid() != 0:
        skip_or_fail("mounting a small file system needs root")
    command = [mount, "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:  # noqa: S603 - the system's own
        pytest.skip("this machine does not allow mounting")
    yield place
    subprocess.run(["/usr/bin/umount", "-l", str(place)], check=False)  # noqa: S603 - the system's own


def fill_disk(folder: Path) -> Path:
    """A file that takes all room there is."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return path


def test_a_full_disk(small_disk: Path) -> None:
    """On a full disk the journal's preallocated room takes the clicks; when there is room again they are stored."""
    with ClickedService(small_disk / "data", LINKWEIR_JOURNAL_FACTS="4000") as clicking:
        port = clicking.start()
        filler = fill_disk(small_disk)
        with clicking.run_readers(port, readers=2):
            clicking.run_load(LOAD_SECONDS, 50)
        assert clicking.metric(port, "linkweir_clicks_lost_total") == 0
        filler.unlink()
        clicking.check_counts(port)
        assert clicking.answered == set(clicking.stored_counts())


def test_a_journal_that_is_full_on_a_full_disk(small_disk: Path) -> None:
    """When even the preallocated room is used up readers are sent on, and the loss is counted to the last click."""
    with ClickedService(small_disk / "data", LINKWEIR_JOURNAL_FACTS="100") as clicking:
        port = clicking.start()
        lock = sqlite3.connect(clicking.data / "linkweir.db", isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        fill_disk(small_disk)
        with clicking.run_readers(port):
            wait_until(lambda: clicking.metric(port, "linkweir_clicks_lost_total") > 50)
        lost = clicking.metric(port, "linkweir_clicks_lost_total")
        assert len(clicking.answered) == len(clicking.requested)
        assert clicking.metric(port, "linkweir_clicks_journaled_total") + lost == len(clicking.answered)
        status, text = clicking.get(port, "/readyz")
        assert (status, "clicks are being lost" in text) == (503, True)
        (small_disk / "filler").unlink()
        lock.close()
        wait_until(lambda: clicking.metric(port, "linkweir_clicks_waiting") == 0)
        stored = clicking.stored_counts()
        assert set(stored.values()) == {1}
        assert len(stored) == len(clicking.answered) - lost
        wait_until(lambda: clicking.get(port, "/readyz")[0] == 200)

"""Tests of the journal's files: linkweir.clicks.journal.segment, segments, scanning, writing and reading."""

import errno
import fcntl
import io
import os
import random
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir._journal import CommitQueue
from linkweir.clicks.click_event import FIELD_NAMES, encode_event
from linkweir.clicks.journal.reader import JournalReader, count_active_segments, count_unacknowledged
from linkweir.clicks.journal.segment import RECORDS_OFFSET, JournalSegment, scan_records
from linkweir.clicks.journal.segment_directory import SegmentDirectory
from linkweir.clicks.journal.writer import JournalWriter
from linkweir.web.structured_logging import make_logger
from tests.clicks.event_factory import make_event
from tests.reference.commit_queue import frame_record, make_reference_queue

LOG = make_logger("error", io.StringIO())


def write_events(writer: JournalWriter, queue: CommitQueue, *payloads: bytes) -> int:
    """Write these; how many were taken."""
    before = queue.durable
    assert queue.enqueue(list(payloads), -1)[0] == len(payloads)
    if queue.wait_for_records(0) and writer.write():
        queue.discard()
    return queue.durable - before


class JournalFolder:
    """A folder of files with one writer and one reader of this process."""

    def __init__(self, path: Path, facts: int = 100, queue: Callable[[int, int], CommitQueue] = CommitQueue) -> None:
        self.segments = SegmentDirectory(path, facts)
        self.segments.preallocate()
        self.dead_letters: list[bytes] = []
        self.queue = queue(50_000, 50_000_000)
        self.writer = JournalWriter(self.segments, self.queue, LOG)
        self.reader = JournalReader(self.segments, self.dead_letters.append)

    def write(self, *positions: int, **changes: object) -> int:
        """Write facts; how many were taken."""
        return write_events(
            self.writer, self.queue, *[encode_event(make_event(position, **changes)) for position in positions]
        )

    def read(self, limit: int = 10_000) -> list[int]:
        """Read and acknowledge; the positions of the facts."""
        assert self.reader.acquire()
        facts, places = self.reader.read(None, limit)
        self.reader.acknowledge(places)
        return [fact.position for fact in facts]

    def close(self) -> None:
        """Let go of all files."""
        self.writer.close()
        self.reader.close()


def test_facts_come_back_in_order_and_once(tmp_path: Path) -> None:
    """What was written is read in order; what was acknowledged does not come again, not even to another reader."""
    folder = JournalFolder(tmp_path)
    assert folder.write(*range(10)) == 10
    assert folder.read(4) == [0, 1, 2, 3]
    folder.reader.close()
    folder.write(10)
    assert folder.read() == [4, 5, 6, 7, 8, 9, 10]
    assert folder.read() == []
    folder.close()


def test_what_is_not_acknowledged_comes_again(tmp_path: Path) -> None:
    """Reading on from a place is possible before anything is acknowledged, and a new reader begins from the start."""
    folder = JournalFolder(tmp_path)
    folder.write(*range(5))
    assert folder.reader.acquire()
    first, places = folder.reader.read(None, 3)
    rest, _ = folder.reader.read(places, 3)
    assert [item.position for item in first + rest] == [0, 1, 2, 3, 4]
    folder.reader.close()
    assert folder.read() == [0, 1, 2, 3, 4]
    folder.close()


def test_room_is_preallocated(tmp_path: Path) -> None:
    """The stated number of facts with a user agent and a destination of usual length fits, without one more byte."""
    folder = JournalFolder(tmp_path, 20_000)
    before = {path: os.stat(path).st_blocks * 512 for path in folder.segments.paths()}
    assert sum(before.values()) >= 20_000 * 512
    usual = {"user_agent": "Mozilla/5.0 " + "x" * 120, "destination": "https://example.com/" + "y" * 100}
    assert folder.write(*range(20_000), **usual) == 20_000
    assert before.keys() == set(folder.segments.paths())
    folder.close()


def test_a_full_folder_reports_how_many_it_took(tmp_path: Path) -> None:
    """When all files are full the rest is refused; after reading there is room for as many again, again and again."""
    folder = JournalFolder(tmp_path)
    taken = folder.write(*range(20_000))
    assert 100 <= taken < 20_000
    assert folder.write(1) == 0
    for _ in range(3):
        assert folder.read(100_000) == list(range(taken))
        assert folder.write(*range(20_000)) == taken
    assert len(folder.segments.paths()) == folder.segments.count
    folder.close()


def test_what_was_acknowledged_is_wiped(tmp_path: Path) -> None:
    """After acknowledging, no byte of a fact is left in any file, while the file is still being written to."""
    folder = JournalFolder(tmp_path)
    folder.write(*range(300), user_agent="VerySpecialBrowser")
    assert any(b"VerySpecialBrowser" in path.read_bytes() for path in folder.segments.paths())
    assert len(folder.read()) == 300
    for path in folder.segments.paths():
        assert not path.read_bytes()[RECORDS_OFFSET:].strip(b"\0")
    folder.write(7)
    assert folder.read() == [7]
    folder.close()


def test_an_earlier_life_is_never_read(tmp_path: Path) -> None:
    """Bytes of an earlier life that were not wiped are not taken for facts of this one."""
    folder = JournalFolder(tmp_path)
    folder.write(*range(50))
    (path,) = [one for one in folder.segments.paths() if any(one.read_bytes()[RECORDS_OFFSET:])]
    old = path.read_bytes()[RECORDS_OFFSET:]
    assert len(folder.read()) == 50
    folder.writer.close()
    segment = JournalSegment(path)
    segment.lock()
    segment.free()
    os.pwrite(segment.descriptor, old, RECORDS_OFFSET)
    segment.begin_epoch(9, FIELD_NAMES)
    segment.seal(segment.size)
    segment.close()
    assert folder.read() == []
    folder.close()


@pytest.mark.parametrize("damaged", [0, 3, 9])
def test_a_damaged_record_costs_nothing_else(tmp_path: Path, damaged: int) -> None:
    """A flipped bit in one record loses that one, which is set aside once; every other is read."""
    folder = JournalFolder(tmp_path)
    folder.write(*range(10))
    folder.writer.close()
    (path,) = [one for one in folder.segments.paths() if any(one.read_bytes()[RECORDS_OFFSET:])]
    data = bytearray(path.read_bytes())
    size = len(frame_record(encode_event(make_event(1)), 0))
    data[RECORDS_OFFSET + damaged * size + 20] ^= 4
    path.write_bytes(data)
    assert folder.reader.acquire()
    for _ in range(2):  # the second reading, before anything was acknowledged, reports nothing twice
        facts, places = folder.reader.read(None, 100)
        assert [one.position for one in facts] == [n for n in range(10) if n != damaged]
    assert len(folder.dead_letters) == 1
    folder.reader.acknowledge(places)
    assert count_unacknowledged(folder.segments) == 0
    assert count_active_segments(folder.segments) == 0
    folder.close()


def test_a_record_that_is_no_event_becomes_a_dead_letter(tmp_path: Path) -> None:
    """A record that another program wrote is set aside, and its neighbours are read."""
    folder = JournalFolder(tmp_path)
    write_events(folder.writer, folder.queue, encode_event(make_event(1)), b"nonsense", encode_event(make_event(2)))
    assert folder.read() == [1, 2]
    assert folder.dead_letters == [b"nonsense"]
    folder.close()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_no_damage_makes_a_fact_up(seed: int, whole: bool) -> None:
    """However the bytes are changed, what is found was written, and is found in order."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    payloads = [rng.randbytes(rng.randrange(1, 60)) for _ in range(12)]
    crc = zlib.crc32(b"life")
    data = bytearray(b"".join(frame_record(payload, crc) for payload in payloads) + bytes(64))
    for _ in range(rng.randrange(0, 5)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    result = [payload for payload, _ in scan_records(bytes(data), RECORDS_OFFSET, crc, sealed=whole).records]
    rest = iter(payloads)
    assert all(payload in rest for payload in result)
    assert not whole or len(result) >= 12 - 5


def crash_after_writing(folder: Path, count: int) -> None:
    """Another process that writes facts and is killed."""
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from tests.clicks.journal.test_segments import JournalFolder\n"
        "count = int(sys.argv[2]); assert JournalFolder(Path(sys.argv[1])).write(*range(count)) == count\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(folder), str(count)], check=False)  # noqa: S603 - our own


def test_facts_of_a_killed_process_are_read(tmp_path: Path) -> None:
    """What a process wrote before it was killed is read, and its file is free again."""
    folder = JournalFolder(tmp_path)
    crash_after_writing(tmp_path, 5)
    assert folder.read() == [0, 1, 2, 3, 4]
    assert count_active_segments(folder.segments) == 0
    folder.close()


def test_restarts_do_not_use_the_folder_up(tmp_path: Path) -> None:
    """Many killed processes one after the other go on in one file, and everything that they wrote is read."""
    folder = JournalFolder(tmp_path)
    for _ in range(6):
        crash_after_writing(tmp_path, 3)
    assert count_active_segments(folder.segments) == 1
    assert folder.read() == [0, 1, 2] * 6
    folder.close()


def test_a_cut_file_is_written_to_no_more(tmp_path: Path) -> None:
    """What is written after files were cut, all of them and again and again, is read: never behind the reader's place
    in a file that it had read further, and never nowhere for want of a whole file.
    """
    folder, cursor = JournalFolder(tmp_path), None
    assert folder.reader.acquire()
    for number in range(3 * folder.segments.count):
        for facts in ([*range(number * 1000, number * 1000 + 200)], [number * 1000 + 999]):
            assert folder.write(*facts) == len(facts)
            events, cursor = folder.reader.read(cursor, 10_000)
            assert [event.position for event in events] == facts
            folder.reader.acknowledge(cursor)
            for path in folder.segments.paths():
                os.truncate(path, path.stat().st_size // 8)
    assert len(folder.segments.paths()) <= 2 * folder.segments.count
    folder.close()


@pytest.mark.parametrize("size", [0, 30, 100, 600, 1100, 2000, RECORDS_OFFSET - 1, RECORDS_OFFSET])
def test_a_file_that_is_cut_in_its_head_stops_no_reader(tmp_path: Path, size: int) -> None:
    """Wherever a file that is open ends, the reader goes on, and reads what is written to another file."""
    folder = JournalFolder(tmp_path)
    folder.write(1)
    assert folder.read() == [1]
    for path in folder.segments.paths():
        os.truncate(path, size)
    assert folder.read() == []
    assert folder.write(2) == 1
    assert folder.read() == [2]
    folder.close()


@pytest.mark.parametrize("size", [0, 100, RECORDS_OFFSET + 16])
def test_a_cut_file_is_reported_by_its_reader(tmp_path: Path, size: int) -> None:
    """A file with events that nobody writes to any more is reported once when it was cut, by whoever reads it."""
    folder, told = JournalFolder(tmp_path), list[Path]()
    folder.segments.on_lost = told.append
    folder.write(1, 2)
    folder.writer.close()
    assert folder.reader.acquire()
    events, _ = folder.reader.read(None, 1)
    assert [event.position for event in events] == [1]
    (used,) = (segment.path for segment in folder.reader._active_segments())
    os.truncate(used, size)
    assert folder.read() == []
    assert folder.read() == []
    assert told == [used]
    folder.close()


def test_no_file_is_mapped(tmp_path: Path) -> None:
    """No file of the journal is mapped while it is written to: whoever cuts one would end the process by SIGBUS."""
    folder = JournalFolder(tmp_path)
    folder.write(1)
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(tmp_path) not in maps.read_text()
    assert folder.writer.has_space()  # it is still open
    folder.close()


def test_there_is_one_reader(tmp_path: Path) -> None:
    """While one reads nobody else does; when it lets go, or its folder is another one, the next may."""
    one, two = JournalFolder(tmp_path / "a"), JournalFolder(tmp_path / "a")
    assert one.reader.acquire()
    assert not two.reader.acquire()
    one.reader.close()
    assert two.reader.acquire()
    assert not one.reader.acquire()
    os.rename(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").mkdir()
    assert one.reader.acquire()
    one.close()
    two.close()


def test_two_writers_use_two_files(tmp_path: Path) -> None:
    """Writers of two processes never share a file, and one reader reads both."""
    one, two = JournalFolder(tmp_path), JournalFolder(tmp_path)
    for position in range(20):
        (one if position % 2 else two).write(position)
    assert count_active_segments(one.segments) == 2
    assert sorted(one.read()) == list(range(20))
    one.close()
    two.close()


def test_a_removed_folder_is_made_again(tmp_path: Path) -> None:
    """When somebody removes the folder, the next fact goes into a new one."""
    folder = JournalFolder(tmp_path / "f")
    folder.write(1)
    os.rename(tmp_path / "f", tmp_path / "g")
    assert folder.write(2) == 1
    assert folder.read() == [2]
    folder.close()


def test_a_folder_that_cannot_be_made_takes_nothing(tmp_path: Path) -> None:
    """Where a file is in the way nothing is taken and nothing is raised; once it is gone facts are taken again."""
    (tmp_path / "f").write_text("")
    segments = SegmentDirectory(tmp_path / "f", 100)
    queue = CommitQueue(10, 10_000)
    writer = JournalWriter(segments, queue, LOG)
    assert write_events(writer, queue, encode_event(make_event(1))) == 0
    (tmp_path / "f").unlink()
    assert write_events(writer, queue, encode_event(make_event(1))) == 1
    writer.close()


def test_a_disk_that_fails_costs_the_file_and_not_the_fact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing to a file fails half-way, the facts go to the next one, each is read once, and none is made up."""
    folder, real = JournalFolder(tmp_path, queue=make_reference_queue), os.pwrite
    folder.write(1)

    def failing(descriptor: int, data: memoryview, offset: int) -> int:
        monkeypatch.setattr(os, "pwrite", real)
        real(descriptor, data[:40], offset)
        raise OSError(errno.EIO, "the disk is ill")

    monkeypatch.setattr(os, "pwrite", failing)
    assert folder.write(2, 3) == 2
    assert folder.read() == [1, 2, 3]
    folder.close()


def test_a_file_being_made_is_no_file_yet(tmp_path: Path) -> None:
    """Two processes that preallocate at the same time make no more files than are wanted."""
    expected = SegmentDirectory(tmp_path, 100)
    script = (
        "import sys; from pathlib import Path; from linkweir.clicks.journal.segment_directory import SegmentDirectory\n"
        "SegmentDirectory(Path(sys.argv[1]), 100).preallocate()"
    )
    runs = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(4)]  # noqa: S603 - our own
    assert [run.wait() for run in runs] == [0] * 4
    assert len(expected.paths()) == expected.count
    assert not list(tmp_path.glob("*.new"))


def test_a_writers_file_is_locked(tmp_path: Path) -> None:
    """Nobody can lock the file that a writer holds; when it closes it, anybody can."""
    folder = JournalFolder(tmp_path)
    folder.write(1)
    (path,) = [one for one in folder.segments.paths() if any(one.read_bytes()[RECORDS_OFFSET:])]
    with path.open("rb") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder.writer.close()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    folder.close()

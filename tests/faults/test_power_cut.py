"""What a power cut leaves of a machine's journal while it is carried to PostgreSQL: the system calls are replayed on a
disk that keeps what was flushed, and of the rest what it likes.

A kill proves nothing about flushes, since the system keeps what a killed process has written.
"""

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from linkweir.clicks.journal.reader import JournalReader
from linkweir.clicks.journal.segment_directory import SegmentDirectory
from tests.conftest import skip_or_fail
from tests.databases import make_database_url, use_dialect
from tests.faults.carried_journal import CAPACITY
from tests.preloaded_command import ROOT
from tests.web.running_service import WAIT_SECONDS

CLICKS = 96
SECTOR_BYTES = 512  # what a disk writes whole
SURVIVORS = 3  # of each moment at which the power may fail: what of the unflushed writes is left, by chance
CALLS = "pwrite64,pwritev,pwritev2,write,fdatasync,fsync"
_BEGUN = re.compile(r"(\d+)\s+(\w+)\((.*) <unfinished \.\.\.>$")
_ENDED = re.compile(r"(\d+)\s+<\.\.\. \w+ resumed>(.*)$")
_WHOLE = re.compile(r"(\d+)\s+(\w+)\((.*)\)\s+= (-?\d+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FILE = re.compile(r"\d+<((?:\\x[0-9a-f]{2})+|[^>]*)>")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="strace is Linux's")


class Step(NamedTuple):
    """Something that a trace shows: `write` begins and `flush` has ended, of a file; or what was said."""

    kind: str  # write, flush, answered, stored
    path: str = ""
    offset: int = 0
    data: bytes = b""
    is_range: bool = False  # a flush of this write alone
    ids: frozenset[str] = frozenset()


class Disk:
    """Files as they were flushed, and writes that were not, in their order."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.flushed = {path: bytearray(data) for path, data in files.items()}
        self.pending: list[Step] = []

    def replay(self, step: Step) -> None:
        """Take a write or a flush."""
        if step.kind == "write":
            self.pending.append(step)
            return
        for write in self.pending:
            if self._is_flushed(write, step):
                _apply(self.flushed, write)
        self.pending = [write for write in self.pending if not self._is_flushed(write, step)]

    @staticmethod
    def _is_flushed(write: Step, flush: Step) -> bool:
        place = (write.path, write.offset, len(write.data)) == (flush.path, flush.offset, len(flush.data))
        return place if flush.is_range else write.path == flush.path

    def list_survivors(self, chance: random.Random) -> Iterator[dict[str, bytearray]]:
        """What may be left now: nothing of the pending writes, all of them, or parts."""
        for kept in (0.0, 1.0, *(chance.random() for _ in range(SURVIVORS))):
            files = {path: bytearray(data) for path, data in self.flushed.items()}
            for write in self.pending:
                for start in range(0, len(write.data), SECTOR_BYTES):
                    if chance.random() < kept:
                        part = write.data[start : start + SECTOR_BYTES]
                        _apply(files, write._replace(offset=write.offset + start, data=part))
            yield files


def _apply(files: dict[str, bytearray], write: Step) -> None:
    files[write.path][write.offset : write.offset + len(write.data)] = write.data


def trace(folder: Path, url: str) -> list[Step]:
    """Let a process append and carry clicks, and return what it did, in order."""
    strace = shutil.which("strace")
    if strace is None:
        skip_or_fail("no strace")
    out = folder / "trace"
    words = [strace, "-f", "-y", "-xx", "-s", str(1 << 20), "-o", str(out), "-e", f"trace={CALLS}", sys.executable]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LINKWEIR_")}
    done = subprocess.run(  # noqa: S603 - ourselves
        [*words, "-m", "tests.faults.carried_journal", str(folder), url, str(CLICKS)],
        env=kept,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    if "ptrace" in done.stderr.lower():
        skip_or_fail("strace may not trace here")
    assert done.returncode == 0, done.stderr
    return list(parse_trace(out.read_text().splitlines()))


def parse_trace(lines: Sequence[str]) -> Iterator[Step]:
    """The steps of a trace: a write from its beginning on, a flush from its end on."""
    begun: dict[str, tuple[str, str]] = {}
    for line in lines:
        if match := _BEGUN.match(line):
            begun[match[1]] = match[2], match[3]
            yield from _begin(match[2], match[3])
        elif (match := _ENDED.match(line)) and match[1] in begun:
            name, arguments = begun.pop(match[1])
            yield from _end(name, arguments + match[2])
        elif match := _WHOLE.match(line):
            assert int(match[4]) >= 0, line
            yield from _begin(match[2], match[3])
            yield from _end(match[2], match[3])


def _read_file(arguments: str) -> str:
    match = _FILE.match(arguments)
    return "" if match is None else _unescape(match[1]).decode() if "\\x" in match[1] else match[1]


def _unescape(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _begin(name: str, arguments: str) -> Iterator[Step]:
    path = _read_file(arguments)
    if name == "write" and path.endswith("/report"):
        kind, *ids = _unescape(_STRING.findall(arguments)[0]).decode().split()
        yield Step(kind, ids=frozenset(ids))
    elif name.startswith("pwrite") and path.endswith(".journal"):
        yield _to_write(name, arguments)


def _to_write(name: str, arguments: str) -> Step:
    data = b"".join(map(_unescape, _STRING.findall(arguments)))
    numbers = re.findall(r", (\d+)(?=[,)]|$)", arguments)
    return Step("write", _read_file(arguments), int(numbers[-1]), data)


def _end(name: str, arguments: str) -> Iterator[Step]:
    path = _read_file(arguments)
    if not path.endswith(".journal"):
        return
    if name in ("fdatasync", "fsync"):
        yield Step("flush", path)
    elif "RWF_DSYNC" in arguments:
        yield _to_write(name, arguments)._replace(kind="flush", is_range=True)


class PowerCuts:
    """A journal's files before the first click, what its process did, and a folder to look at what is left in."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        segments = SegmentDirectory(folder / "spool", CAPACITY)
        segments.preallocate()
        self._files = {str(path): path.read_bytes() for path in segments.paths()}
        self.steps = trace(folder, url)
        (folder / "left").mkdir()

    def count_lost(self, steps: Sequence[Step]) -> int:
        """How many clicks are lost at most when the power fails between any two steps: answered, neither in the inbox
        nor in the journal that is left.
        """
        disk, chance = Disk(self._files), random.Random(17)  # noqa: S311 - nothing secret
        answered: set[str] = set()
        stored: set[str] = set()
        lost = 0
        for step in steps:
            if step.kind == "answered":
                answered |= step.ids
            elif step.kind == "stored":
                stored |= step.ids
            else:
                disk.replay(step)
            for files in disk.list_survivors(chance):
                lost = max(lost, len(answered - stored - self._read(files)))
        assert len(answered) == len(stored) == CLICKS
        return lost

    def _read(self, files: dict[str, bytearray]) -> set[str]:
        """The clicks that a reader finds after the next start."""
        for path, data in files.items():
            (self._folder / "left" / Path(path).name).write_bytes(data)
        reader = JournalReader(SegmentDirectory(self._folder / "left", CAPACITY), lambda _damaged: None)
        try:
            assert reader.acquire()
            return {event.id.hex for event in reader.read(None, 10 * CLICKS)[0]}
        finally:
            reader.close()


@pytest.fixture(scope="module")
def power_cuts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerCuts]:
    """A process that has carried clicks to PostgreSQL, traced."""
    with use_dialect("postgresql"):
        yield PowerCuts(tmp_path_factory.mktemp("power"), make_database_url())


def test_no_answered_click_is_lost(power_cuts: PowerCuts) -> None:
    """Whenever the power fails, and whatever is left of what was not flushed, each click that was answered is in the
    inbox or in the journal.
    """
    assert power_cuts.count_lost(power_cuts.steps) == 0


def test_the_replay_sees_a_missing_flush(power_cuts: PowerCuts) -> None:
    """The same calls without the flushes lose clicks: the test above can fail."""
    assert power_cuts.count_lost([step for step in power_cuts.steps if step.kind != "flush"]) > 0


def test_the_replay_sees_clicks_that_left_the_journal_too_early(power_cuts: PowerCuts) -> None:
    """If the inbox had kept clicks only when the next ones came, some of them would be nowhere."""
    steps, late = [], Step("answered")
    for step in power_cuts.steps:
        is_stored = step.kind == "stored"
        steps.append(late if is_stored else step)
        late = step if is_stored else late
    assert power_cuts.count_lost([*steps, late]) > 0

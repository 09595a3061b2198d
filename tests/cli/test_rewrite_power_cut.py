"""What a power cut leaves of `linkweir rewrite`: its system calls are replayed on a disk that keeps what was flushed.

A kill proves nothing about flushes, since the system keeps what a killed process has written. So the disk here is as
unkind as POSIX lets it be: whatever name was given is there at once, and of a file only the bytes that were flushed.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from linkweir.bulk.mailbox_run import MIN_SHARED_BYTES
from tests.cli.command_runner import BASE_URL, CommandRunner, make_newsletter
from tests.conftest import skip_or_fail

FILE_COUNT = 12
CALLS = "openat,write,fsync,fdatasync,syncfs,linkat,rename,renameat,renameat2,close"
_LINE = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="strace is Linux's")


class SystemCall(NamedTuple):
    """One call of one process that succeeded: its texts, its arguments as strace prints them, and its result."""

    name: str
    strings: list[bytes]
    arguments: list[str]
    result: int


class File:
    """A file as the system has it, and as the disk has it."""

    def __init__(self, data: bytes = b"") -> None:
        self.written = self.flushed = data


class Disk:
    """Replays the calls of one process. `names`: what every name would hold after a power cut now."""

    def __init__(self, old: dict[str, bytes]) -> None:
        self.names = {name: File(data) for name, data in old.items()}
        self.unflushed_names: set[str] = set()
        self.flush_count = 0
        self._open: dict[int, File | str] = {}

    def replay(self, call: SystemCall) -> None:
        texts = [os.fsdecode(text) for text in call.strings]
        match call.name:
            case "openat":
                self._open[call.result] = File() if "O_TMPFILE" in call.arguments[2] else texts[0]
                if "O_CREAT" in call.arguments[2]:
                    self._open[call.result] = self.names[texts[0]] = File()
            case "close":
                self._open.pop(int(call.arguments[0]), None)
            case "write":
                if isinstance(file := self._open.get(int(call.arguments[0])), File):
                    file.written += call.strings[0][: call.result]
            case "fsync" | "fdatasync":
                self._flush([self._open.get(int(call.arguments[0]))])
            case "syncfs":
                self._flush([*self._open.values(), *self.names.values()])
                self.unflushed_names.clear()
            case "linkat":
                file = self._open[int(texts[0].removeprefix("/proc/self/fd/"))]
                assert isinstance(file, File)
                self._bind(texts[1], file)
            case _:
                self._bind(texts[1], self.names.pop(texts[0], File()))

    def _flush(self, opened: list[File | str | None]) -> None:
        self.flush_count += 1
        for file in opened:
            if isinstance(file, File):
                file.flushed = file.written
            elif isinstance(file, str):
                self.unflushed_names -= {name for name in self.unflushed_names if os.path.dirname(name) == file}

    def _bind(self, name: str, file: File) -> None:
        self.names[name] = file
        self.unflushed_names.add(name)


def trace(linkweir: CommandRunner, work: Path, *arguments: str) -> list[list[SystemCall]]:
    """Run `linkweir rewrite` and return the calls of each of its processes."""
    strace = shutil.which("strace")
    if strace is None:
        skip_or_fail("no strace")
    folder = work / "traces"
    folder.mkdir()
    words = [strace, "-ff", "-xx", "-s", str(8 << 20), "-o", str(folder / "trace"), "-e", f"trace={CALLS}", "--"]
    done = linkweir.run_under(words, "rewrite", "--base-url", BASE_URL, *arguments)
    if "ptrace" in done.err.lower():
        skip_or_fail("strace may not trace here")
    assert done.code == 0, done.err
    return [list(parse_calls(path)) for path in folder.iterdir()]


def parse_calls(path: Path) -> Iterator[SystemCall]:
    for line in path.read_text().splitlines():
        match = _LINE.match(line)
        if match and int(match[3]) >= 0:
            strings = [bytes.fromhex(text.replace("\\x", "")) for text in _STRING.findall(match[2])]
            yield SystemCall(match[1], strings, match[2].split(", "), int(match[3]))


def list_torn(calls: list[SystemCall], old: dict[str, bytes], new: dict[str, bytes]) -> list[str]:
    """Names that after a power cut between any two calls hold neither their old bytes nor all of the new ones."""
    disk = Disk(old)
    torn = []
    for call in calls:
        disk.replay(call)
        torn += [
            name for name in new if name in disk.names and disk.names[name].flushed not in (old.get(name), new[name])
        ]
    return torn


@pytest.fixture
def newsletters(work: Path) -> list[str]:
    """Some files in `in`, by name; a quarter of them is already in `out`."""
    names = [f"{number}.html" for number in range(FILE_COUNT)]
    (work / "in").mkdir()
    (work / "out").mkdir()
    for number, name in enumerate(names):
        (work / "in" / name).write_bytes(make_newsletter(2000 + 300 * number, number))
        if number % 4 == 0:
            (work / "out" / name).write_bytes(b"old")
    return names


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_power_cut_leaves_old_bytes_or_all_of_the_new_ones(
    linkweir: CommandRunner, work: Path, newsletters: list[str], jobs: str, in_place: bool
) -> None:
    """Between any two system calls of a run, what is flushed of every target is the old file or the whole new one;
    when it ends, all names are flushed; and one worker needs one flush for the bytes and one for the names.
    """
    folder = "in" if in_place else "out"
    paths = [f"{folder}/{name}" for name in newsletters]
    old = {path: (work / path).read_bytes() for path in paths if (work / path).exists()}
    arguments = ["in", "--in-place"] if in_place else ["in", "-o", "out"]
    processes = trace(linkweir, work, *arguments, "--jobs", jobs)
    new = {path: (work / path).read_bytes() for path in paths}
    assert all(data.count(BASE_URL.encode()) for data in new.values())
    published = set()
    for calls in processes:
        assert list_torn(calls, old, new) == []
        disk = Disk(old)
        for call in calls:
            disk.replay(call)
        published |= {path for path in paths if path in disk.names and disk.names[path].written == new[path]}
        assert disk.unflushed_names & set(paths) == set()
        if jobs == "1" and disk.flush_count and any(call.name == "linkat" for call in calls):
            assert disk.flush_count == 2
    assert published == set(paths)


def test_a_power_cut_leaves_a_mailbox_that_workers_share(linkweir: CommandRunner, work: Path) -> None:
    """Two workers, one mailbox: between any two system calls, what is flushed is the old mailbox or the whole new one,
    which is there in the end, with its name flushed.
    """
    head = b"From a@example.com Thu Jan  1 00:00:00 1970\nContent-Type: text/html\n\n"
    mail = head + make_newsletter(MIN_SHARED_BYTES // 16)
    (work / "in").mkdir()
    (work / "in/a.mbox").write_bytes(b"\n".join([mail] * 17))
    old = {"in/a.mbox": (work / "in/a.mbox").read_bytes()}
    processes = trace(linkweir, work, "in/a.mbox", "--in-place", "--jobs", "2")
    new = {"in/a.mbox": (work / "in/a.mbox").read_bytes()}
    assert new["in/a.mbox"].count(BASE_URL.encode()) > 17
    (calls,) = [calls for calls in processes if any(call.name.startswith("rename") for call in calls)]
    assert list_torn(calls, old, new) == []
    disk = Disk(old)
    for call in calls:
        disk.replay(call)
    assert disk.names["in/a.mbox"].written == new["in/a.mbox"]
    assert "in/a.mbox" not in disk.unflushed_names


def test_the_replay_sees_a_missing_flush(linkweir: CommandRunner, work: Path, newsletters: list[str]) -> None:
    """The same calls without the flushes leave every target torn: the test above can fail."""
    processes = trace(linkweir, work, "in", "-o", "out", "--jobs", "1")
    new = {f"out/{name}": (work / "out" / name).read_bytes() for name in newsletters}
    torn: set[str] = set()
    for calls in processes:
        torn.update(list_torn([call for call in calls if "sync" not in call.name], {}, new))
    assert torn == set(new)

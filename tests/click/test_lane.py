"""Tests of the lane: the one in C and its twin in Python do the same with every input."""

import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkweir import _journal
from linkweir.click.lane import Lane, PlainLane, new_lane
from linkweir.click.segment import Target
from tests.conftest import missing

Make = Callable[[int, int], Lane]
LANES = pytest.mark.parametrize("make", [_journal.Lane, PlainLane])
PUSHES = st.lists(st.lists(st.binary(max_size=60), max_size=5), max_size=6)


def target(path: Path, size: int, seed: int = 7) -> Target:
    """An empty file of this size to write to."""
    path.write_bytes(bytes(size))
    descriptor = os.open(path, os.O_RDWR)
    status = os.fstat(descriptor)
    return Target(descriptor, path, (status.st_dev, status.st_ino), seed, 0, size)


def story(make: Make, path: Path, pushes: list[list[bytes]], size: int, most: int) -> list[object]:
    """All that can be seen of a lane that is pushed to and written, push by push, into a file of this size."""
    lane, place, count = make(most, 100_000), target(path, size), bytearray(8)
    said: list[object] = []
    try:
        for number, payloads in enumerate(pushes):
            said.append(lane.push(payloads, -1))
            if number % 2:
                said.append(lane.run(place, memoryview(count), idle=0, gather=0, together=4))
            said.append((lane.taken, lane.decided, lane.kept, lane.told, lane.held, place.at))
        lane.end()
        said.append(lane.push([b"late"], -1))
        said.append(lane.run(place, memoryview(count), idle=10, gather=0, together=4))
        if lane.held:
            lane.drop()
        lane.begin()
        said.append(lane.push([b"again"], -1))
        said.append((lane.taken, lane.decided, lane.kept, lane.told, lane.held, place.at))
        return [*said, bytes(count), path.read_bytes()]
    finally:
        os.close(place.descriptor)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PUSHES, st.integers(0, 40), st.integers(0, 30))
def test_both_do_the_same(tmp_path: Path, pushes: list[list[bytes]], eights: int, most: int) -> None:
    """The file, the figures and the answers are the same, whatever is pushed, whatever fits, whatever is refused."""
    fast = story(_journal.Lane, tmp_path / "fast", pushes, 8 * eights, most)
    assert fast == story(PlainLane, tmp_path / "plain", pushes, 8 * eights, most)


@given(st.binary(max_size=300), st.integers(0, 2**32 - 1))
def test_the_crc_is_that_of_zlib(data: bytes, seed: int) -> None:
    """The C core's CRC-32 is zlib's, from any beginning."""
    assert _journal.crc32(data, seed) == zlib.crc32(data, seed)


def test_the_fast_one_is_used() -> None:
    """Where the extension was built, the journal writes with it."""
    assert isinstance(new_lane(1, 1), _journal.Lane)


@LANES
def test_bells_ring_until_all_is_decided(tmp_path: Path, make: Make) -> None:
    """A bell rings when its facts are kept and again when the rest of them is dropped, and no more after that."""
    lane, place, count = make(10, 1000), target(tmp_path / "file", 32), memoryview(bytearray(8))
    bell = os.eventfd(0, os.EFD_NONBLOCK)
    lane.push([b"one", b"two", b"three"], bell)
    assert lane.run(place, count, idle=0, gather=0, together=4) == "full"
    assert os.eventfd_read(bell) == 1
    assert (lane.decided, lane.told) == (2, 0)
    lane.drop()
    assert os.eventfd_read(bell) == 1
    assert (lane.decided, lane.told, lane.kept) == (3, 3, 2)
    lane.push([b"four"], -1)
    lane.wait(0)
    lane.drop()
    with pytest.raises(BlockingIOError):
        os.eventfd_read(bell)
    os.close(bell)
    os.close(place.descriptor)


@LANES
def test_a_disk_that_fails_loses_nothing(tmp_path: Path, make: Make) -> None:
    """A descriptor that cannot be written to raises, and what was held is held still."""
    lane, place, count = make(10, 1000), target(tmp_path / "file", 64), memoryview(bytearray(8))
    lane.push([b"one"], -1)
    writable, place.descriptor = place.descriptor, os.open(tmp_path / "file", os.O_RDONLY)
    with pytest.raises(OSError, match="Bad file descriptor"):
        lane.run(place, count, idle=0, gather=0, together=4)
    assert (lane.held, lane.decided, place.at) == (1, 0, 0)
    os.close(place.descriptor)
    place.descriptor = writable
    assert lane.run(place, count, idle=0, gather=0, together=4) == "idle"
    assert lane.kept == 1
    os.close(writable)


def test_every_write_is_flushed(tmp_path: Path) -> None:
    """As the system sees it, each write of the C core to the file carries the flag that makes it durable at once."""
    strace = shutil.which("strace")
    if strace is None:
        missing("no strace")
    script = (
        "import sys; from pathlib import Path; from tests.click.test_lane import _journal, target\n"
        "lane, place, count = _journal.Lane(10, 1000), target(Path(sys.argv[1]), 4096), memoryview(bytearray(8))\n"
        "for _ in range(3):\n"
        "    lane.push([b'fact'] * 3, -1); lane.run(place, count, idle=0, gather=0, together=4)\n"
        "assert lane.kept == 9\n"
    )
    trace = tmp_path / "trace"
    words = [strace, "-f", "-o", str(trace), "-e", "trace=pwritev2,pwrite64,fdatasync"]
    command = [*words, sys.executable, "-c", script, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if "ptrace" in done.stderr.lower():
        missing("strace may not trace here")
    assert done.returncode == 0, done.stderr
    calls = [line for line in trace.read_text().splitlines() if "write" in line and "= 48" in line]
    assert len(calls) == 3
    assert (
        all("pwritev2" in line and "RWF_DSYNC" in line for line in calls) or trace.read_text().count("fdatasync") >= 3
    )

"""Tests of the commit queue: the one in C and its reference in Python do the same with every input."""

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
from linkweir._journal import CommitQueue
from linkweir.clicks.journal.segment import WriteTarget
from tests.conftest import skip_or_fail
from tests.reference.commit_queue import make_reference_queue

QueueFactory = Callable[[int, int], CommitQueue]
QUEUES = pytest.mark.parametrize("make", [CommitQueue, make_reference_queue])
PUSH_BATCHES = st.lists(st.lists(st.binary(max_size=60), max_size=5), max_size=6)


def make_target_file(path: Path, size: int, seed: int = 7) -> WriteTarget:
    """An empty file of this size to write to."""
    path.write_bytes(bytes(size))
    descriptor = os.open(path, os.O_RDWR)
    status = os.fstat(descriptor)
    return WriteTarget(descriptor, path, (status.st_dev, status.st_ino), seed, 0, size)


def record_behaviour(make: QueueFactory, path: Path, pushes: list[list[bytes]], size: int, most: int) -> list[object]:
    """All that can be seen of a queue that is pushed to and written, push by push, into a file of this size."""
    queue, place = make(most, 100_000), make_target_file(path, size)
    said: list[object] = []
    try:
        for number, payloads in enumerate(pushes):
            said.append(queue.enqueue(payloads, -1))
            if number % 2:
                said.append(queue.write_batches(place, idle=0, commit_interval=0, batch_threshold=4))
            said.append((queue.enqueued, queue.completed, queue.durable, queue.notified, queue.in_flight, place.at))
        queue.close()
        said.append(queue.enqueue([b"late"], -1))
        said.append(queue.write_batches(place, idle=10, commit_interval=0, batch_threshold=4))
        if queue.in_flight:
            queue.discard()
        queue.reopen()
        said.append(queue.enqueue([b"again"], -1))
        said.append((queue.enqueued, queue.completed, queue.durable, queue.notified, queue.in_flight, place.at))
        return [*said, place.count, path.read_bytes()]
    finally:
        os.close(place.descriptor)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PUSH_BATCHES, st.integers(0, 40), st.integers(0, 30))
def test_both_do_the_same(tmp_path: Path, pushes: list[list[bytes]], eights: int, most: int) -> None:
    """The file, the figures and the answers are the same, whatever is pushed, whatever fits, whatever is refused."""
    fast = record_behaviour(CommitQueue, tmp_path / "fast", pushes, 8 * eights, most)
    assert fast == record_behaviour(make_reference_queue, tmp_path / "plain", pushes, 8 * eights, most)


@given(st.binary(max_size=300), st.integers(0, 2**32 - 1))
def test_the_crc_is_that_of_zlib(data: bytes, seed: int) -> None:
    """The C core's CRC-32 is zlib's, from any beginning."""
    assert _journal.crc32(data, seed) == zlib.crc32(data, seed)


@QUEUES
def test_waiters_are_notified_until_all_is_decided(tmp_path: Path, make: QueueFactory) -> None:
    """A bell rings when its facts are kept and again when the rest of them is dropped, and no more after that."""
    queue, place = make(10, 1000), make_target_file(tmp_path / "file", 32)
    bell = os.eventfd(0, os.EFD_NONBLOCK)
    queue.enqueue([b"one", b"two", b"three"], bell)
    assert queue.write_batches(place, idle=0, commit_interval=0, batch_threshold=4) == "full"
    assert os.eventfd_read(bell) == 1
    assert (queue.completed, queue.notified) == (2, 0)
    queue.discard()
    assert os.eventfd_read(bell) == 1
    assert (queue.completed, queue.notified, queue.durable) == (3, 3, 2)
    queue.enqueue([b"four"], -1)
    queue.wait_for_records(0)
    queue.discard()
    with pytest.raises(BlockingIOError):
        os.eventfd_read(bell)
    os.close(bell)
    os.close(place.descriptor)


@QUEUES
def test_a_disk_that_fails_loses_nothing(tmp_path: Path, make: QueueFactory) -> None:
    """A descriptor that cannot be written to raises, and what was held is held still."""
    queue, place = make(10, 1000), make_target_file(tmp_path / "file", 64)
    queue.enqueue([b"one"], -1)
    writable, place.descriptor = place.descriptor, os.open(tmp_path / "file", os.O_RDONLY)
    with pytest.raises(OSError, match="Bad file descriptor"):
        queue.write_batches(place, idle=0, commit_interval=0, batch_threshold=4)
    assert (queue.in_flight, queue.completed, place.at) == (1, 0, 0)
    os.close(place.descriptor)
    place.descriptor = writable
    assert queue.write_batches(place, idle=0, commit_interval=0, batch_threshold=4) == "idle"
    assert queue.durable == 1
    os.close(writable)


def test_every_write_is_flushed(tmp_path: Path) -> None:
    """As the system sees it, each write of the C core to the file carries the flag that makes it durable at once."""
    strace = shutil.which("strace")
    if strace is None:
        skip_or_fail("no strace")
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.clicks.journal.test_commit_queue import _journal, make_target_file\n"
        "queue, place = _journal.CommitQueue(10, 1000), make_target_file(Path(sys.argv[1]), 4096)\n"
        "for _ in range(3):\n"
        "    queue.enqueue([b'fact'] * 3, -1)\n"
        "    queue.write_batches(place, idle=0, commit_interval=0, batch_threshold=4)\n"
        "assert queue.durable == 9\n"
    )
    trace = tmp_path / "trace"
    words = [strace, "-f", "-o", str(trace), "-e", "trace=pwritev2,pwrite64,fdatasync"]
    command = [*words, sys.executable, "-c", script, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if "ptrace" in done.stderr.lower():
        skip_or_fail("strace may not trace here")
    assert done.returncode == 0, done.stderr
    calls = [line for line in trace.read_text().splitlines() if "write" in line and "= 48" in line]
    assert len(calls) == 3
    assert (
        all("pwritev2" in line and "RWF_DSYNC" in line for line in calls) or trace.read_text().count("fdatasync") >= 3
    )

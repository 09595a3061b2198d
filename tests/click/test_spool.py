"""Tests of linkweir.click.spool."""

import fcntl
import os
import resource
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pytest

from linkweir.click.fact import Fact
from linkweir.click.spool import Spool
from linkweir.errors import StoreUnavailable


def fact(position: int) -> Fact:
    """A fact that can be told by its position."""
    return Fact(
        id=uuid.uuid4(),
        at=1,
        method="GET",
        privacy="full",
        key_id=1,
        number=2**62 - 1,
        message_ref="7",
        campaign=None,
        position=position,
        destination="https://example.com/ü\n",
        ip="192.0.2.1",
        user_agent='a"b',
    )


def test_facts_come_back_as_they_were(tmp_path: Path) -> None:
    """What was appended is drained once, equal and in order, and the files are gone."""
    spool, facts, seen = Spool(tmp_path / "s"), [fact(n) for n in range(2500)], list[Fact]()
    spool.append(facts[:1])
    spool.append(facts[1:])
    assert spool.drain(seen.extend) == 2500
    assert seen == facts
    assert spool.waiting() == []
    assert spool.drain(seen.extend) == 0
    spool.close()


def test_nothing_is_removed_before_it_was_taken(tmp_path: Path) -> None:
    """When the store refuses, the facts stay and come with the next round; some may come twice, none never."""
    spool, facts, seen = Spool(tmp_path), [fact(n) for n in range(1500)], list[Fact]()
    spool.append(facts)

    def refuse_second(batch: Sequence[Fact]) -> None:
        if seen:
            raise StoreUnavailable("locked")
        seen.extend(batch)

    with pytest.raises(StoreUnavailable):
        spool.drain(refuse_second)
    again: list[Fact] = []
    spool.drain(again.extend)
    assert again == facts
    spool.close()


def test_a_torn_line_costs_nothing_else(tmp_path: Path) -> None:
    """After a crash in the middle of a write every whole line is drained, and the torn one is kept aside."""
    spool, facts, seen = Spool(tmp_path), [fact(n) for n in range(3)], list[Fact]()
    spool.append(facts)
    spool.close()
    (path,) = spool.waiting()
    path.write_bytes(path.read_bytes()[:-20])
    assert spool.drain(seen.extend) == 2
    assert seen == facts[:2]
    assert list(tmp_path.glob("*.bad"))


def test_a_file_in_use_is_left_alone(tmp_path: Path) -> None:
    """A spool drains what another process left behind, but not what one is still writing."""
    script = (
        "import sys; from pathlib import Path; from linkweir.click.spool import Spool\n"
        "from tests.click.test_spool import fact\n"
        "spool = Spool(Path(sys.argv[1])); spool.append([fact(1)]); print('ready', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(  # noqa: S603  our own script
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == b"ready\n"
    spool, seen = Spool(tmp_path), list[Fact]()
    assert spool.drain(seen.extend) == 0
    other.kill()
    other.wait()
    other.stdin.close()
    other.stdout.close()
    assert spool.drain(seen.extend) == 1


def test_a_long_spool_is_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files end at a limit, so that draining needs a bounded amount of memory."""
    monkeypatch.setattr("linkweir.click.spool.FILE_LIMIT", 5000)
    spool, facts, seen = Spool(tmp_path), [fact(n) for n in range(100)], list[Fact]()
    for one in facts:
        spool.append([one])
    assert len(spool.waiting()) > 3
    assert max(path.stat().st_size for path in spool.waiting()) < 6000
    assert spool.drain(seen.extend) == 100
    assert sorted(one.position for one in seen) == list(range(100))
    spool.close()


def test_a_spool_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """When the folder cannot be made, append raises OSError, and works again once it can."""
    blocker = tmp_path / "file"
    blocker.write_text("")
    spool = Spool(blocker / "spool")
    with pytest.raises(OSError, match=r"Not a directory|exists"):
        spool.append([fact(1)])
    os.remove(blocker)
    spool.append([fact(2)])
    seen: list[Fact] = []
    spool.drain(seen.extend)
    assert [one.position for one in seen] == [2]
    spool.close()


def test_a_deleted_spool_is_made_again(tmp_path: Path) -> None:
    """When somebody removes the file that is being written, the next append makes a new one."""
    spool = Spool(tmp_path)
    spool.append([fact(1)])
    (path,) = spool.waiting()
    path.unlink()
    spool.append([fact(2)])
    seen: list[Fact] = []
    spool.drain(seen.extend)
    assert [one.position for one in seen] == [2]
    spool.close()


def test_a_part_that_a_full_disk_took_is_not_acknowledged(tmp_path: Path) -> None:
    """Where the file may not grow to hold all facts of an append, OSError comes, and what was taken before stays."""
    spool, seen = Spool(tmp_path), list[Fact]()
    spool.append([fact(1)])
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = spool.waiting()[0].stat().st_size
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + size // 2, limits[1]))
        with pytest.raises(OSError, match="File too large"):
            spool.append([fact(2)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert spool.waiting()[0].stat().st_size == size
    spool.append([fact(3)])
    assert spool.drain(seen.extend) == 2
    assert [each.position for each in seen] == [1, 3]
    assert not list(tmp_path.iterdir())


def test_a_file_drained_before_it_was_locked_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that drains between making and locking of the new file takes no later fact with it."""
    lock, drained, seen = fcntl.flock, list[int](), list[Fact]()

    def late(file: BinaryIO, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        drained.append(Spool(tmp_path).drain(seen.extend))
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    spool = Spool(tmp_path)
    spool.append([fact(7)])
    spool.close()
    assert drained == [0]
    assert Spool(tmp_path).drain(seen.extend) == 1
    assert [each.position for each in seen] == [7]

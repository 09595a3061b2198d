"""Tests of linkweir.report.alone: one at a time over processes and threads, with a pause after one that took long."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from linkweir.errors import StoreUnavailable, TooMany
from linkweir.report.alone import NAME, alone

HOLD = "import sys; from pathlib import Path; from linkweir.report.alone import alone\n"
HOLD += "with alone(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"


@contextmanager
def another_process(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is at it until this ends."""
    words = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as held:  # noqa: S603 - our own code
        assert held.stdout is not None
        assert held.stdout.readline() == b"held\n"
        yield held


def test_others_are_told_to_come_again(tmp_path: Path) -> None:
    """While one is at it, here or in another process, a second is refused; afterwards it is not."""
    with alone(tmp_path), pytest.raises(TooMany), alone(tmp_path):
        pass
    with another_process(tmp_path), pytest.raises(TooMany) as refused, alone(tmp_path):
        pass
    assert refused.value.retry_after > 0
    with alone(tmp_path):
        pass


def test_one_that_is_killed_leaves_no_lock(tmp_path: Path) -> None:
    """The system lets go of it."""
    with another_process(tmp_path) as held:
        held.kill()
        held.wait()
        with alone(tmp_path):
            pass


def test_a_patient_one_waits(tmp_path: Path) -> None:
    """It begins when the other one has ended, and takes no pause."""
    with another_process(tmp_path) as held:
        assert held.stdin is not None
        held.stdin.close()
        with alone(tmp_path, patient=True):
            assert held.wait() == 0
    (tmp_path / NAME).write_text(f"{time.time()} 20")
    with alone(tmp_path, patient=True):
        pass


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Without the data folder nobody begins, and is told that the store does not answer."""
    with pytest.raises(StoreUnavailable), alone(tmp_path / "gone"):
        pass


@pytest.mark.parametrize(
    ("since", "seconds", "refused"), [(0, 20, True), (-10, 20, True), (-21, 20, False), (15, 20, False), (0, 0, False)]
)
def test_after_a_long_one_there_is_a_pause(tmp_path: Path, since: float, seconds: float, refused: bool) -> None:
    """Until it is over one hears how long it lasts; a clock that was set back ends it."""
    (tmp_path / NAME).write_text(f"{time.time() + since} {seconds}")
    if not refused:
        with alone(tmp_path):
            pass
        return
    with pytest.raises(TooMany) as told, alone(tmp_path):
        pass
    assert 0 < told.value.retry_after <= seconds + since


def test_how_long_the_pause_is(tmp_path: Path) -> None:
    """As long as it took, or none for a short one; also after one that failed."""
    with contextlib.suppress(OSError), alone(tmp_path):
        time.sleep(1.2)
        raise OSError
    assert 1.2 <= float((tmp_path / NAME).read_text().split()[1]) < 30
    (tmp_path / NAME).write_text("cut of")
    with alone(tmp_path):
        pass
    assert float((tmp_path / NAME).read_text().split()[1]) == 0

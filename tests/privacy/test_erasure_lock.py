"""Tests of linkweir.privacy.erasure_lock: one at a time over processes, a pause after a long one."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from linkweir.errors import DatabaseUnavailable, RateLimited
from linkweir.privacy.erasure_lock import LOCK_FILE, exclusive_erasure

HOLD_LOCK_SCRIPT = "import sys; from pathlib import Path; from linkweir.privacy.erasure_lock import exclusive_erasure\n"
HOLD_LOCK_SCRIPT += "with exclusive_erasure(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"


@contextmanager
def hold_lock(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is at it until this ends."""
    words = [sys.executable, "-c", HOLD_LOCK_SCRIPT, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as held:  # noqa: S603 - our own code
        assert held.stdout is not None
        assert held.stdout.readline() == b"held\n"
        yield held


def test_concurrent_erasures_are_refused(tmp_path: Path) -> None:
    """While one is at it, here or in another process, a second is refused; afterwards it is not."""
    with exclusive_erasure(tmp_path), pytest.raises(RateLimited), exclusive_erasure(tmp_path):
        pass
    with hold_lock(tmp_path), pytest.raises(RateLimited) as refused, exclusive_erasure(tmp_path):
        pass
    assert refused.value.retry_after > 0
    with exclusive_erasure(tmp_path):
        pass


def test_one_that_is_killed_leaves_no_lock(tmp_path: Path) -> None:
    """The system lets go of it."""
    with hold_lock(tmp_path) as held:
        held.kill()
        held.wait()
        with exclusive_erasure(tmp_path):
            pass


def test_a_patient_one_waits(tmp_path: Path) -> None:
    """It begins when the other one has ended, and takes no pause."""
    with hold_lock(tmp_path) as held:
        assert held.stdin is not None
        held.stdin.close()
        with exclusive_erasure(tmp_path, wait=True):
            assert held.wait() == 0
    (tmp_path / LOCK_FILE).write_text(f"{time.time()} 20")
    with exclusive_erasure(tmp_path, wait=True):
        pass


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Without the data folder nobody begins, and is told that the database does not answer."""
    with pytest.raises(DatabaseUnavailable), exclusive_erasure(tmp_path / "gone"):
        pass


@pytest.mark.parametrize(
    ("since", "seconds", "refused"), [(0, 20, True), (-10, 20, True), (-21, 20, False), (15, 20, False), (0, 0, False)]
)
def test_after_a_long_one_there_is_a_pause(tmp_path: Path, since: float, seconds: float, refused: bool) -> None:
    """Until it is over one hears how long it lasts; a clock that was set back ends it."""
    (tmp_path / LOCK_FILE).write_text(f"{time.time() + since} {seconds}")
    if not refused:
        with exclusive_erasure(tmp_path):
            pass
        return
    with pytest.raises(RateLimited) as told, exclusive_erasure(tmp_path):
        pass
    assert 0 < told.value.retry_after <= seconds + since


def test_how_long_the_pause_is(tmp_path: Path) -> None:
    """As long as it took, or none for a short one; also after one that failed."""
    with contextlib.suppress(OSError), exclusive_erasure(tmp_path):
        time.sleep(1.2)
        raise OSError
    assert 1.2 <= float((tmp_path / LOCK_FILE).read_text().split()[1]) < 30
    (tmp_path / LOCK_FILE).write_text("cut of")
    with exclusive_erasure(tmp_path):
        pass
    assert float((tmp_path / LOCK_FILE).read_text().split()[1]) == 0

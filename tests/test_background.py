"""Worker threads, and values that are reloaded while a service runs."""

import io
import threading
from pathlib import Path

import pytest
from structlog.typing import FilteringBoundLogger

from linkweir import background
from linkweir.background import RefreshThread, ReloadingFile, WorkerThread
from linkweir.errors import SettingsError
from linkweir.web.structured_logging import make_logger
from tests.web.running_service import WAIT_SECONDS


class Counter(WorkerThread):
    """Counts its runs and then waits to be stopped."""

    def __init__(self) -> None:
        super().__init__("counter")
        self.started = threading.Semaphore(0)
        self.waiting = threading.Event()

    def wake(self) -> None:
        """End the wait."""
        self.waiting.set()

    def _run(self) -> None:
        self.started.release()
        self.waiting.wait()
        self.waiting.clear()


def read_number(path: Path) -> int:
    """The number in a file; SettingsError when it holds none."""
    try:
        return int(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(str(error)) from None


@pytest.fixture
def log_text() -> io.StringIO:
    """Where log lines go."""
    return io.StringIO()


@pytest.fixture
def log(log_text: io.StringIO) -> FilteringBoundLogger:
    """A logger whose lines the test reads."""
    return make_logger("info", log_text)


def test_a_worker_can_be_stopped_and_started_again() -> None:
    """`stop` wakes the thread and returns after its end; a daemon thread of the name is there while it runs."""
    worker = Counter()
    worker.stop()  # never started: nothing to wait for
    worker.waiting.clear()
    for _ in range(2):
        worker.start()
        worker.started.acquire()
        assert worker.alive
        (thread,) = [item for item in threading.enumerate() if item.name == "linkweir-counter"]
        assert thread.daemon
        worker.stop()
        assert not worker.alive
        assert not thread.is_alive()


def test_a_file_is_read_again_when_it_changed(tmp_path: Path, log: FilteringBoundLogger, log_text: io.StringIO) -> None:
    """A refresh reads another file, calls `on_change`, and does nothing while the file is the same."""
    path, reads, changes = tmp_path / "number", list[Path](), list[int]()

    def read(file: Path) -> int:
        reads.append(file)
        return read_number(file)

    path.write_text("1")
    file = ReloadingFile(path, read, log, lambda: changes.append(file.value))
    file.refresh()
    assert (file.value, len(reads), changes) == (1, 1, [])
    path.write_text("22")
    file.refresh()
    file.refresh()
    assert (file.value, len(reads), changes) == (22, 2, [22])
    assert log_text.getvalue().count("file.reloaded") == 1


@pytest.mark.parametrize("content", [None, "none"])
def test_a_file_that_cannot_be_read_changes_nothing(
    tmp_path: Path, log: FilteringBoundLogger, log_text: io.StringIO, content: str | None
) -> None:
    """The last value stays in force, the error is logged once, and a good file is taken up after it."""
    path = tmp_path / "number"
    path.write_text("1")
    file = ReloadingFile(path, read_number, log)
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    file.refresh()
    file.refresh()
    assert file.value == 1
    assert log_text.getvalue().count("file.cannot_reload") == 1
    path.write_text("22")
    file.refresh()
    assert file.value == 22


def test_a_file_that_cannot_be_read_at_the_start_is_an_error(tmp_path: Path) -> None:
    """Without a first value there is nothing to go on with."""
    with pytest.raises(SettingsError):
        ReloadingFile(tmp_path / "none", read_number)


def test_values_are_refreshed_at_the_start_and_again(
    monkeypatch: pytest.MonkeyPatch, log: FilteringBoundLogger, log_text: io.StringIO
) -> None:
    """Each value is refreshed before `start` returns and then in the thread; one that fails stops no other."""
    monkeypatch.setattr(background, "REFRESH_SECONDS", 0.001)
    refreshed = threading.Semaphore(0)

    def fail() -> None:
        raise RuntimeError("a bug")

    thread = RefreshThread(log, (fail, refreshed.release))
    thread.start()
    try:
        assert refreshed.acquire(blocking=False)
        for _ in range(3):
            assert refreshed.acquire(timeout=WAIT_SECONDS)
        assert thread.alive
    finally:
        thread.stop()
    assert "refresh.bug" in log_text.getvalue()
    assert not thread.alive

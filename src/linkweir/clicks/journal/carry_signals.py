"""Signals between the carrier, which empties a machine's journal, and the redirects that wait for it, in all processes
of the machine: a pipe that wakes the carrier, and a file that says up to which moment everything is carried.

Moments are nanoseconds of the machine's monotonic clock, which begins anew when the machine starts. A mark that was
left from before may therefore look like one of today; so nobody goes by a mark that was there when the wait began.
"""

import contextlib
import os
import select
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

from linkweir.durable_files import open_lock_file

MARK_FILE = "carried.mark"
PIPE_FILE = "carrier.pipe"
MAX_RINGS = 4096  # bytes read from the pipe at once: all that redirects have written meanwhile, as a rule
_MARK = struct.Struct("<q")


class CarrySignals:
    """The signals of one journal's folder. For the carrier it is also its `threading.Event`: set when a redirect waits.

    A signal that gets lost, because the files cannot be used, delays a redirect and does no other harm.
    """

    def __init__(self, folder: Path) -> None:
        self._mark = _SharedFile(folder / MARK_FILE, open_lock_file)
        self._pipe = _SharedFile(folder / PIPE_FILE, _open_pipe)

    def read_mark(self) -> int:
        """The moment before which everything that was durable in the journal is carried; 0 while nobody knows."""
        with contextlib.suppress(OSError):
            data = os.pread(self._mark.open(), _MARK.size, 0)
            if len(data) == _MARK.size:
                return int(_MARK.unpack(data)[0])
        return 0

    def publish_mark(self, moment: int) -> None:
        """Everything that was durable in the journal before this moment is carried."""
        with contextlib.suppress(OSError):
            os.pwrite(self._mark.open(), _MARK.pack(moment), 0)

    def set(self) -> None:
        """Wake the carrier."""
        with contextlib.suppress(OSError):  # a full pipe has rung enough
            os.write(self._pipe.open(), b"\0")

    def clear(self) -> None:
        """Forget who has rung so far."""
        with contextlib.suppress(OSError):
            while len(os.read(self._pipe.open(), MAX_RINGS)) == MAX_RINGS:
                pass

    def wait(self, seconds: float) -> None:
        """Wait until somebody rings, or for so many seconds."""
        try:
            poller = select.poll()
            poller.register(self._pipe.open(), select.POLLIN)
            poller.poll(seconds * 1000)
        except OSError:
            time.sleep(seconds)

    def close(self) -> None:
        """Close the files; they are opened again when they are needed."""
        self._mark.close()
        self._pipe.close()


class _SharedFile:
    """A file that stays open for as long as it is the one at its path: somebody may remove the folder."""

    def __init__(self, path: Path, open_path: Callable[[Path], int]) -> None:
        self._path = path
        self._open_path = open_path
        self._descriptor = -1
        self._identity = (0, 0)
        self._lock = threading.Lock()

    def open(self) -> int:
        """Its descriptor. Raises OSError."""
        with self._lock:
            if self._descriptor < 0 or self._read_identity() != self._identity:
                self._close()
                self._descriptor = self._open_path(self._path)
                self._identity = self._read_identity()
            return self._descriptor

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _read_identity(self) -> tuple[int, int]:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return 0, 0
        return status.st_dev, status.st_ino


def _open_pipe(path: Path) -> int:
    """A named pipe that nobody waits at: for reading and writing, so that it works before the other side is there."""
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path, 0o600)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

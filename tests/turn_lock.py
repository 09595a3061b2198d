"""A lock between the workers of a test run: many tests at a time, or one that has the machine to itself."""

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where every test takes its turn at once
    fcntl = None  # type: ignore[assignment]


class TurnLock:
    """Two existing files to lock, `queue` and `turn`: nothing is written. Locks of a process that dies are released.

    Who wants an exclusive turn keeps the queue locked meanwhile, so that others cannot follow each other for ever.
    """

    def __init__(self, queue: Path, turn: Path) -> None:
        self._queue = os.open(queue, os.O_RDONLY)
        self._turn = os.open(turn, os.O_RDONLY)
        self.is_exclusive: bool | None = None  # None: this one has no turn

    def acquire(self, *, exclusive: bool) -> None:
        """Wait for a turn beside others, or for an exclusive one."""
        if fcntl is not None:
            fcntl.flock(self._queue, fcntl.LOCK_EX)
            fcntl.flock(self._turn, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            if not exclusive:
                fcntl.flock(self._queue, fcntl.LOCK_UN)
        self.is_exclusive = exclusive

    def release(self) -> None:
        """End the turn, for processes forked meanwhile as well."""
        self.is_exclusive = None
        if fcntl is not None:
            fcntl.flock(self._turn, fcntl.LOCK_UN)
            fcntl.flock(self._queue, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the files."""
        os.close(self._queue)
        os.close(self._turn)

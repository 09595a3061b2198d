"""Proof that a process of a data folder lives: a file of its own that it holds locked.

The system lets go of the lock when the process dies, however it dies, and after its last write. So whoever finds the
file unlocked knows that what the process had begun and not committed will never be. Of a file that is gone nothing is
known. One process in a container, and one outside, see each other's locks as well; numbers of processes would not do.
"""

import contextlib
import os
import uuid
from collections.abc import Hashable
from pathlib import Path

from linkweir.durable_files import open_lock_file, share_lock, try_lock

FOLDER_NAME = "processes"
SUFFIX = ".lock"
MAX_GIVEN_UP = 10_000


class ProcessLock:
    """The lock of this process; `id` is what it signs with. OSError from every method, as the system gives it."""

    def __init__(self, data: Path) -> None:
        self.id = uuid.uuid4()
        self._folder = data / FOLDER_NAME
        self._descriptor = -1
        self._given_up: dict[Hashable, None] = {}

    def acquire(self) -> None:
        """Be known to live from now on."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(self.id)
        while self._descriptor < 0:
            descriptor = open_lock_file(path)
            share_lock(descriptor)  # shared: somebody may be trying it at this moment
            if path.exists():  # else it was taken for one that a dead process left
                self._descriptor = descriptor
            else:
                os.close(descriptor)

    def release(self) -> None:
        """End well: nobody needs to know."""
        if self._descriptor >= 0:
            self._path(self.id).unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1

    def is_dead(self, process: uuid.UUID) -> bool:
        """Whether a process has certainly died; False when it lives, and when nothing is known of it."""
        try:
            descriptor = os.open(self._path(process), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return try_lock(descriptor)
        finally:
            os.close(descriptor)

    def give_up(self, work: Hashable) -> None:
        """This process, which lives, will not end what it had begun; of very much it forgets the oldest."""
        self._given_up[work] = None
        while len(self._given_up) > MAX_GIVEN_UP:
            self._given_up.pop(next(iter(self._given_up)), None)

    def has_given_up(self, work: Hashable) -> bool:
        """Whether this process has given that up."""
        return work in self._given_up

    def has_others(self) -> bool:
        """Whether another process of the data folder lives."""
        return any(not self.is_dead(process) for process in self._list_known())

    def list_dead(self) -> list[uuid.UUID]:
        """The processes that have died and were not forgotten."""
        return [process for process in self._list_known() if self.is_dead(process)]

    def _list_known(self) -> list[uuid.UUID]:
        """The other processes that have not ended well."""
        known = []
        for path in self._folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(ValueError):
                known.append(uuid.UUID(path.stem))
        return [process for process in known if process != self.id]

    def forget(self, process: uuid.UUID) -> None:
        """Forget a process that has died, when nothing is left that it had begun."""
        self._path(process).unlink(missing_ok=True)

    def _path(self, process: uuid.UUID) -> Path:
        return self._folder / f"{process}{SUFFIX}"

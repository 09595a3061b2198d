"""A file of the operator's that is read again when another one has taken its place, without a restart.

Looking costs a system call; reading is done in a thread of its own, so that nobody waits for it. What cannot be read
leaves what was read before in force, and is said in the log once.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from structlog.typing import FilteringBoundLogger

from linkweir.errors import SettingsError

T = TypeVar("T")
LOOK: Final = 5.0  # seconds between looks
Stamp = tuple[int, int, int] | None


class Followed(Generic[T]):
    """`value`: what `read` made of the file last; `changed` is called when that is something new. Threads may share it.
    Raises SettingsError, as `read` does, when the file cannot be used at the start.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], T],
        log: FilteringBoundLogger | None = None,
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        self._path = path
        self._read = read
        self._log = log
        self._changed = changed
        self._reading = threading.Lock()
        self._stamp = _stamp(path)
        self.value = read(path)

    def look(self) -> None:
        """Begin to read the file when it is another one than before. Returns at once."""
        if _stamp(self._path) != self._stamp:
            threading.Thread(target=self.follow, name="linkweir-followed", daemon=True).start()

    def follow(self) -> None:
        """Read the file when it is another one than before."""
        with self._reading:
            stamp = _stamp(self._path)  # before it is read: what changes meanwhile is seen at the next look
            if stamp == self._stamp:
                return
            self._stamp = stamp
            try:
                self.value = self._read(self._path)
            except SettingsError as error:
                self._say("error", "file.cannot_reload", error)
            else:
                self._changed()
                self._say("info", "file.reloaded", None)

    def _say(self, level: str, event: str, error: SettingsError | None) -> None:
        if self._log is not None:
            more = {"error": str(error)} if error else {}
            getattr(self._log, level)(event, file=str(self._path), **more)


def _stamp(path: Path) -> Stamp:
    """What tells a file from the one that was there before; None: there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino

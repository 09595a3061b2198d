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
CHECK_SECONDS: Final = 5.0  # seconds between looks
FileFingerprint = tuple[int, int, int] | None


class ReloadingFile(Generic[T]):
    """`value`: what `read` made of the file last; `on_change` is called when that is something new. Threads may share
    it. Raises SettingsError, as `read` does, when the file cannot be used at the start.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], T],
        log: FilteringBoundLogger | None = None,
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        self._path = path
        self._read = read
        self._log = log
        self._on_change = on_change
        self._reload_lock = threading.Lock()
        self._fingerprint = _read_fingerprint(path)
        self.value = read(path)

    def check(self) -> None:
        """Begin to read the file when it is another one than before. Returns at once."""
        if _read_fingerprint(self._path) != self._fingerprint:
            threading.Thread(target=self.reload, name="linkweir-followed", daemon=True).start()

    def reload(self) -> None:
        """Read the file when it is another one than before."""
        with self._reload_lock:
            stamp = _read_fingerprint(self._path)  # before it is read: what changes meanwhile is seen at the next look
            if stamp == self._fingerprint:
                return
            self._fingerprint = stamp
            try:
                self.value = self._read(self._path)
            except SettingsError as error:
                self._log_reload("error", "file.cannot_reload", error)
            else:
                self._on_change()
                self._log_reload("info", "file.reloaded", None)

    def _log_reload(self, level: str, event: str, error: SettingsError | None) -> None:
        if self._log is not None:
            more = {"error": str(error)} if error else {}
            getattr(self._log, level)(event, file=str(self._path), **more)


def _read_fingerprint(path: Path) -> FileFingerprint:
    """What tells a file from the one that was there before; None: there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino

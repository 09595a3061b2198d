"""Keeps the log and its index, the two files that SQLite has beside a database, where every process finds them.

When somebody removes one of them, whoever has it open goes on with it, and whoever opens the database next makes
another: then neither sees what the other commits, and locks, which are in the index, hold nobody back. So each has a
second, hidden name, by which the same file gets its own name back. Those who use the log hold a shared lock on it:
where nobody does, what the hidden names lead to is of no use to anyone, and must not come back to a database that was
restored meanwhile. SQLite itself locks nothing in the log.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from linkweir.durable_files import link_file, lock_folder, open_lock_file, share_lock, try_lock
from linkweir.errors import DatabaseUnavailable

SUFFIXES = ("-wal", "-shm")
_FileIdentity = tuple[int, int] | None


class WalFiles:
    """The log and the index of one database. Threads may share it. All but `release` raise OSError."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._names = [Path(f"{database}{suffix}") for suffix in SUFFIXES]
        self._links = [name.with_name(f".{name.name}") for name in self._names]
        self._identities: list[_FileIdentity] | None = None  # None: this process has not opened them
        self._descriptor = -1
        self._lock = threading.Lock()

    def attach(self) -> bool:
        """Before the database is opened: give the files their names back if another process uses them, and forget them
        if none does. True when a name was missing.
        """
        if self._identities is not None or not self._links[0].exists():
            return False
        with self._locked():
            if self._is_in_use():
                return self._restore([_identify(link) for link in self._links])
            self._unlink()
        return False

    def record(self) -> None:
        """After the database was opened: give the files their second names, the first time."""
        if self._identities is not None or not all(name.exists() for name in self._names):
            return
        with self._locked():
            if self._identities is None:
                identities = [_identify(name) for name in self._names]
                with contextlib.suppress(OSError):  # a file system without hard links: what is lost is told, no more
                    for name, link in zip(self._names, self._links, strict=True):
                        if _identify(name) != _identify(link):
                            link_file(name, link)
                    self._descriptor = open_lock_file(self._links[0])
                    share_lock(self._descriptor)
                self._identities = identities

    def are_in_place(self) -> bool:
        """Whether the files that were recorded have their names, or none were."""
        identities = self._identities
        return identities is None or identities == [_identify(name) for name in self._names]

    def restore(self) -> bool:
        """Give the recorded files their names back; False when that was done meanwhile. Raises DatabaseUnavailable when
        their second names are gone too.
        """
        with self._locked():
            return self._identities is not None and self._restore(self._identities)

    def release(self) -> None:
        """Forget the files, which this process closes: SQLite removes them unless another one uses them, and then their
        second names go too, here or before the next start.
        """
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor, self._identities = -1, None
        with contextlib.suppress(OSError), self._locked():  # the folder may be gone
            if not self._names[0].exists() and not self._is_in_use():
                self._unlink()

    def _restore(self, identities: list[_FileIdentity]) -> bool:
        restored = False
        for name, link, identity in zip(self._names, self._links, identities, strict=True):
            if identity is None or _identify(name) == identity:
                continue
            if _identify(link) != identity:
                raise DatabaseUnavailable(
                    f"{name} was removed, and nothing can bring it back: stop every process that uses the database"
                )
            link_file(link, name)
            restored = True
        return restored

    def _unlink(self) -> None:
        for link in self._links:
            link.unlink(missing_ok=True)

    def _is_in_use(self) -> bool:
        """Whether a process holds the log. The caller has the folder's lock, so nobody else asks at the same time."""
        try:
            descriptor = os.open(self._links[0], os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not try_lock(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock, lock_folder(self._database.parent):
            yield


def _identify(path: Path) -> _FileIdentity:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino

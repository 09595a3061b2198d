"""Keeps the log and its index, the two files that SQLite has beside a database, where every process finds them.

When somebody removes one of them, whoever has it open goes on with it, and whoever opens the database next makes
another: then neither sees what the other commits, and locks, which are in the index, hold nobody back. So each has a
second, hidden name, by which the same file gets its own name back. That name ends with the database file's inode: a
file that took the database's place meanwhile, a backup, must never meet the log of the one before it.

Those who use the log hold a shared lock on it: where nobody does, what the hidden names lead to is of no use to anyone,
and they are removed. Who uses it has the database file open, too, so its inode is not given to another file meanwhile.
SQLite itself locks nothing in the log.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from linkweir.durable_files import link_file, lock_folder, open_lock_file, share_lock, try_lock
from linkweir.errors import DatabaseUnavailable

SUFFIXES = ("-wal", "-shm")
FileIdentity = tuple[int, int]


class WalFiles:
    """The log and the index of one database. Threads may share it. All but `release` raise OSError."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._names = [Path(f"{database}{suffix}") for suffix in SUFFIXES]
        self._owner: FileIdentity | None = None
        self._links: list[Path] = []
        self._identities: list[FileIdentity | None] | None = None  # None: this process has not opened them
        self._descriptor = -1
        self._lock = threading.Lock()

    def bind(self, owner: FileIdentity) -> None:
        """Before the database is first opened, or opened anew because it was replaced: say which file it is. The files
        of the one before it, which this process has closed, lose their names.
        """
        with self._locked():
            for name, identity in zip(self._names, self._identities or [], strict=False):
                if identity is not None and _identify(name) == identity:
                    name.unlink()
            self._close()
            self._owner, self._links = owner, self._name_links(str(owner[1]))

    def attach(self) -> bool:
        """Before the database is opened: give the files their names back if another process uses them, and forget them
        if none does. True when a name was missing.
        """
        if self._identities is not None:
            return False
        with self._locked():
            self._unlink_others()
            if not self._links[0].exists():
                return False
            if _is_in_use(self._links[0]):
                return self._restore([_identify(link) for link in self._links])
            _unlink(self._links)
        return False

    def record(self) -> None:
        """After the database was opened: give the files their second names, the first time. Raises DatabaseUnavailable
        when the database was replaced meanwhile.
        """
        if self._identities is not None or not all(name.exists() for name in self._names):
            return
        with self._locked():
            if self._identities is not None:
                return
            if _identify(self._database) != self._owner:
                raise DatabaseUnavailable(f"{self._database} was replaced")
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
        """Give the recorded files their names back; False when that was done meanwhile, or the database is another one.
        Raises DatabaseUnavailable when their second names are gone too.
        """
        with self._locked():
            return self._identities is not None and self._restore(self._identities)

    def release(self) -> None:
        """Forget the files, which this process closes: SQLite removes them unless another one uses them, and then their
        second names go too, here or before the next start.
        """
        with self._lock:
            self._close()
        with contextlib.suppress(OSError), self._locked():  # the folder may be gone
            if self._links and not self._names[0].exists() and not _is_in_use(self._links[0]):
                _unlink(self._links)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._identities = -1, None

    def _restore(self, identities: list[FileIdentity | None]) -> bool:
        if _identify(self._database) != self._owner:
            return False
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

    def _unlink_others(self) -> None:
        """Remove what is left of database files that had this path before: their second names when nobody uses them,
        and else the first ones, or this database would take the other one's log for its own.
        """
        prefix = self._name_links("")[0].name
        for path in list(self._database.parent.iterdir()):
            if not path.name.startswith(prefix) or path == self._links[0]:
                continue
            links = self._name_links(path.name[len(prefix) :])
            if not _is_in_use(links[0]):
                _unlink(links)
                continue
            for name, link in zip(self._names, links, strict=True):
                if _identify(link) is not None and _identify(name) == _identify(link):
                    name.unlink()

    def _name_links(self, inode: str) -> list[Path]:
        return [name.with_name(f".{name.name}.{inode}") for name in self._names]

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock, lock_folder(self._database.parent):
            yield


def _unlink(links: list[Path]) -> None:
    for link in links:
        link.unlink(missing_ok=True)


def _is_in_use(log: Path) -> bool:
    """Whether a process holds the log. The caller has the folder's lock, so nobody else asks at the same time."""
    try:
        descriptor = os.open(log, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def _identify(path: Path) -> FileIdentity | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino

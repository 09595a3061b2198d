"""Key rings on disk: never readable by others, never half-written, never made twice."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from linkweir.errors import KeyRingError
from linkweir.tokens import KeyRing

MAX_BYTES = 1 << 20  # bytes: thousands of keys; a larger file is not a key ring


def load(path: str | os.PathLike[str]) -> KeyRing:
    """The ring in the file. KeyRingError if it cannot be read, is no ring, or others can read it."""
    path = Path(path)
    try:
        with open(path, "rb", opener=_open_nonblocking) as file:
            _check_permissions(path, os.fstat(file.fileno()))
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise KeyRingError(f"key file {path}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise KeyRingError(f"key file {path}: over {MAX_BYTES} bytes, so not a key ring")
    try:
        return KeyRing.from_json(data)
    except KeyRingError as error:
        raise KeyRingError(f"key file {path}: {error}") from None


def create(path: str | os.PathLike[str], ring: KeyRing) -> None:
    """Writes a new file; FileExistsError if there is one, even one made by another process just now.

    The file appears whole: it is written under another name and linked to its own.
    """
    path = Path(path)
    draft = _write_temporary(path, ring)
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError as error:
        raise KeyRingError(f"key file {path}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    _fsync_folder(path.parent)


def load_or_create(path: str | os.PathLike[str], now: datetime, hosts: Iterable[str] = ()) -> KeyRing:
    """The ring in the file; if there is none, a new one, saved there. Processes that race get the same."""
    if not os.path.lexists(path):
        ring = KeyRing.generate(now, hosts)
        try:
            create(path, ring)
        except FileExistsError:
            pass  # another process was first: its ring is the one
        else:
            return ring
    return load(path)


def save(path: str | os.PathLike[str], ring: KeyRing) -> None:
    """Replaces the file's ring atomically: whoever reads sees the old one or the new one.

    A symbolic link is followed: putting a file in its place would leave two rings that differ.
    """
    path = Path(os.path.realpath(path))
    draft = _write_temporary(path, ring)
    try:
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise KeyRingError(f"key file {path}: {error.strerror}") from error
    _fsync_folder(path.parent)


def _open_nonblocking(path: str, flags: int) -> int:
    """Opens without waiting: a pipe with a name would keep us until somebody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_permissions(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyRingError(f"key file {path}: not a regular file")
    mode = stat.S_IMODE(status.st_mode)
    if os.name == "posix" and mode & 0o077:
        raise KeyRingError(
            f"key file {path}: others than its owner may use it (mode {mode:04o}), but it holds secrets; "
            f"run: chmod 600 {path}"
        )


def _write_temporary(path: Path, ring: KeyRing) -> Path:
    """A synced file with the ring beside `path`, readable by its owner only from its first moment."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyRingError(f"key file {path}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(ring.to_json())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise KeyRingError(f"key file {path}: {error.strerror}") from error
    return draft


def _fsync_folder(folder: Path) -> None:
    """Makes the new name durable too; not every system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def update(path: str | os.PathLike[str], transform: Callable[[KeyRing], KeyRing]) -> KeyRing:
    """Replaces the ring in the file by `transform` of it; returns that.

    Two processes at once take turns: otherwise one that adds a host could write back a ring without the key
    that the other has just made, and every link of that key would be dead.
    """
    path = Path(os.path.realpath(path))  # whatever name it was called by, its own folder is the one to lock
    with _lock_folder(path.parent):
        before = load(path)
        after = transform(before)
        if after != before:
            save(path, after)
        return after


@contextlib.contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    """Holds a lock on the folder (the file itself is replaced, so a lock on it would be worth nothing)."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

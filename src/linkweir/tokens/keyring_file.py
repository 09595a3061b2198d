"""Key ring files: readable by their owner only, replaced atomically, created once."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from linkweir import durable_files
from linkweir.errors import KeyRingError
from linkweir.tokens.keyring import KeyRing

MAX_BYTES = 1 << 20  # bytes: thousands of keys


def load(path: str | os.PathLike[str]) -> KeyRing:
    """Load the ring. Raises KeyRingError if the file cannot be read, is malformed, or is accessible to others."""
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
    """Create the file atomically. Raises FileExistsError if there is one, also in a race; KeyRingError."""
    try:
        durable_files.create_file(Path(path), ring.to_json())
    except FileExistsError:
        raise
    except OSError as error:
        raise KeyRingError(f"key file {path}: {error.strerror}") from error


def load_or_create(path: str | os.PathLike[str], now: datetime, hosts: Iterable[str] = ()) -> KeyRing:
    """Load the ring, or create one. Processes that race get the same ring."""
    if not os.path.lexists(path):
        ring = KeyRing.generate(now, hosts)
        try:
            create(path, ring)
        except FileExistsError:
            pass  # another process was first: use its ring
        else:
            return ring
    return load(path)


def save(path: str | os.PathLike[str], ring: KeyRing) -> None:
    """Replace the file atomically. Raises KeyRingError, also for a ring that would be too large to be loaded again.

    Follows a symbolic link: replacing the link would leave two different rings.
    """
    path, data = Path(os.path.realpath(path)), ring.to_json()
    if len(data) > MAX_BYTES:
        raise KeyRingError(f"key file {path}: not written, for it would be over {MAX_BYTES} bytes")
    try:
        durable_files.replace_file(path, data)
    except OSError as error:
        raise KeyRingError(f"key file {path}: {error.strerror}") from error


def _open_nonblocking(path: str, flags: int) -> int:
    """Open a regular file without blocking, as a named pipe would. Raises KeyRingError."""
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


def update(path: str | os.PathLike[str], transform: Callable[[KeyRing], KeyRing]) -> KeyRing:
    """Replace the ring by `transform` of it, under a lock; return the new ring. Raises KeyRingError.

    Without the lock a process that adds a host could remove the key that another one has just created, and all links
    of that key would be dead.
    """
    path = Path(os.path.realpath(path))  # lock the folder of the file itself, not of a link to it
    try:
        with durable_files.lock_folder(path.parent):  # a lock on the file would be lost with its replacement
            before = load(path)
            after = transform(before)
            if after != before:
                save(path, after)
            return after
    except OSError as error:
        raise KeyRingError(f"key file {path}: its folder cannot be locked: {error.strerror}") from error

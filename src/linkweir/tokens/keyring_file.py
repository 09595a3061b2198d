"""Key rings on disk: never readable by others, never half-written, never made twice."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from linkweir import durable_files
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
    """Write a new file, which appears whole; FileExistsError if there is one, even of another process just now."""
    try:
        durable_files.create_file(Path(path), ring.to_json())
    except FileExistsError:
        raise
    except OSError as error:
        raise KeyRingError(f"key file {path}: {error.strerror}") from error


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
    """Replace the file's ring atomically: whoever reads sees the old one or the new one.

    A symbolic link is followed: putting a file in its place would leave two rings that differ.
    """
    path = Path(os.path.realpath(path))
    try:
        durable_files.replace_file(path, ring.to_json())
    except OSError as error:
        raise KeyRingError(f"key file {path}: {error.strerror}") from error


def _open_nonblocking(path: str, flags: int) -> int:
    """Open without waiting: a named pipe would block until somebody writes to it."""
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
    """Replace the ring in the file by `transform` of it; returns that.

    Two processes at once take turns: otherwise one that adds a host could write back a ring without the key
    that the other has just made, and every link of that key would be dead.
    """
    path = Path(os.path.realpath(path))  # whatever name it was called by, its own folder is the one to lock
    with durable_files.lock_folder(path.parent):  # the file itself is replaced: a lock on it is worth nothing
        before = load(path)
        after = transform(before)
        if after != before:
            save(path, after)
        return after

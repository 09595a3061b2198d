"""Files that survive a crash: fsync, atomic replacement, locks between processes.

`create_file` and `replace_file` write small private files of the service (keys, certificates, heartbeats);
`atomic_file` replaces users' files, of any size and many at once. Either way other processes see the old file or the
whole new one, never a part: the bytes go to another file of the same folder (a rename is only atomic inside one file
system), reach the disk, and take the name last. Errors are OSError.
"""

import contextlib
import ctypes
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PRIVATE_MODE = 0o600  # the owner only

_MIN_SYNCFS_FILES = 4  # fewer are flushed one by one: a file system may hold other programs' data, too
_SYNCFS_ERRORS_SINCE = (5, 8)  # the Linux from which on syncfs(2) reports that writing has failed
# f_type of statfs(2). Others (network, FUSE, overlay) flush, but do not always tell of what was lost.
_SYNCFS_FILE_SYSTEMS = {"ext": 0xEF53, "xfs": 0x58465342, "btrfs": 0x9123683E, "f2fs": 0xF2F52010, "tmpfs": 0x1021994}


def sync_data(descriptor: int) -> None:
    """Flush the bytes that were written to a file to the disk."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk; nothing on systems that do not open folders."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset` and flush it."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)  # may take a part; the rest says why
        rest, offset = rest[written:], offset + written
    sync_data(descriptor)


def append_durably(path: Path, data: bytes) -> None:
    """Append `data` in one write and flush it. The file is made when it is missing."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE_MODE)
    try:
        os.write(descriptor, data)
        sync_data(descriptor)
    finally:
        os.close(descriptor)


def write_private_file(path: Path, data: bytes, *, sync: bool = True, mode: int = PRIVATE_MODE) -> None:
    """Write a file that does not exist yet, readable by its owner only from its first moment; none is left on errors.
    `mode`: rights of the owner; those of others are left out.

    For a file that others see under this name while it is written, use `create_file`.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, mode & stat.S_IRWXU)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def create_file(path: Path, data: bytes) -> None:
    """Create a private file that appears whole. FileExistsError if there is one, even of another process just now."""
    draft = _draft_path(path)
    write_private_file(draft, data)
    try:
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace_file(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Replace a private file, whose owner keeps the rights, or create it. `sync`: also survive a power cut."""
    draft = _draft_path(path)
    write_private_file(draft, data, sync=sync, mode=_read_mode(path))
    try:
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(path.parent)


def _read_mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return PRIVATE_MODE


def rename_files(renames: Iterable[tuple[Path, Path]]) -> None:
    """Give files, whose bytes are flushed, other names, and flush these."""
    folders = set()
    for path, name in renames:
        os.replace(path, name)
        folders |= {path.parent, name.parent}
    for folder in folders:
        sync_folder(folder)


def link_file(path: Path, name: Path) -> None:
    """Give a file one more name, which another file may have had. Not for two names of the same file."""
    draft = _draft_path(name)
    os.link(path, draft)
    os.replace(draft, name)


def _draft_path(path: Path) -> Path:
    # no number of a process: in a container it is always the same, and one that was killed leaves its draft behind
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def open_lock_file(path: Path) -> int:
    """The descriptor of a file to lock, made when it is missing. Closing it ends the lock."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_MODE)


def try_lock(descriptor: int) -> bool:
    """Lock a file against other processes; False when another one has locked it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def share_lock(descriptor: int) -> None:
    """Lock a file together with others, so that `try_lock` fails; wait for whoever has it alone."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def unlock(descriptor: int) -> None:
    """End a lock."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder against other processes, wait for it first. Nothing on Windows, which has no flock."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def flush_files(descriptors: Iterable[int]) -> dict[int, OSError]:
    """Flush the bytes of many files to the disk: all files of a file system by one call where the system can do that,
    else one by one. Returns the errors by descriptor.

    Every descriptor must have been opened before its file was written: only then it hears of an earlier error.
    """
    by_device: dict[int, list[int]] = {}
    for descriptor in descriptors:
        by_device.setdefault(os.fstat(descriptor).st_dev, []).append(descriptor)
    errors = {}
    for opened in by_device.values():
        if len(opened) >= _MIN_SYNCFS_FILES and _sync_file_system(opened[0]):
            continue
        for descriptor in opened:
            try:
                os.fsync(descriptor)
            except OSError as error:
                errors[descriptor] = error
    return errors


def can_flush_together(descriptor: int) -> bool:
    """Whether one flush serves many files of the file system of an open file or folder."""
    library = _load_library()
    state = (ctypes.c_long * 64)()  # struct statfs, which begins with f_type
    return (
        library is not None
        and not library.fstatfs(descriptor, state)
        and state[0] & 0xFFFFFFFF in _SYNCFS_FILE_SYSTEMS.values()
    )


def _sync_file_system(descriptor: int) -> bool:
    """Flush the file system of an open file; False when that failed, or is not to be relied on here."""
    library = _load_library()
    return library is not None and can_flush_together(descriptor) and not library.syncfs(descriptor)


@cache
def _load_library() -> ctypes.CDLL | None:
    """The C library, where its syncfs(2) reports errors."""
    if sys.platform != "linux":
        return None
    release = os.uname().release.split(".")
    if tuple(int(number) for number in release[:2] if number.isdecimal()) < _SYNCFS_ERRORS_SINCE:
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "syncfs") and hasattr(library, "fstatfs") else None

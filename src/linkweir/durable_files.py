"""Files that survive a crash: fsync, atomic replacement, locks between processes.

`AtomicFile` replaces a user's file of any size; `create_file` and `replace_file` write small private files of the
service (keys, certificates, heartbeats). Either way other processes see the old file or the whole new one, never a
part: the bytes go to another file of the same folder (a rename is only atomic inside one file system), reach the disk,
and take the name last. Errors are OSError.
"""

import contextlib
import io
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

if sys.platform != "win32":
    import fcntl

TEMP_PREFIX = ".linkweir-"
TEMP_SUFFIX = ".tmp"
PRIVATE_MODE = 0o600  # the owner only

_DESCRIPTORS_FOLDER = "/proc/self/fd"


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


def write_private_file(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Write a file that does not exist yet, readable by its owner only from its first moment; none is left on errors.

    For a file that others see under this name while it is written, use `create_file`.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, PRIVATE_MODE)
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
    """Replace a private file, or create it. `sync`: also survive a power cut."""
    draft = _draft_path(path)
    write_private_file(draft, data, sync=sync)
    try:
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(path.parent)


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


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that a killed `AtomicFile` left behind."""
    return name.startswith(TEMP_PREFIX) and name.endswith(TEMP_SUFFIX)


def remove_leftover(target: str, process: int) -> None:
    """Remove the temporary files that the process of this number, which has ended, left beside its target."""
    folder = os.path.dirname(os.path.realpath(target))
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if is_temporary(name) and name.startswith(_temporary_prefix(process)):
                os.unlink(os.path.join(folder, name))


def _temporary_prefix(process: int) -> str:
    return f"{TEMP_PREFIX}{process}-"


def _open_unnamed(folder: str, mode: int) -> int | None:
    """The descriptor of a new file that has no name yet; None where the system or the file system has no such thing."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir(_DESCRIPTORS_FOLDER):
        return None
    try:
        return os.open(folder, os.O_WRONLY | os.O_TMPFILE, mode)
    except OSError:  # what is really wrong with the folder, the second way says
        return None


class AtomicFile:
    """A binary sink for `with`: `target` is replaced when the block ends well, and untouched otherwise.

    The bytes go to a file without a name where the system has such (Linux), else to a temporary file. A process killed
    half-way leaves nothing, or the temporary file, which `remove_leftover` takes away.

    A target that exists keeps its mode (and owner, where permitted); a new one gets `mode` less the umask. A
    symbolic link is followed. Something that is no regular file (a terminal, a pipe, /dev/null) is written to
    directly, since replacing it would be wrong.
    """

    def __init__(self, target: str, *, mode: int = 0o666) -> None:
        self._target = target
        self._mode = mode & 0o777
        self._temp = ""
        self._has_name = True
        self._sink: BinaryIO = io.BytesIO()
        self._previous_stat: os.stat_result | None = None

    def __enter__(self) -> Self:
        with contextlib.suppress(FileNotFoundError):
            self._previous_stat = os.stat(self._target)
        if self._previous_stat is not None and not stat.S_ISREG(self._previous_stat.st_mode):
            self._sink = open(self._target, "wb")  # a folder fails here
            return self
        # Only now: what /dev/stdout and the shell's /dev/fd/63 resolve to is no path.
        self._target = os.path.realpath(self._target)
        # The name is known before the file exists, so that no signal can come between and leave an orphan.
        folder = os.path.dirname(self._target)
        self._temp = os.path.join(folder, _temporary_prefix(os.getpid()) + secrets.token_hex(8) + TEMP_SUFFIX)
        mode = 0o600 if self._previous_stat else self._mode
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            fd = _open_unnamed(folder, mode)
            self._has_name = fd is None
            self._sink = cast(BinaryIO, os.fdopen(os.open(self._temp, flags, mode) if fd is None else fd, "wb"))
        except BaseException:
            self.abort()
            raise
        return self

    def write(self, data: bytes) -> None:
        self._sink.write(data)

    def abort(self) -> None:
        """Forget what was written; the target stays as it was (unless it is written to directly)."""
        if self._temp:
            # Closing flushes, and on a full disk that fails; the temporary file has to go all the same.
            with contextlib.suppress(OSError):
                self._sink.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temp)
            self._temp = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._temp:
            self._sink.close()
            return
        try:
            if kind is None:
                self._commit()
        finally:
            self.abort()

    def _commit(self) -> None:
        self._sink.flush()
        fd = self._sink.fileno()
        if self._previous_stat is not None and hasattr(os, "fchown"):
            with contextlib.suppress(PermissionError):  # only root may give files away
                os.fchown(fd, self._previous_stat.st_uid, self._previous_stat.st_gid)
            os.fchmod(fd, stat.S_IMODE(self._previous_stat.st_mode))  # after chown, which clears set-id bits
        os.fsync(fd)  # before the rename, or a power cut could leave the name with half the bytes
        if not self._has_name:  # given a descriptor of a folder, if only for form's sake, Python calls linkat
            os.link(f"{_DESCRIPTORS_FOLDER}/{fd}", self._temp, src_dir_fd=fd)
        self._sink.close()
        os.replace(self._temp, self._target)
        self._temp = ""

"""Replace a file in one step: other processes see the old file or the whole new one, never a part.

The new bytes go to a file without a name where the system has such (Linux), else to a temporary file, in the same
folder (a rename is only atomic inside one file system), reach the disk, and take the name last. A process killed
half-way leaves nothing, or the temporary file, which `remove_left` takes away.
"""

import contextlib
import io
import os
import secrets
import stat
from types import TracebackType
from typing import BinaryIO, Self, cast

TEMP_PREFIX = ".linkweir-"
TEMP_SUFFIX = ".tmp"


_DESCRIPTORS_FOLDER = "/proc/self/fd"


def is_temporary(name: str) -> bool:
    """True for the name of a temporary file of ours, left behind by a killed run."""
    return name.startswith(TEMP_PREFIX) and name.endswith(TEMP_SUFFIX)


def remove_leftover(target: str, process: int) -> None:
    """Take away what a process of this number, which has ended, has left beside a target that it was writing."""
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

    A target that exists keeps its mode (and owner, where permitted); a new one gets `mode` less the umask. A
    symbolic link is followed. Something that is no regular file (a terminal, a pipe, /dev/null) is written to
    directly, since replacing it would be wrong. Errors are OSError.
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

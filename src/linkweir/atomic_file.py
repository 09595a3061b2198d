"""Replace users' files in one step: old bytes or all of the new ones, also after a power cut.

An `AtomicFile` is written, completed, flushed and published, in this order; `publish_files` does the last two for many
files with one flush. The bytes go to a file without a name where the system has such (Linux), else to a temporary file.
A process killed half-way leaves nothing, or the temporary file, which `remove_leftovers` takes away.
"""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from functools import cache
from types import TracebackType
from typing import Self

from linkweir.durable_files import flush_files

TEMP_PREFIX = ".linkweir-"
TEMP_SUFFIX = ".tmp"
_BUFFER_BYTES = 1 << 18
_DESCRIPTORS_FOLDER = "/proc/self/fd"


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that a killed `AtomicFile` left behind."""
    return name.startswith(TEMP_PREFIX) and name.endswith(TEMP_SUFFIX)


def remove_leftovers(targets: Iterable[str], process: int) -> None:
    """Remove the temporary files that the process of this number, which has ended, left beside its targets."""
    for folder in {os.path.dirname(os.path.realpath(target)) for target in targets}:
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                if is_temporary(name) and name.startswith(_temporary_prefix(process)):
                    os.unlink(os.path.join(folder, name))


def _temporary_prefix(process: int) -> str:
    return f"{TEMP_PREFIX}{process}-"


def _open_unnamed(folder: str, mode: int) -> int | None:
    """The descriptor of a new file that has no name yet; None where the system or the file system has no such thing."""
    if not hasattr(os, "O_TMPFILE") or not _has_descriptors_folder():
        return None
    try:
        return os.open(folder or ".", os.O_WRONLY | os.O_TMPFILE, mode)
    except OSError:  # what is really wrong with the folder, the second way says
        return None


@cache
def _has_descriptors_folder() -> bool:
    return os.path.isdir(_DESCRIPTORS_FOLDER)


def _lstat_or_none(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _is_unchanged(before: os.stat_result, now: os.stat_result) -> bool:
    return os.path.samestat(before, now) and before.st_mtime_ns == now.st_mtime_ns and before.st_size == now.st_size


class AtomicFile:
    """A binary sink: `target` is replaced when it is published, and untouched until then.

    For `with`, which publishes when the block ends well; or by `open`, `write`, `complete`, and `publish_files`.

    A target that exists keeps its mode (and owner, where permitted); a new one gets `mode` less the umask. A
    symbolic link is followed. Something that is no regular file (a terminal, a pipe, /dev/null) is written to
    directly, since replacing it would be wrong. `expected`: the state of the target when it was read; if it has
    another one by the time it would be replaced, or none, that is an OSError, and nothing is written.
    """

    __slots__ = ("_chunks", "_descriptor", "_expected", "_mode", "_previous_stat", "_size", "_temp", "target")

    def __init__(self, target: str, *, mode: int = 0o666, expected: os.stat_result | None = None) -> None:
        self.target = target
        self._expected = expected
        self._mode = mode & 0o777
        self._temp = ""  # the name of the temporary file, as long as it has one
        self._descriptor = -1
        self._previous_stat: os.stat_result | None = None
        self._chunks: list[bytes] = []
        self._size = 0

    def __enter__(self) -> Self:
        return self.open()

    def open(self) -> Self:
        """Make the file that the bytes go to."""
        with contextlib.suppress(FileNotFoundError):
            self._previous_stat = os.lstat(self.target)
            if stat.S_ISLNK(self._previous_stat.st_mode):
                self._previous_stat = None
                self._follow_link()
        self._check_target(self._previous_stat)
        binary = getattr(os, "O_BINARY", 0)
        if self._previous_stat is not None and not stat.S_ISREG(self._previous_stat.st_mode):
            self._descriptor = os.open(self.target, os.O_WRONLY | os.O_TRUNC | binary)  # a folder fails here
            return self
        mode = 0o600 if self._previous_stat else self._mode
        unnamed = _open_unnamed(os.path.dirname(self.target), mode)
        if unnamed is None:
            # The name is known before the file exists, so that no signal can come between and leave an orphan.
            self._temp = self._make_temporary_name()
            try:
                unnamed = os.open(self._temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | binary, mode)
            except BaseException:
                self.abort()
                raise
        self._descriptor = unnamed
        return self

    def _follow_link(self) -> None:
        """What /dev/stdout and the shell's /dev/fd/63 resolve to is no path, so they keep theirs."""
        with contextlib.suppress(FileNotFoundError):
            self._previous_stat = os.stat(self.target)
        if self._previous_stat is None or stat.S_ISREG(self._previous_stat.st_mode):
            self.target = os.path.realpath(self.target)

    def _check_target(self, now: os.stat_result | None) -> None:
        """Raise OSError if the target is not any more what was read."""
        if self._expected is not None and (now is None or not _is_unchanged(self._expected, now)):
            raise OSError(errno.ESTALE, "the file was changed meanwhile")

    def _make_temporary_name(self) -> str:
        name = _temporary_prefix(os.getpid()) + secrets.token_hex(8) + TEMP_SUFFIX
        return os.path.join(os.path.dirname(self.target), name)

    @property
    def is_direct(self) -> bool:
        """Whether the target is written to directly."""
        return self._previous_stat is not None and not stat.S_ISREG(self._previous_stat.st_mode)

    @property
    def descriptor(self) -> int:
        """The descriptor to flush the file by; -1 when it is not open any more."""
        return self._descriptor

    def write(self, data: bytes | memoryview) -> None:
        """Write data, or keep it for later; not a memoryview, since what it shows may change."""
        if not isinstance(data, bytes):
            self._write_chunks()
            self._write_all(data)
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._size >= _BUFFER_BYTES:
            self._write_chunks()

    def _write_chunks(self) -> None:
        chunks, self._chunks, self._size = self._chunks, [], 0
        self._write_all(chunks[0] if len(chunks) == 1 else b"".join(chunks))

    def _write_all(self, data: bytes | memoryview) -> None:
        written = os.write(self._descriptor, data) if data else 0
        while written < len(data):
            written += os.write(self._descriptor, memoryview(data)[written:])

    def complete(self) -> None:
        """Write what is still held, and give the file the owner and the mode of the one it is to replace."""
        self._write_chunks()
        if self._previous_stat is not None and hasattr(os, "fchown") and not self.is_direct:
            with contextlib.suppress(PermissionError):  # only root may give files away
                os.fchown(self._descriptor, self._previous_stat.st_uid, self._previous_stat.st_gid)
            # after chown, which clears set-id bits
            os.fchmod(self._descriptor, stat.S_IMODE(self._previous_stat.st_mode))

    def publish(self) -> None:
        """Give the file, whose bytes have been flushed, the name of the target."""
        if self.is_direct:
            self._close()
            return
        if not self._temp:
            if self._previous_stat is None and self._link(self.target):
                self._close()
                return
            self._temp = self._make_temporary_name()
            self._link(self._temp)
        self._close()
        if self._expected is not None:
            self._check_target(_lstat_or_none(self.target))
        os.replace(self._temp, self.target)
        self._temp = ""

    def _link(self, name: str) -> bool:
        """Name the file that has none; False when there is one of this name."""
        try:
            # given a descriptor of a folder, if only for form's sake, Python calls linkat
            os.link(f"{_DESCRIPTORS_FOLDER}/{self._descriptor}", name, src_dir_fd=self._descriptor)
        except FileExistsError:
            return False
        return True

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def abort(self) -> None:
        """Forget what was written; the target stays as it was (unless it is written to directly, or published)."""
        self._chunks = []
        with contextlib.suppress(OSError):  # a full disk may show here; the temporary file has to go all the same
            self._close()
        if self._temp:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temp)
            self._temp = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._descriptor >= 0:
                self.complete()
                for failure in publish_files([self]):
                    if failure is not None:
                        raise failure
        finally:
            self.abort()


def publish_files(files: list[AtomicFile]) -> Iterator[OSError | None]:
    """Flush completed files by as few calls as can be, and then give them their names. Yields, when a file has its name
    or cannot have it, the error, in the order of the files.
    """
    errors = flush_files(file.descriptor for file in files if not file.is_direct)
    for file in files:
        error = errors.get(file.descriptor)
        try:
            if error is None:
                file.publish()
        except OSError as reason:
            error = reason
        finally:
            file.abort()
        yield error


def sync_names(folders: Iterable[str]) -> None:
    """Flush the names in folders to the disk, so that what was published stays published. Errors are no loss: a name
    that is lost leaves the old bytes.
    """
    descriptors = []
    try:
        for folder in folders:
            with contextlib.suppress(OSError):
                descriptors.append(os.open(folder or ".", os.O_RDONLY))
        flush_files(descriptors)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)

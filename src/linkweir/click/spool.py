"""Where facts wait while the store cannot take them: append-only files of JSON lines, one per process.

A file belongs to the process that holds its lock; whoever gets the lock later (this process, or the next
one after a crash) drains it. A fact that is stored twice is one fact, since its id was made at the
redirect. A torn last line, all that a crash can leave, was never acknowledged; a line that cannot be
read is kept in a `.bad` file.
"""

import contextlib
import fcntl
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import orjson

from linkweir.click.fact import Fact

SUFFIX = ".ndjson"
BATCH = 1000
FILE_LIMIT = 16 << 20  # bytes after which a new file begins: a file is drained in one piece of memory


class Spool:
    """The spool of one process in a folder that processes may share. Not for several threads at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._path: Path | None = None

    def append(self, facts: Sequence[Fact]) -> None:
        """Make facts durable. Raises OSError when even this disk does not take them."""
        lines = b"".join(orjson.dumps(fact.row()) + b"\n" for fact in facts)
        try:
            file = self._open()
            _write_all(file, lines)
            if file.tell() > FILE_LIMIT:
                self.close()
        except OSError:
            self.close()  # half a line may be there all the same: the next append begins a new file
            raise

    def _open(self) -> BinaryIO:
        if self._file is not None and self._path is not None and self._path.exists():
            return self._file
        self.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            path = self._folder / f"{uuid.uuid4().hex}{SUFFIX}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            file = self._file = open(descriptor, "wb", buffering=0)  # noqa: SIM115  it stays open between appends
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                break
            file.close()  # before it was locked, another process took it for a dead one's and removed it
        self._path = path
        _flush_folder(self._folder)
        return file

    def close(self) -> None:
        """Let go of the current file, so that it can be drained."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self._path = None

    def waiting(self) -> list[Path]:
        """Files with facts in them, oldest first; empty also when the folder is gone."""
        try:
            return sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
        except OSError:
            return []

    def drain(self, store: Callable[[Sequence[Fact]], None]) -> int:
        """Hand every waiting fact to `store` and remove what it took; how many. What `store` raises ends
        the round.
        """
        if not self.waiting():
            return 0
        self.close()
        return sum(self._drain_file(path, store) for path in self.waiting())

    def _drain_file(self, path: Path, store: Callable[[Sequence[Fact]], None]) -> int:
        try:
            file = path.open("rb")
        except OSError:
            return 0  # another process was faster
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return 0  # in use
            facts, bad = _read(file.read())
            for start in range(0, len(facts), BATCH):
                store(facts[start : start + BATCH])
            if bad:
                path.with_suffix(".bad").write_bytes(bad)
            path.unlink(missing_ok=True)
        return len(facts)


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Append `data` and see it on the disk, all or nothing. OSError, also of a disk that fills half-way."""
    start = os.fstat(file.fileno()).st_size
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]  # a nearly full disk takes a part; what it says to the rest counts
        os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(file.fileno(), start)  # nobody else sees the part: the file is still locked
        raise


def _read(data: bytes) -> tuple[list[Fact], bytes]:
    facts, bad = [], b""
    for line in data.split(b"\n"):
        try:
            if line:
                values = orjson.loads(line)
                facts.append(Fact(**{**values, "id": uuid.UUID(values["id"])}))
        except (ValueError, TypeError, KeyError):
            bad += line + b"\n"
    return facts, bad


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

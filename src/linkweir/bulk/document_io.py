"""Unbuffered input from files or standard input, with the byte position in errors; output to standard output."""

import errno
import os
import stat
import sys
from typing import Protocol, Self

from linkweir.errors import LinkweirError
from linkweir.terminal.text import STDIN

CHUNK_BYTES = 1 << 18  # bytes per read: large enough to make system calls cheap, small enough for the cache
PREFIX_BYTES = 8192  # bytes inspected to detect binary data
_TEXT_CONTROLS = b"\t\n\f\r\x1b"  # ESC is ISO-2022-JP's
_CONTROLS = bytes(set(range(32)) - set(_TEXT_CONTROLS))


class UnreadableInput(LinkweirError):
    """The input cannot be read or is no document; the text says why and where."""


class Sink(Protocol):
    """A destination of a document."""

    def write(self, data: bytes | memoryview, /) -> None:
        """Write data; what a memoryview shows may change afterwards."""


class NullSink:
    """The sink of a dry run."""

    def write(self, data: bytes | memoryview, /) -> None:
        """Discard the data."""


class StdoutSink:
    """Standard output, flushed after each chunk, so that the next process in a pipeline gets it at once."""

    def write(self, data: bytes | memoryview, /) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


class InputFile:
    """An open document, for `with`. `mode`: of the file; `stat`: its state before it is read, None for standard input;
    `offset`: bytes read. Raises UnreadableInput.
    """

    def __init__(self, path: str) -> None:
        self.offset = 0
        self.mode = 0o666
        self.stat: os.stat_result | None = None
        try:
            if path == STDIN:
                if hasattr(os, "set_blocking"):
                    os.set_blocking(0, True)  # a non-blocking pipe would look as if it had ended
                self._descriptor = 0
            else:
                self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
                self._examine()
        except (OSError, ValueError) as error:
            raise UnreadableInput(f"can't read: {describe_error(error)}") from error

    def _examine(self) -> None:
        try:
            self.stat = os.fstat(self._descriptor)
            self.mode = self.stat.st_mode
            if stat.S_ISDIR(self.mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        except BaseException:
            os.close(self._descriptor)
            raise

    @property
    def is_regular(self) -> bool:
        """Whether reading never waits for somebody to write."""
        return stat.S_ISREG(self.mode)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor:
            os.close(self._descriptor)

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """Return up to `size` bytes, as soon as there are any; empty at the end."""
        try:
            data = os.read(self._descriptor, size)
        except OSError as error:
            raise UnreadableInput(f"can't read at byte {self.offset}: {describe_error(error)}") from error
        self.offset += len(data)
        return data

    def read_prefix(self, size: int) -> bytes:
        """Return the first `size` bytes, waiting for them; fewer only at the end."""
        parts = bytearray()
        while len(parts) < size and (data := self.read(size - len(parts))):
            parts += data
        return bytes(parts)


def describe_error(error: Exception) -> str:
    """Return the reason of an error: of an OSError without the path, which the caller shows; of an unexpected one with
    its type.
    """
    if isinstance(error, MemoryError):
        return "too large for the memory"
    plain = getattr(error, "strerror", None) or str(error)
    foreseen = isinstance(error, OSError | LinkweirError) or "embedded null" in plain
    return plain if plain and foreseen else f"{type(error).__name__}: {plain}".removesuffix(": ")


def reject_binary(head: bytes) -> None:
    """Raise UnreadableInput if `head` is binary: it contains a NUL and more than 2 % control characters.

    A single NUL in a broken document is accepted; compressed data (a tenth of it controls) and UTF-16 without a BOM
    (half of it NULs) are not.
    """
    nul = head.find(0)
    if nul >= 0 and len(head) - len(head.translate(None, _CONTROLS)) > len(head) * 0.02:
        raise UnreadableInput(f"looks like binary data, not HTML (a NUL at byte {nul}); left alone")

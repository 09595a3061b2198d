"""Splits a mailbox file into its mails without losing a byte (mbox, RFC 4155).

A mail begins at a line that starts with "From ", at the beginning or after an empty line, and that contains a time and
a year or precedes a header: unquoted mails may contain sentences such as "From now on". Quoted lines (">From ") stay
quoted: a replaced link never begins a line with "From ".
"""

import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from linkweir import _mime
from linkweir.bulk.document_io import UnreadableInput

MAX_MAIL_BYTES = 64 << 20  # bytes; a larger mail passes unchanged, so that memory stays bounded
_FROM_LINE = b"\nFrom "
_SEPARATOR_BYTES = 8  # bytes that may belong to an incomplete separator: an empty line and `_FROM_LINE`
MAX_FROM_LINE_BYTES = 998  # bytes of a "From " line; 78 are usual
MAX_HEADER_NAME_BYTES = 128  # bytes of a header's name
_DATE = re.compile(rb"(?=[^\n]*\d:\d\d)[^\n]*\b(?:19|20)\d\d\b")
_HEADER = re.compile(rb"[!-9;-~]{1,%d}[ \t]*:|>?From " % MAX_HEADER_NAME_BYTES)


@dataclass(frozen=True, slots=True)
class MailPiece:
    """A mail with its "From " line, numbered from 1; with `number` 0, bytes to pass on unchanged."""

    data: bytes
    number: int


class MailSize(NamedTuple):
    """The bytes of a mail with its "From " line, numbered from 1; with `number` 0, `unchanged` has bytes to pass on."""

    size: int
    number: int
    unchanged: bytes = b""


@dataclass(frozen=True, slots=True)
class MailRange:
    """Mails that follow each other in the mailbox file of a job, by their sizes. `identity`: device and inode of the
    file; `excluded_mails`: numbers of those to pass on unchanged.
    """

    job_index: int
    identity: tuple[int, int]
    start: int
    first_number: int
    sizes: tuple[int, ...]
    excluded_mails: frozenset[int] = frozenset()

    def read(self, path: str) -> list[MailPiece]:
        """Read the mails from the file. Raises UnreadableInput if it is another one now, or shorter."""
        with open(path, "rb", buffering=0) as file:
            state = os.fstat(file.fileno())
            file.seek(self.start)
            data = file.read(sum(self.sizes))
        if (state.st_dev, state.st_ino) != self.identity or len(data) != sum(self.sizes):
            raise UnreadableInput("the file was changed meanwhile")
        ends = list(itertools.accumulate(self.sizes))
        return [
            MailPiece(data[end - size : end], self.first_number + number)
            for number, (size, end) in enumerate(zip(self.sizes, ends, strict=True))
        ]


def split_mbox(chunks: Iterable[bytes]) -> Iterator[MailPiece]:
    """Yield the mails of a mailbox that arrives in chunks; joined, they are the mailbox byte for byte."""
    held = bytearray()
    for size, number in _iter_cuts(chunks, held):
        yield MailPiece(_copy_start(held, size), number)


def measure_mbox(chunks: Iterable[bytes]) -> Iterator[MailSize]:
    """Yield the sizes of the mails that `split_mbox` would yield."""
    held = bytearray()
    for size, number in _iter_cuts(chunks, held):
        yield MailSize(size, number, b"" if number else _copy_start(held, size))


def _iter_cuts(chunks: Iterable[bytes], held: bytearray) -> Iterator[tuple[int, int]]:
    """Yield the size and number of each mail, which `held` begins with until the next one is asked for."""
    number, searched, passing = 1, 0, False
    for chunk in itertools.chain(chunks, (None,)):
        held += chunk or b""
        while (at := _find_from_line(held, searched)) >= 0:
            separates = _is_separator(held, at, chunk is None)
            if separates is None:
                break
            if not separates:
                searched = at
                continue
            yield at, 0 if passing else number
            del held[:at]
            number, searched, passing = number + 1, 0, False
        searched = max(searched, (at if at >= 0 else len(held)) - _SEPARATOR_BYTES)
        if len(held) > MAX_MAIL_BYTES:
            yield searched, 0
            del held[:searched]
            searched, passing = 0, True
    if held:
        yield len(held), 0 if passing else number


def _copy_start(buffer: bytearray, size: int) -> bytes:
    """The first bytes of a buffer, copied once and not twice as by a slice."""
    with memoryview(buffer) as view:
        return bytes(view[:size])


def _find_from_line(buffer: bytearray, start: int) -> int:
    """Where the next "From " behind an empty line begins, whose line ends are at or behind `start`; -1 without one."""
    while (at := _mime.find(buffer, _FROM_LINE, start, len(buffer))) >= 0:
        if buffer.endswith(b"\n", start, at) or buffer.endswith(b"\n\r", start, at):
            return at + 1
        start = at + 1
    return -1


def _is_separator(buffer: bytearray, at: int, final: bool) -> bool | None:
    """Whether the "From " line at `at` begins a mail; None: more data is needed."""
    end = buffer.find(b"\n", at, at + MAX_FROM_LINE_BYTES)
    if end < 0:
        return False if final or len(buffer) >= at + MAX_FROM_LINE_BYTES else None
    if _DATE.match(buffer, at, end):
        return True
    follows = buffer[end + 1 : end + 1 + 2 * MAX_HEADER_NAME_BYTES]
    if not final and len(follows) < 2 * MAX_HEADER_NAME_BYTES and b"\n" not in follows:
        return None
    return _HEADER.match(follows) is not None


def read_single_mail(chunks: Iterable[bytes]) -> Iterator[MailPiece]:
    """Yield one mail that arrives in chunks; a mail larger than the limit as pieces to pass on unchanged."""
    held = bytearray()
    source = iter(chunks)
    for chunk in source:
        held += chunk
        if len(held) > MAX_MAIL_BYTES:
            yield MailPiece(bytes(held), 0)
            for rest in source:
                yield MailPiece(rest, 0)
            return
    yield MailPiece(bytes(held), 1)

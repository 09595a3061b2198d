"""Splits a mailbox file into its mails without losing a byte (mbox, RFC 4155).

A mail begins at a line that starts with "From ", at the beginning or after an empty line, and that contains a time and
a year or precedes a header: unquoted mails may contain sentences such as "From now on". Quoted lines (">From ") stay
quoted: a replaced link never begins a line with "From ".
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_MAIL_BYTES = 64 << 20  # bytes; a larger mail passes unchanged, so that memory stays bounded
_SEPARATOR = re.compile(rb"\n\r?\n(?=From )")
_SEPARATOR_BYTES = 8  # bytes that may belong to an incomplete separator
MAX_FROM_LINE_BYTES = 998  # bytes of a "From " line; 78 are usual
MAX_HEADER_NAME_BYTES = 128  # bytes of a header's name
_DATE = re.compile(rb"(?=[^\n]*\d:\d\d)[^\n]*\b(?:19|20)\d\d\b")
_HEADER = re.compile(rb"[!-9;-~]{1,%d}[ \t]*:|>?From " % MAX_HEADER_NAME_BYTES)


@dataclass(frozen=True, slots=True)
class MailPiece:
    """A mail with its "From " line, numbered from 1; with `number` 0, bytes to pass on unchanged."""

    data: bytes
    number: int


def split_mbox(chunks: Iterable[bytes]) -> Iterator[MailPiece]:
    """Yield the mails of a mailbox that arrives in chunks; joined, they are the mailbox byte for byte."""
    held = bytearray()
    number, searched, passing = 1, 0, False
    for chunk in itertools.chain(chunks, (None,)):
        held += chunk or b""
        while match := _SEPARATOR.search(held, max(0, searched)):
            separates = _is_separator(held, match.end(), chunk is None)
            if separates is None:
                break
            if not separates:
                searched = match.end()
                continue
            yield MailPiece(bytes(held[: match.end()]), 0 if passing else number)
            del held[: match.end()]
            number, searched, passing = number + 1, 0, False
        searched = match.start() if match else max(searched, len(held) - _SEPARATOR_BYTES)
        if len(held) > MAX_MAIL_BYTES:
            yield MailPiece(bytes(held[:searched]), 0)
            del held[:searched]
            searched, passing = 0, True
    if held:
        yield MailPiece(bytes(held), 0 if passing else number)


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

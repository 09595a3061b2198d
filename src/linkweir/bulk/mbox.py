"""Takes a mailbox file apart into its mails, and nothing is lost between them (mbox, RFC 4155).

A mail begins at a line that starts with "From " at the beginning or behind an empty line, and has a time and a year or
stands before a header: programs that do not quote leave sentences such as "From now on" in their mails. Quoted lines
(">From ") stay quoted: what is replaced in a mail never begins a line with "From ".
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_MAIL_BYTES = 64 << 20  # bytes; a larger mail passes unchanged, so that memory stays bounded
_SEPARATOR = re.compile(rb"\n\r?\n(?=From )")
_SEPARATOR_BYTES = 8  # bytes that may belong to a separator that is not whole yet
MAX_FROM_LINE_BYTES = 998  # bytes of a "From " line; 78 are usual
MAX_HEADER_NAME_BYTES = 128  # bytes of a header's name
_DATE = re.compile(rb"(?=[^\n]*\d:\d\d)[^\n]*\b(?:19|20)\d\d\b")
_HEADER = re.compile(rb"[!-9;-~]{1,%d}[ \t]*:|>?From " % MAX_HEADER_NAME_BYTES)


@dataclass(frozen=True, slots=True)
class MailPiece:
    """A mail with its "From " line, numbered from 1; or, with `number` 0, bytes that are to pass unchanged."""

    data: bytes
    number: int


def split_mbox(chunks: Iterable[bytes]) -> Iterator[MailPiece]:
    """The mails of a mailbox that arrives in chunks; together they are the mailbox, byte for byte."""
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
    """Does the "From " line at `at` begin a mail? None: what follows, which is not here yet, decides."""
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
    """One mail that arrives in chunks; in pieces to pass unchanged when it is larger than the limit."""
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

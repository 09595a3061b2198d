"""Takes a mailbox file apart into its mails, and nothing is lost between them (mbox, RFC 4155).

A mail begins at a line that starts with "From " at the beginning or behind an empty line, and has a time and a year or
stands before a header: programs that do not quote leave sentences such as "From now on" in their mails. Quoted lines
(">From ") stay quoted: what is replaced in a mail never begins a line with "From ".
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAIL_LIMIT = 64 << 20  # bytes; a larger mail passes unchanged, so that memory stays bounded
_NEXT = re.compile(rb"\n\r?\n(?=From )")
_TAIL = 8  # bytes that may belong to a separator that is not whole yet
LINE_LIMIT = 998  # bytes of a "From " line; 78 are usual
NAME_LIMIT = 128  # bytes of a header's name
_DATED = re.compile(rb"(?=[^\n]*\d:\d\d)[^\n]*\b(?:19|20)\d\d\b")
_HEADER = re.compile(rb"[!-9;-~]{1,%d}[ \t]*:|>?From " % NAME_LIMIT)


@dataclass(frozen=True, slots=True)
class Piece:
    """A mail with its "From " line, numbered from 1; or, with `number` 0, bytes that are to pass unchanged."""

    data: bytes
    number: int


def pieces(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """The mails of a mailbox that arrives in chunks; together they are the mailbox, byte for byte."""
    held = bytearray()
    number, looked, passing = 1, 0, False
    for chunk in itertools.chain(chunks, (None,)):
        held += chunk or b""
        while found := _NEXT.search(held, max(0, looked)):
            separates = _separates(held, found.end(), chunk is None)
            if separates is None:
                break
            if not separates:
                looked = found.end()
                continue
            yield Piece(bytes(held[: found.end()]), 0 if passing else number)
            del held[: found.end()]
            number, looked, passing = number + 1, 0, False
        looked = found.start() if found else max(looked, len(held) - _TAIL)
        if len(held) > MAIL_LIMIT:
            yield Piece(bytes(held[:looked]), 0)
            del held[:looked]
            looked, passing = 0, True
    if held:
        yield Piece(bytes(held), 0 if passing else number)


def _separates(held: bytearray, at: int, final: bool) -> bool | None:
    """Does the "From " line at `at` begin a mail? None: what follows, which is not here yet, decides."""
    end = held.find(b"\n", at, at + LINE_LIMIT)
    if end < 0:
        return False if final or len(held) >= at + LINE_LIMIT else None
    if _DATED.match(held, at, end):
        return True
    follows = held[end + 1 : end + 1 + 2 * NAME_LIMIT]
    if not final and len(follows) < 2 * NAME_LIMIT and b"\n" not in follows:
        return None
    return _HEADER.match(follows) is not None


def whole(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """One mail that arrives in chunks; in pieces to pass unchanged when it is larger than the limit."""
    held = bytearray()
    source = iter(chunks)
    for chunk in source:
        held += chunk
        if len(held) > MAIL_LIMIT:
            yield Piece(bytes(held), 0)
            for rest in source:
                yield Piece(rest, 0)
            return
    yield Piece(bytes(held), 1)

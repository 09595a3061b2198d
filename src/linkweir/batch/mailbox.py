"""Takes a mailbox file apart into its mails, and nothing is lost between them (mbox, RFC 4155).

A mail begins at a line that starts with "From " at the beginning or behind an empty line. Quoted lines (">From ") stay
quoted: what is replaced in a mail never begins a line with "From ".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAIL_LIMIT = 64 << 20  # bytes; a larger mail passes unchanged, so that memory stays bounded
_NEXT = re.compile(rb"\n\r?\n(?=From )")
_TAIL = 8  # bytes that may belong to a separator that is not whole yet


@dataclass(frozen=True, slots=True)
class Piece:
    """A mail with its "From " line, numbered from 1; or, with `number` 0, bytes that are to pass unchanged."""

    data: bytes
    number: int


def pieces(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """The mails of a mailbox that arrives in chunks; together they are the mailbox, byte for byte."""
    held = bytearray()
    number, looked, passing = 1, 0, False
    for chunk in chunks:
        held += chunk
        while found := _NEXT.search(held, max(0, looked)):
            yield Piece(bytes(held[: found.end()]), 0 if passing else number)
            del held[: found.end()]
            number, looked, passing = number + 1, 0, False
        looked = len(held) - _TAIL
        if len(held) > MAIL_LIMIT:
            yield Piece(bytes(held[:looked]), 0)
            del held[:looked]
            looked, passing = 0, True
    if held:
        yield Piece(bytes(held), 0 if passing else number)


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

"""Families of hostile input whose members differ only in size: does the cost grow as fast as they do, or
faster?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Family:
    """`make(size)` gives a document of about that many bytes; `chunk` is the piece size, 0 for one call.

    `tag_limit`: what the library is told about the longest tag it may keep, where it has such a limit.
    """

    name: str
    make: Callable[[int], bytes]
    largest: int = MEGABYTE
    chunk: int = 0
    tag_limit: int | None = None

    def sizes(self, share: float = 1.0) -> tuple[int, int, int]:
        """A quarter, a half and the whole of the largest size."""
        largest = int(self.largest * share)
        return largest // 4, largest // 2, largest

    def pieces(self, document: bytes) -> Iterator[bytes]:
        """The document as it is fed."""
        step = self.chunk or len(document)
        return (document[at : at + step] for at in range(0, len(document), step))


def _repeat(unit: bytes, size: int) -> bytes:
    return unit * (size // len(unit))


def _one_tag(size: int) -> bytes:
    """One `a` tag with as many attributes as fit, and its href at the end."""
    attributes = b"".join(b' a%06d="v"' % number for number in range(size // 12))
    return b"<a" + attributes + b' href="https://example.com/">x</a>'


FAMILIES = (
    Family("one 8 MB tag, 1 KB chunks", _one_tag, 8 * MEGABYTE, chunk=1000),
    Family("the same, kept to its end", _one_tag, 8 * MEGABYTE, chunk=1000, tag_limit=16 * MEGABYTE),
    Family("`<a ` over and over", lambda size: _repeat(b"<a ", size)),
    Family('`<a href="` over and over', lambda size: _repeat(b'<a href="', size)),
    Family("unclosed quotes", lambda size: _repeat(b"<a title='x>", size)),
    Family("unclosed comments", lambda size: _repeat(b"<!-- <a href='https://example.com/'> ", size)),
    Family("unclosed scripts", lambda size: _repeat(b"<script><!-- <script ", size)),
    Family("many attributes", _one_tag),
    Family("many links", lambda size: _repeat(b'<a href="https://example.com/">x</a>', size)),
    Family("many chunks of 16 bytes", lambda size: _repeat(b'<a href="https://example.com/">x</a>', size), chunk=16),
    Family("many nested svg", lambda size: _repeat(b"<svg><title>", size)),
)

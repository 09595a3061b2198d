"""Families of hostile input whose members differ only in size: does the cost grow as fast as they do, or
faster?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

MEGABYTE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class InputFamily:
    """`make(size)` gives a document of about that many bytes; `chunk` is the piece size, 0 for one call.

    `tag_limit`: what the library is told about the longest tag it may keep, where it has such a limit.
    """

    name: str
    make: Callable[[int], bytes]
    largest: int = MEGABYTE_BYTES
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


def _make_long_tag(size: int) -> bytes:
    """One `a` tag with as many attributes as fit, and its href at the end."""
    attributes = b"".join(b' a%06d="v"' % number for number in range(size // 12))
    return b"<a" + attributes + b' href="https://example.com/">x</a>'


FAMILIES = (
    InputFamily("one 8 MB tag, 1 KB chunks", _make_long_tag, 8 * MEGABYTE_BYTES, chunk=1000),
    InputFamily(
        "the same, kept to its end", _make_long_tag, 8 * MEGABYTE_BYTES, chunk=1000, tag_limit=16 * MEGABYTE_BYTES
    ),
    InputFamily("`<a ` over and over", lambda size: _repeat(b"<a ", size)),
    InputFamily('`<a href="` over and over', lambda size: _repeat(b'<a href="', size)),
    InputFamily("unclosed quotes", lambda size: _repeat(b"<a title='x>", size)),
    InputFamily("unclosed comments", lambda size: _repeat(b"<!-- <a href='https://example.com/'> ", size)),
    InputFamily("unclosed scripts", lambda size: _repeat(b"<script><!-- <script ", size)),
    InputFamily("many attributes", _make_long_tag),
    InputFamily("many links", lambda size: _repeat(b'<a href="https://example.com/">x</a>', size)),
    InputFamily(
        "many chunks of 16 bytes", lambda size: _repeat(b'<a href="https://example.com/">x</a>', size), chunk=16
    ),
    InputFamily("many nested svg", lambda size: _repeat(b"<svg><title>", size)),
)

"""A document of any length that is never held: one generated stretch of newsletter, over and over, in
chunks."""

from collections.abc import Iterator
from functools import cache

from bench.cases.newsletter import add_section, close_page, open_page
from bench.cases.page_builder import PageBuilder
from bench.cases.rng import Xorshift
from linkweir.benchmark.case import Case

BLOCK_BYTES = 1_000_000
CHUNK_BYTES = 65_536


class DocumentStream:
    """An opening, `repeats` times the same block of sections, an ending."""

    def __init__(self, size: int) -> None:
        self.block = _make_block()
        self.head, self.tail = _make_frame()
        self.repeats = max(1, round(size / len(self.block.document)))

    @property
    def size(self) -> int:
        """Bytes of the whole document."""
        return len(self.head) + len(self.tail) + self.repeats * len(self.block.document)

    @property
    def links(self) -> int:
        """Links to be replaced in the whole document."""
        return self.repeats * len(self.block.sites)

    def output_size(self, link: bytes) -> int:
        """Bytes of the right output when every value is replaced by `link`."""
        removed = sum(site.end - site.start for site in self.block.sites)
        return self.size + self.links * len(link) - self.repeats * removed

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[memoryview]:
        """The document in pieces of `size` bytes, views of the block. The cuts drift through the block from
        one repeat to the next, so that every kind of place is cut sooner or later; at its seams there are two
        shorter pieces instead of one."""
        yield memoryview(self.head)
        view = memoryview(self.block.document)
        first = size
        for _ in range(self.repeats):
            yield view[:first]
            yield from (view[at : at + size] for at in range(first, len(view), size))
            first = size - (len(view) - first) % size
        yield memoryview(self.tail)


@cache
def _make_block() -> Case:
    page, rng = PageBuilder(), Xorshift(4)
    while page.size < BLOCK_BYTES:
        add_section(page, rng)
    return page.build("block")


@cache
def _make_frame() -> tuple[bytes, bytes]:
    opening, ending = PageBuilder(), PageBuilder()
    open_page(opening, Xorshift(5), 10_000)
    close_page(ending)
    return opening.build("opening").document, ending.build("ending").document

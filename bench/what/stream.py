"""A document of any length that is never held: one generated stretch of newsletter, over and over, in
chunks."""

from collections.abc import Iterator
from functools import cache

from bench.what.case import Case, Page
from bench.what.dice import Dice
from bench.what.newsletter import close_page, open_page, section

BLOCK = 1_000_000
CHUNK = 65_536


class Stream:
    """An opening, `repeats` times the same block of sections, an ending."""

    def __init__(self, size: int) -> None:
        self.block = _block()
        self.head, self.tail = _frame()
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

    def chunks(self, size: int = CHUNK) -> Iterator[memoryview]:
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
def _block() -> Case:
    page, dice = Page(), Dice(4)
    while page.size < BLOCK:
        section(page, dice)
    return page.case("block")


@cache
def _frame() -> tuple[bytes, bytes]:
    opening, ending = Page(), Page()
    open_page(opening, Dice(5), 10_000)
    close_page(ending)
    return opening.case("opening").document, ending.case("ending").document

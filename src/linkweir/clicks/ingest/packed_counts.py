"""Several counts in one whole number, so that adding up rows of them is adding two numbers.

    row = pack_counts((1, 0, -3)) + pack_counts((2, 5, 1))
    unpack_counts(row, 3)  # (3, 5, -2)

Each count has 64 bits and may be negative. What is added up here is of one batch, far below that.
"""

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Final

COUNT_BITS: Final = 64
_SIGN: Final = 1 << (COUNT_BITS - 1)


def pack_counts(counts: Sequence[int]) -> int:
    """These counts as one number; adding, subtracting and multiplying it does so with each of them."""
    return sum(count << (COUNT_BITS * index) for index, count in enumerate(counts))


def unpack_counts(packed: int, number: int) -> tuple[int, ...]:
    """The counts, of which there are so many."""
    signs, layout = _make_layout(number)
    return layout.unpack(((packed + signs) ^ signs).to_bytes(layout.size, "little"))


@lru_cache
def _make_layout(number: int) -> tuple[int, Struct]:
    """What makes each count positive, so that none borrows from the next one, and how they lie in memory."""
    return pack_counts([_SIGN] * number), Struct(f"<{number}q")

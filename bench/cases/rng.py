"""A small random generator of our own: the documents are the same on every machine and Python version."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1


class Xorshift:
    """xorshift64*: not for secrets, only for variety."""

    def __init__(self, seed: int) -> None:
        self._state = (seed * 0x9E3779B97F4A7C15 + 1) & _MASK or 1

    def randrange(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        x = self._state
        x ^= x >> 12
        x ^= (x << 25) & _MASK
        x ^= x >> 27
        self._state = x
        return ((x * 0x2545F4914F6CDD1D) & _MASK) % limit

    def chance(self, percent: int) -> bool:
        """True in `percent` of 100 throws."""
        return self.randrange(100) < percent

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.randrange(len(items))]

    def random_hex(self, digits: int) -> str:
        """An identifier as campaign systems make them."""
        return "".join(self.choice("0123456789abcdef") for _ in range(digits))

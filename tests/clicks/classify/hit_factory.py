"""Hits made up for tests, in few words."""

import uuid
from collections.abc import Sequence
from random import Random
from typing import Any

from linkweir.clicks.classify import Hit
from linkweir.clock import SECOND_US

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
START_US = 1_750_000_000 * SECOND_US


def make_hit(seconds: float = 0.0, position: int = 0, **more: Any) -> Hit:
    """A hit of a plain browser at so many seconds after START."""
    values: dict[str, Any] = {"ip": "192.0.2.7", "user_agent": CHROME, **more}
    return Hit(id=uuid.uuid4(), at=START_US + round(seconds * SECOND_US), position=position, **values)


def make_scan(seconds: Sequence[float], **more: Any) -> list[Hit]:
    """The links of a mail from its top on, at these times."""
    return [make_hit(at, position, **more) for position, at in enumerate(seconds)]


def shuffle(hits: Sequence[Hit], seed: int) -> list[Hit]:
    """The same hits in another order."""
    found = list(hits)
    Random(seed).shuffle(found)  # noqa: S311 - repeatable on purpose
    return found

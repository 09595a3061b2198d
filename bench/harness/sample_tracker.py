"""Linkweir with its own tracking links: what a real campaign pays."""

import datetime
import uuid
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import linkweir

BASE_URL = "https://t.example.com"
MESSAGE_ID = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@cache
def make_tracker(style: Literal["sealed", "short"] = "sealed") -> "linkweir.Tracker":
    """A tracker with a key of its own, for one message. Raises ImportError without linkweir."""
    import linkweir

    ring = linkweir.KeyRing.generate(NOW)
    return linkweir.Tracker(ring, BASE_URL, message=MESSAGE_ID, style=style)

"""From a token to a destination. A sealed link needs no store; a short one asks it, after its MAC was
verified.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from linkweir.click.location import header_value
from linkweir.errors import BadToken
from linkweir.store import messages
from linkweir.store.engine import Store
from linkweir.token import KeyRing, Opened, open_token

TOKEN = re.compile(r"[A-Za-z0-9_-]+")
TOKEN_LIMIT = 16_384  # characters; the longest destination's token stays below


@dataclass(frozen=True, slots=True)
class Way:
    """Where a verified link leads: its destination and the same as a `Location`."""

    opened: Opened
    destination: str
    location: str


def open_any(ring: KeyRing, text: str) -> Opened | None:
    """What a path segment's token says; None when it is no token of this ring.

    Viewers of plain text append a bracket or a full stop, gateways percent-encode twice: what remains
    after that is tried as well. Nothing is guessed, for the MAC decides.
    """
    if len(text) > TOKEN_LIMIT:
        return None
    for candidate in _candidates(text):
        try:
            return open_token(ring, candidate)
        except BadToken:
            continue
    return None


def _candidates(text: str) -> Iterator[str]:
    yield text
    plain = unquote(text) if "%" in text else text
    found = TOKEN.match(plain)
    if found and found[0] != text and not plain[found.end() : found.end() + 1].isalnum():
        yield found[0]


def to_sealed(opened: Opened) -> Way | None:
    """The way of a sealed link, without any I/O."""
    return _way(opened, opened.destination)


def to_short(store: Store, opened: Opened) -> Way | None:
    """The way of a short link; None for one that this store does not know. Raises StoreUnavailable."""
    if not isinstance(opened.message, int) or opened.message >= 1 << 63:
        return None
    with store.read() as connection:
        return _way(opened, messages.destination(connection, opened.message, opened.index))


def _way(opened: Opened, destination: str | None) -> Way | None:
    location = header_value(destination) if destination else None
    return Way(opened, destination, location) if destination and location else None

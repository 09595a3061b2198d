"""From a token to a destination. A sealed link needs no store; a short one asks it, after its MAC was
verified.
"""

import re
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from linkweir.click.location import header_value
from linkweir.errors import BadToken, LinkweirError, StoreUnavailable
from linkweir.store import accounts, blocked, messages
from linkweir.store.engine import Store
from linkweir.token import KeyRing, Opened, open_token

TOKEN = re.compile(r"[A-Za-z0-9_-]+")
# what gateways and viewers break a long line with: white space, QP's `=`, sendmail's `!`, and what nobody sees
WRAPPING = re.compile(r"[\s=!\u00ad\u200b-\u200d\u2060\ufeff]+")
TOKEN_LIMIT = 16_384  # characters; the longest destination's token stays below


class ErasedError(LinkweirError):
    """A short link of a person who was erased: where it led is not known any more."""


@dataclass(slots=True)  # not frozen: made for every reader, as click.fact.Visit is
class Way:
    """Where a verified link leads: its destination and the same as a `Location`."""

    opened: Opened
    destination: str
    location: str


def open_any(ring: KeyRing, text: str) -> Opened | None:
    """What a path segment's token says; None when it is no token of this ring.

    Viewers of plain text append a bracket or a full stop, gateways percent-encode twice and break lines: what
    remains after that is tried as well. Nothing is guessed, for the MAC decides.
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
    for whole in dict.fromkeys((plain, WRAPPING.sub("", plain))):
        found = TOKEN.match(whole)
        if found and found[0] != text and not whole[found.end() : found.end() + 1].isalnum():
            yield found[0]


def to_sealed(opened: Opened) -> Way | None:
    """The way of a sealed link, without any I/O."""
    return _way(opened, opened.destination)


def to_short(store: Store, opened: Opened) -> Way | None:
    """The way of a short link; None for one that this store does not know. Raises StoreUnavailable, ErasedError."""
    if not isinstance(opened.message, int) or opened.message >= 1 << 63:
        return None
    with store.read() as connection:
        if blocked.is_erased(connection, opened.message):
            raise ErasedError("the message was erased")
        destination = messages.destination(connection, opened.message, opened.index)
    if destination == "":
        raise ErasedError("its destination named a person who was erased")
    return _way(opened, destination)


def is_of(store: Store, opened: Opened, wanted: Collection[uuid.UUID]) -> bool:
    """Is the link of one of these accounts: by its message, or its key's owner? Without the store: yes."""
    try:
        with store.read() as connection:
            known = isinstance(opened.message, int) and opened.message < 1 << 63
            account = messages.account_of(connection, int(opened.message)) if known else None  # type: ignore[arg-type]
            return (account or accounts.link_key_owners(connection).get(opened.key_id)) in wanted
    except StoreUnavailable:
        return True


def _way(opened: Opened, destination: str | None) -> Way | None:
    location = header_value(destination) if destination else None
    return Way(opened, destination, location) if destination and location else None

"""From a token to a destination. A sealed link needs no database; a short one asks it, after its MAC was
verified.
"""

import re
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from linkweir.clicks.location_header import to_location
from linkweir.db import accounts_table, blocklist_table, messages_table
from linkweir.db.database import Database
from linkweir.errors import BadToken, DatabaseUnavailable, LinkweirError
from linkweir.tokens import KeyRing, Opened, open_token

TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]+")
# what gateways and viewers break a long line with: white space, QP's `=`, sendmail's `!`, and what nobody sees
LINE_WRAPPING = re.compile(r"[\s=!\u00ad\u200b-\u200d\u2060\ufeff]+")
MAX_TOKEN_CHARS = 16_384  # characters; the longest destination's token stays below


class LinkErasedError(LinkweirError):
    """A short link of a person who was erased: where it led is not known any more."""


@dataclass(slots=True)  # not frozen: made for every reader, as click.fact.Visit is
class ResolvedLink:
    """Where a verified link leads: its destination and the same as a `Location`."""

    opened: Opened
    destination: str
    location: str


def open_token_leniently(ring: KeyRing, text: str) -> Opened | None:
    """What a path segment's token says; None when it is no token of this ring.

    Viewers of plain text append a bracket or a full stop, gateways percent-encode twice and break lines: what
    remains after that is tried as well. Nothing is guessed, for the MAC decides.
    """
    if len(text) > MAX_TOKEN_CHARS:
        return None
    try:
        return open_token(ring, text)
    except BadToken:
        candidates = _repaired_tokens(text)
    for candidate in candidates:
        try:
            return open_token(ring, candidate)
        except BadToken:
            continue
    return None


def _repaired_tokens(text: str) -> Iterator[str]:
    plain = unquote(text) if "%" in text else text
    for whole in dict.fromkeys((plain, LINE_WRAPPING.sub("", plain))):
        match = TOKEN_PATTERN.match(whole)
        if match and match[0] != text and not whole[match.end() : match.end() + 1].isalnum():
            yield match[0]


def resolve_sealed(opened: Opened) -> ResolvedLink | None:
    """The way of a sealed link, without any I/O."""
    return _resolve_destination(opened, opened.destination)


def resolve_short(database: Database, opened: Opened) -> ResolvedLink | None:
    """The way of a short link; None for one that this database does not know. Raises DatabaseUnavailable,
    LinkErasedError.
    """
    if not isinstance(opened.message, int) or opened.message >= 1 << 63:
        return None
    with database.read() as connection:
        if blocklist_table.is_erased(connection, opened.message):
            raise LinkErasedError("the message was erased")
        destination = messages_table.get_short_link_destination(connection, opened.message, opened.index)
    if destination == "":
        raise LinkErasedError("its destination named a person who was erased")
    return _resolve_destination(opened, destination)


def belongs_to_any(database: Database, opened: Opened, account_ids: Collection[uuid.UUID]) -> bool:
    """Is the link of one of these accounts: by its message, or its key's owner? Without the database: yes."""
    try:
        with database.read() as connection:
            known = isinstance(opened.message, int) and opened.message < 1 << 63
            account = messages_table.get_account_by_number(connection, int(opened.message)) if known else None  # type: ignore[arg-type]
            return (account or accounts_table.link_key_owners(connection).get(opened.key_id)) in account_ids
    except DatabaseUnavailable:
        return True


def _resolve_destination(opened: Opened, destination: str | None) -> ResolvedLink | None:
    location = to_location(destination) if destination else None
    return ResolvedLink(opened, destination, location) if destination and location else None

"""From a token to the destination that it carries, without any I/O: all that a redirect of sealed links needs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from linkweir.clicks.location_header import to_location
from linkweir.errors import BadToken
from linkweir.tokens import KeyRing, Opened, open_token

TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]+")
# what gateways and viewers break a long line with: white space, QP's `=`, sendmail's `!`, and what nobody sees
LINE_WRAPPING = re.compile(r"[\s=!\u00ad\u200b-\u200d\u2060\ufeff]+")
MAX_TOKEN_CHARS = 16_384  # characters; the longest destination's token stays below


@dataclass(slots=True)  # not frozen: made for every reader, and freezing is most of what that costs
class ResolvedLink:
    """Where a verified link leads: its destination, and as a `Location` the same, or what it was corrected to."""

    opened: Opened
    destination: str
    location: str
    corrected_destination: str | None = None


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


def names_unknown_key(ring: KeyRing, text: str) -> bool:
    """Whether it is a token of a key that the ring does not have: another machine may have made the key just now."""
    try:
        open_token(ring, text)
    except BadToken as error:
        return error.code == "unknown-key"
    return False


def _repaired_tokens(text: str) -> Iterator[str]:
    plain = unquote(text) if "%" in text else text
    for whole in dict.fromkeys((plain, LINE_WRAPPING.sub("", plain))):
        match = TOKEN_PATTERN.match(whole)
        if match and match[0] != text and not whole[match.end() : match.end() + 1].isalnum():
            yield match[0]


def resolve_sealed(opened: Opened) -> ResolvedLink | None:
    """The way of a sealed link, without any I/O."""
    return resolve_destination(opened, opened.destination)


def resolve_destination(opened: Opened, destination: str | None) -> ResolvedLink | None:
    """The link with its `Location`; None when the destination is missing or no http(s) address."""
    location = to_location(destination) if destination else None
    return ResolvedLink(opened, destination, location) if destination and location else None

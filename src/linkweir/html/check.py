"""A linter for links: which will be tracked, which will not, and why; nothing is changed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from linkweir.html.link import Link
from linkweir.html.outcome import REASONS, Outcome
from linkweir.html.resolve import any_tracker
from linkweir.html.rewrite import Document
from linkweir.html.stream import DEFAULT
from linkweir.html.switches import Switches
from linkweir.token import Tracker

if TYPE_CHECKING:
    from typing_extensions import Buffer

# An address that lost its scheme or half of it, and is no file name: what people write when they mean the web.
_MEANT_AS_WEB = re.compile(
    r"\s*(?:www\.|//[\w-]|h+t+p+s?[:/]|https?:/|https?//|(?:[a-z0-9-]+\.)+(?!html?\b|php\b|aspx?\b|jpe?g\b|png\b|gif\b|pdf\b|css\b|js\b)[a-z]{2,18}(?:[/?#:]|\s*$))",
    re.IGNORECASE,
)
_WEB_IN_TAG = re.compile(rb"href\s*=[\s\"']*(?:https?:|www\.)", re.IGNORECASE)
_WRITTEN_WRONG = {
    Outcome.UNQUOTED,
    Outcome.SPACED_EQUALS,
    Outcome.UNTERMINATED,
    Outcome.TOO_LONG,
    Outcome.MALFORMED,
    Outcome.NO_HOST,
    Outcome.TOO_LONG_DESTINATION,
    Outcome.ENCODING,
}
TAG_WINDOW = 4096  # bytes of a tag in which an address is looked for
TEXT_IS_ADDRESS = "the link's text is an address; once tracked it leads elsewhere, which looks like phishing"
_ADDRESS = re.compile(r"(?:https?:/?/?|www\.)[^\s/]\S*", re.IGNORECASE)
# A bare name counts only with an ending that people know from addresses: `Node.js` is no host.
_BARE = re.compile(
    r"(?:[\w-]+\.)+(?:com|org|net|edu|gov|info|biz|io|co|app|dev|shop"
    r"|eu|uk|de|fr|es|it|nl|pl|ch|at|be|us|ca|au|jp|in|br)(?:[/:?#]\S*)?",
    re.IGNORECASE,
)
# White space, and what shows as none: nobody sees it before an address, and it is part of what was pasted.
_UNSEEN_KINDS = ("Cc", "Cf", "Zs", "Zl", "Zp")
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\ufe0e\ufe0f\uffa0")


@dataclass(frozen=True, slots=True)
class Finding:
    """One link, why it has its outcome, whether its author probably wanted it tracked although it is not, and what to
    look at although it is, or None.
    """

    link: Link
    reason: str
    looks_trackable: bool
    warning: str | None = None


def check(
    html: str | Buffer, *, switches: Switches = DEFAULT, charset: str = "utf-8", links: Tracker | None = None
) -> list[Finding]:
    """Every link of a document with the reason for its outcome, in document order.

    A document whose encoding cannot be judged has one finding, with the outcome `encoding`.
    """
    document = Document(html, charset)
    if document.unjudgeable:
        whole = Link(0, Outcome.ENCODING, None, 0, len(document.raw), -1, -1, 1, 1, "", "", None, None)
        return [Finding(whole, REASONS[Outcome.ENCODING], True)]
    found = []
    for row in document.rows(switches, any_tracker() if links is None else links):
        link = document.link(row)
        tag = document.raw[row[3] : min(row[4], row[3] + TAG_WINDOW)]
        found.append(finding_of(link, tag))
    return found


def finding_of(link: Link, tag: bytes) -> Finding:
    """What there is to say about a link; `tag` are the first bytes of its tag."""
    odd = warning(link.warning, link.outcome, link.destination, link.text)
    return Finding(link, REASONS[link.outcome], _looks_trackable(link, tag), odd)


def warning(odd: str | None, outcome: Outcome, destination: str | None, text: str | None) -> str | None:
    """What to look at although a link is tracked, or None; `odd` is what its address gave cause for."""
    shown = outcome is Outcome.TRACKED and looks_like_address(text or "", destination)
    return "; ".join(filter(None, (odd, TEXT_IS_ADDRESS if shown else None))) or None


def looks_like_address(text: str, destination: str | None = None) -> bool:
    """True when a reader takes `text` for an address: by how it begins or ends, or as the link's own host."""
    text = text.strip(" .,;:!()<>[]\"'")
    if not text or any(char.isspace() for char in text):
        return False
    if _ADDRESS.fullmatch(text) or _BARE.fullmatch(text):
        return True
    try:
        host = urlsplit(destination or "").hostname or ""
    except ValueError:
        return False
    return "." in text and text.lower().removeprefix("www.") == host.removeprefix("www.")


def _looks_trackable(link: Link, tag: bytes) -> bool:
    if link.outcome is Outcome.NOT_HTTP and link.destination is not None:
        return _MEANT_AS_WEB.match(_without_unseen(link.destination)) is not None
    return link.outcome in {*_WRITTEN_WRONG, Outcome.NOT_HTTP} and _WEB_IN_TAG.search(tag) is not None


def _without_unseen(text: str) -> str:
    at = 0
    while at < len(text) and (text[at] in _UNSEEN or unicodedata.category(text[at]) in _UNSEEN_KINDS):
        at += 1
    return text[at:]

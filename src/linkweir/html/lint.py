"""A linter for links: which will be tracked, which will not, and why; nothing is changed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from linkweir.html.document import Document
from linkweir.html.link import Link
from linkweir.html.outcome import REASONS, Outcome
from linkweir.html.resolver import dry_run_tracker
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches
from linkweir.tokens import Tracker

if TYPE_CHECKING:
    from typing_extensions import Buffer

# An address that lost its scheme or half of it, and is no file name: what people write when they mean the web.
_SCHEMELESS_URL = re.compile(
    r"\s*(?:www\.|//[\w-]|h+t+p+s?[:/]|https?:/|https?//|(?:[a-z0-9-]+\.)+(?!html?\b|php\b|aspx?\b|jpe?g\b|png\b|gif\b|pdf\b|css\b|js\b)[a-z]{2,18}(?:[/?#:]|\s*$))",
    re.IGNORECASE,
)
_URL_IN_TAG = re.compile(rb"href\s*=[\s\"']*(?:https?:|www\.)", re.IGNORECASE)
_MARKUP_MISTAKES = {
    Outcome.UNQUOTED,
    Outcome.SPACED_EQUALS,
    Outcome.UNTERMINATED,
    Outcome.TOO_LONG,
    Outcome.MALFORMED,
    Outcome.NO_HOST,
    Outcome.TOO_LONG_DESTINATION,
    Outcome.ENCODING,
}
TAG_WINDOW_BYTES = 4096  # bytes of a tag in which an address is looked for
TEXT_IS_URL = "the link's text is a URL, but the tracking link leads to another host first, which looks like phishing"
TEXT_IS_OTHER_URL = "the link's text is the address {shown}, but the link leads to {host}, as phishing does"
_URL = re.compile(r"(?:https?:/?/?|www\.)[^\s/]\S*", re.IGNORECASE)
_AROUND_TEXT = " .,;:!()<>[]\"'"
# A bare name counts only with an ending that people know from addresses: `Node.js` is no host.
_BARE_DOMAIN = re.compile(
    r"(?:[\w-]+\.)+(?:com|org|net|edu|gov|info|biz|io|co|app|dev|shop"
    r"|eu|uk|de|fr|es|it|nl|pl|ch|at|be|us|ca|au|jp|in|br)(?:[/:?#]\S*)?",
    re.IGNORECASE,
)
# White space, and what shows as none: nobody sees it before an address, and it is part of what was pasted.
_INVISIBLE_CATEGORIES = ("Cc", "Cf", "Zs", "Zl", "Zp")
_INVISIBLE_CHARACTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\ufe0e\ufe0f\uffa0")


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
    html: str | Buffer, *, switches: Switches = DEFAULT_SWITCHES, charset: str = "utf-8", links: Tracker | None = None
) -> list[Finding]:
    """List every link of a document with the reason for its outcome, in document order.

    A document whose encoding cannot be judged by bytes has one finding, with the outcome `encoding`.
    """
    document = Document(html, charset)
    if document.is_opaque:
        whole = Link(0, Outcome.ENCODING, None, 0, len(document.raw), -1, -1, 1, 1, "", "", None, None)
        return [Finding(whole, REASONS[Outcome.ENCODING], True)]
    findings = []
    for row in document.scan_rows(switches, dry_run_tracker() if links is None else links):
        link = document.to_link(row)
        tag = document.raw[row.start : min(row.end, row.start + TAG_WINDOW_BYTES)]
        findings.append(make_finding(link, tag))
    return findings


def make_finding(link: Link, tag: bytes) -> Finding:
    """Return the finding of a link; `tag` are the first bytes of its tag."""
    odd = combine_warnings(link.warning, link.outcome, link.destination, link.text)
    return Finding(link, REASONS[link.outcome], _is_likely_trackable(link, tag), odd)


def combine_warnings(odd: str | None, outcome: Outcome, destination: str | None, text: str | None) -> str | None:
    """Return the warnings about a link, or None; `odd` is what its address gave cause for.

    A text that is another address than the link's is wrong whether the link is tracked or not; one that is an address
    at all only where tracking puts another host in its way.
    """
    shown = is_url_like(text or "", destination)
    hosts = _find_mismatch(text or "", destination or "") if shown else None
    warning = None
    if hosts is not None and outcome is not Outcome.ALREADY_TRACKED:
        warning = TEXT_IS_OTHER_URL.format(shown=hosts[0], host=hosts[1])
    elif shown and outcome is Outcome.TRACKED:
        warning = TEXT_IS_URL
    return "; ".join(filter(None, (odd, warning))) or None


def _find_mismatch(text: str, destination: str) -> tuple[str, str] | None:
    """The host that the text shows and the host that the link leads to; None if one is a part of the other, or if there
    is none.
    """
    bare = text.strip(_AROUND_TEXT)
    shown, host = _parse_host(bare if "//" in bare else f"//{bare}"), _parse_host(destination)
    if not shown or not host or f".{shown}".endswith(f".{host}") or f".{host}".endswith(f".{shown}"):
        return None
    return shown, host


def _parse_host(url: str) -> str:
    """The host of a URL in ASCII, in lower case and without `www.`; "" when it has none."""
    try:
        name = (urlsplit(_strip_invisible(url).replace("\\", "/")).hostname or "").rstrip(".")
        return name.encode("idna").decode().removeprefix("www.") if name else ""
    except ValueError:  # UnicodeError, too
        return ""


def is_url_like(text: str, destination: str | None = None) -> bool:
    """True when a reader takes `text` for an address: by how it begins or ends, or as the link's own host."""
    text = text.strip(_AROUND_TEXT)
    if not text or any(char.isspace() for char in text):
        return False
    if _URL.fullmatch(text) or _BARE_DOMAIN.fullmatch(text):
        return True
    try:
        host = urlsplit(destination or "").hostname or ""
    except ValueError:
        return False
    return "." in text and text.lower().removeprefix("www.") == host.removeprefix("www.")


def _is_likely_trackable(link: Link, tag: bytes) -> bool:
    if link.outcome is Outcome.NOT_HTTP and link.destination is not None:
        return _SCHEMELESS_URL.match(_strip_invisible(link.destination)) is not None
    return link.outcome in {*_MARKUP_MISTAKES, Outcome.NOT_HTTP} and _URL_IN_TAG.search(tag) is not None


def _strip_invisible(text: str) -> str:
    at = 0
    while at < len(text) and (
        text[at] in _INVISIBLE_CHARACTERS or unicodedata.category(text[at]) in _INVISIBLE_CATEGORIES
    ):
        at += 1
    return text[at:]

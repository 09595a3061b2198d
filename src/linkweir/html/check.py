"""A linter for links: which will be tracked, which will not, and why; nothing is changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linkweir.html.link import Link
from linkweir.html.outcome import REASONS, Outcome
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
}
_TAG_WINDOW = 4096


@dataclass(frozen=True, slots=True)
class Finding:
    """One link, why it has its outcome, and whether its author probably wanted it tracked although it is not."""

    link: Link
    reason: str
    looks_trackable: bool


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
    for row in document.rows(switches, links):
        link = document.link(row)
        tag = document.raw[row[3] : min(row[4], row[3] + _TAG_WINDOW)]
        found.append(Finding(link, REASONS[link.outcome], _looks_trackable(link, tag)))
    return found


def _looks_trackable(link: Link, tag: bytes) -> bool:
    if link.outcome is Outcome.NOT_HTTP:
        return _MEANT_AS_WEB.match(link.destination or "") is not None
    return link.outcome in _WRITTEN_WRONG and _WEB_IN_TAG.search(tag) is not None

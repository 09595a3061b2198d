"""One link of a document, as reports show it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from linkweir import _html
from linkweir.html.outcome import Outcome

OUTCOME_BY_NUMBER = tuple(Outcome)  # the core's outcome numbers, in its order
OUTCOME_NUMBER = {outcome: number for number, outcome in enumerate(OUTCOME_BY_NUMBER)}

# By the core's LW_WARN_*: what is odd about an address that is tracked all the same.
WARNINGS = {
    1: "the address holds a template marker behind the host",
    2: "the address has a port that is no number up to 65535",
    4: "the address has a second scheme where its host should be",
}
MAX_TEXT_CHARACTERS = 200  # characters of link text that are kept
_TEXT_WINDOW = 4096  # bytes behind the tag in which the text is looked for
_TEXT_END = re.compile(rb"<(?:/?a[\s/>]|/a$)", re.IGNORECASE)
# Possessive throughout: one attempt is linear, and an attempt that fails is the last (see link_text).
_TAG = re.compile(rb"</?[a-zA-Z!?][^>\"']*+(?:\"[^\"]*+\"[^>\"']*+|'[^']*+'[^>\"']*+)*+>")
_COMMENT = b"<!--"


@dataclass(frozen=True, slots=True)
class Link:
    """A link (an `a` start tag) and what became of it.

    Attributes:
        index: its position among all links of the document, from 0, whatever their outcomes.
        outcome: the stable code (link rules, section 2).
        destination: where it leads, decoded and stripped; None where there is no quoted value, or where it is no text
            in the document's encoding.
        start, end: offsets of the tag's `<` and of what follows its `>`: bytes, or characters for str input.
        value_start, value_end: offsets between the quotes of href; -1 where there are none.
        line, column: of the tag's `<`, from 1; the column counts bytes, or characters for str input.
        text: the link's text, white space collapsed, at most 200 characters; "" in streaming.
        element: "a", or in Outlook's comments also "v:rect" and the like.
        replacement: what stands between the quotes now, or None.
        warning: something to look at although the link is tracked, or None.
    """

    index: int
    outcome: Outcome
    destination: str | None
    start: int
    end: int
    value_start: int
    value_end: int
    line: int
    column: int
    text: str
    element: str
    replacement: str | None
    warning: str | None


def link_from_row(
    row: _html.RawLink, *, codec: str, text: str = "", char_offsets: tuple[int, int, int, int, int] | None = None
) -> Link:
    """The link of a row of the core; `char_offsets`: its offsets and column in characters."""
    index, number, destination, start, end, value_start, value_end, element, line, column, warnings, value = row
    if char_offsets:
        start, end, value_start, value_end, column = char_offsets
    outcome = OUTCOME_BY_NUMBER[number]
    return Link(
        index,
        outcome,
        None if destination is None else destination.decode(),
        start,
        end,
        value_start,
        value_end,
        line,
        column,
        text,
        element,
        None if value is None else value.decode(codec, "replace"),
        _format_warning(warnings) if warnings and outcome is Outcome.TRACKED else None,
    )


def _format_warning(bits: int) -> str:
    return "; ".join(text for bit, text in WARNINGS.items() if bits & bit)


def extract_link_text(document: bytes, end: int, codec: str) -> str:
    """The text behind a link's tag, up to the next `a` tag: for people to recognise the link by."""
    window = document[end : end + _TEXT_WINDOW]
    stop = _TEXT_END.search(window)
    plain = html.unescape(_strip_markup(window[: stop.start()] if stop else window).decode(codec, "replace"))
    return " ".join(plain.split())[:MAX_TEXT_CHARACTERS]


def _strip_markup(markup: bytes) -> bytes:
    """The text between tags and comments; what is not closed swallows the rest."""
    pieces, at = [], 0
    while (start := markup.find(b"<", at)) >= 0:
        pieces.append(markup[at:start])
        if markup.startswith(_COMMENT, start):
            close = markup.find(b"-->", start)
            at = close + 3 if close >= 0 else len(markup)
            pieces.append(b" ")
        elif markup[start + 1 : start + 2].isalpha() or markup[start + 1 : start + 2] in (b"/", b"!", b"?"):
            tag = _TAG.match(markup, start)
            at = tag.end() if tag else len(markup)
            pieces.append(b" ")
        else:
            pieces.append(b"<")
            at = start + 1
    pieces.append(markup[at:])
    return b"".join(pieces)

"""Finds the HTML body parts of a raw mail, as offsets (RFC 2046 section 5.1). Decodes nothing.

Attachments, attached messages, and signed or encrypted parts are not searched. An outer boundary ends an unclosed
inner multipart, as in every reader.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from linkweir import _mime
from linkweir.mime.headers import ContentType, PartHeaders
from linkweir.mime.notes import Note

MAX_DEPTH = 32  # nested multiparts; real mail stays below 10
MAX_PARTS = 10_000
LF = 10
DEFAULT_CONTENT_TYPE = "text/plain; charset=us-ascii"
# what may stand behind a boundary in its line
_DELIMITER_REST = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class HtmlPart:
    """One HTML body: bytes `start` to `end` of the mail, in `encoding` and `charset` (None: not declared).

    `apart`: an empty line precedes it, so that no reader takes its beginning for headers.
    """

    section: str
    start: int
    end: int
    encoding: str
    charset: str | None
    has_separator: bool


class TooManyParts(Exception):
    """More parts than in any real mail: a denial of service."""


class HtmlPartFinder:
    """Finds the HTML bodies of a mail: `parts` in order; `notes`: what was not searched, and why."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._part_count = 0
        self.notes: list[Note] = []
        self.parts: list[HtmlPart] = []
        self.top_headers = PartHeaders(raw, 0, len(raw))
        try:
            self._visit_part(self.top_headers, len(raw), "", DEFAULT_CONTENT_TYPE, 0)
        except TooManyParts:
            self.parts = []
            self.notes = [Note("too-many-parts", f"the mail has more than {MAX_PARTS} parts")]

    def _visit_part(self, head: PartHeaders, end: int, section: str, default: str, depth: int) -> None:
        self._part_count += 1
        if self._part_count > MAX_PARTS:
            raise TooManyParts
        content = head.content
        kind = content.type_or(default)
        where = section or "1"
        if head.malformed_at is not None and not head.ambiguity and (not section or kind.media_type == "text/html"):
            line = self._raw.count(b"\n", head.start, head.malformed_at) + 1
            self._add_note("odd-header", f"line {line} of its headers is none; some readers end them there", section)
        if head.ambiguity:
            self._add_note("untouched-part", f"its headers {head.ambiguity}", where)
        elif kind.ambiguity and kind.may_contain_html:
            self._add_note("untouched-part", f"its Content-Type {kind.ambiguity}", where)
        elif kind.main_type == "multipart":
            self._visit_multipart(head, kind, end, section, depth)
        elif kind.media_type in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
            self._add_note("encrypted", "S/MIME: signed or encrypted", where)
        elif kind.media_type == "text/html" and content.is_inline:
            self.parts.append(
                HtmlPart(where, head.body, end, content.transfer_encoding, kind.charset, head.has_separator)
            )

    def _visit_multipart(self, head: PartHeaders, kind: ContentType, end: int, section: str, depth: int) -> None:
        if kind.media_type in ("multipart/signed", "multipart/encrypted"):
            self._add_note(kind.media_type.partition("/")[2], "what is inside must stay as it is", section)
            return
        if not head.content.is_inline:
            return
        boundary = kind.boundary
        if boundary is None:
            self._add_note("untouched-part", "a multipart without a usable boundary", section)
            return
        if depth >= MAX_DEPTH:
            self._add_note("too-deep", f"more than {MAX_DEPTH} multiparts inside each other", section)
            return
        default = "message/rfc822" if kind.media_type == "multipart/digest" else DEFAULT_CONTENT_TYPE
        number = 0
        for number, (start, stop) in enumerate(self._iter_children(boundary, head.body, end), 1):
            inner = f"{section}.{number}" if section else str(number)
            self._visit_part(PartHeaders(self._raw, start, stop), stop, inner, default, depth + 1)
        if not number and self._raw[head.body : end].strip():
            self._add_note("untouched-part", "a multipart that its boundary is nowhere in", section)

    def _iter_children(self, boundary: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield start and end of each part between delimiters; the last delimiter may be missing (RFC 2046, 5.1.2)."""
        mark = b"--" + boundary
        begun: int | None = None
        at = start
        while delimiter := self._find_delimiter(mark, at, end):
            position, rest = delimiter
            if begun is not None:
                yield begun, _strip_line_end(self._raw, begun, position)
            if rest[1]:
                return
            begun = at = rest.end()
        if begun is not None:
            yield begun, end

    def _find_delimiter(self, mark: bytes, at: int, end: int) -> tuple[int, re.Match[bytes]] | None:
        """Return the offset of the next delimiter line and the match after the boundary, or None."""
        while (position := _mime.find(self._raw, mark, at, end)) >= 0:
            if (position == 0 or self._raw[position - 1] == LF) and (
                rest := _DELIMITER_REST.match(self._raw, position + len(mark), end)
            ):
                return position, rest
            at = position + 1
        return None

    def _add_note(self, code: str, text: str, part: str) -> None:
        self.notes.append(Note(code, text, part))


def _strip_line_end(raw: bytes, start: int, at: int) -> int:
    """Return the end of a part without the line end, which belongs to the delimiter."""
    if at > start and raw[at - 1 : at] == b"\n":
        at -= 1
        if at > start and raw[at - 1 : at] == b"\r":
            at -= 1
    return at

"""Finds the HTML body parts of a raw mail, as offsets (RFC 2046 section 5.1). Decodes nothing.

What cannot be a body that a reader is shown is never entered: attachments, attached messages, anything signed or
encrypted. An outer boundary ends what an inner one has left open, as in every reader.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from linkweir import _mime
from linkweir.mime.headers import ContentType, Headers
from linkweir.mime.note import Note

DEPTH_LIMIT = 32  # multiparts inside each other; real mail stays below 10
PART_LIMIT = 10_000
LF = 10
PLAIN = "text/plain; charset=us-ascii"
# what may stand behind a boundary in its line
_REST = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class Part:
    """One HTML body: its bytes are `start` to `end` of the mail, in `encoding` and `charset` (None: not named).

    `apart`: an empty line stands before it, so that no reader takes its beginning for headers.
    """

    section: str
    start: int
    end: int
    encoding: str
    charset: str | None
    apart: bool


class TooManyParts(Exception):
    """More parts than any mail has; looking at them all would be the sender's way to keep us busy."""


class Walk:
    """The HTML bodies of a mail in `parts`, in order, and in `notes` what was left out and why."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._seen = 0
        self.notes: list[Note] = []
        self.parts: list[Part] = []
        self.head = Headers(raw, 0, len(raw))
        try:
            self._enter(self.head, len(raw), "", PLAIN, 0)
        except TooManyParts:
            self.parts = []
            self.notes = [Note("too-many-parts", f"the mail has more than {PART_LIMIT} parts")]

    def _enter(self, head: Headers, end: int, section: str, default: str, depth: int) -> None:
        self._seen += 1
        if self._seen > PART_LIMIT:
            raise TooManyParts
        kind = head.content_type(default)
        where = section or "1"
        if head.odd is not None and not head.unclear and (not section or kind.kind == "text/html"):
            line = self._raw.count(b"\n", head.start, head.odd) + 1
            self._note("odd-header", f"line {line} of its headers is none; some readers end them there", section)
        if head.unclear:
            self._note("untouched-part", f"its headers {head.unclear}", where)
        elif kind.unclear and kind.may_hold_html:
            self._note("untouched-part", f"its Content-Type {kind.unclear}", where)
        elif kind.main == "multipart":
            self._multipart(head, kind, end, section, depth)
        elif kind.kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
            self._note("encrypted", "S/MIME: signed or encrypted", where)
        elif kind.kind == "text/html" and head.is_body:
            self.parts.append(Part(where, head.body, end, head.transfer_encoding, kind.charset, head.ended))

    def _multipart(self, head: Headers, kind: ContentType, end: int, section: str, depth: int) -> None:
        if kind.kind in ("multipart/signed", "multipart/encrypted"):
            self._note(kind.kind.partition("/")[2], "what is inside must stay as it is", section)
            return
        if not head.is_body:
            return
        boundary = kind.boundary
        if boundary is None:
            self._note("untouched-part", "a multipart without a usable boundary", section)
            return
        if depth >= DEPTH_LIMIT:
            self._note("too-deep", f"more than {DEPTH_LIMIT} multiparts inside each other", section)
            return
        default = "message/rfc822" if kind.kind == "multipart/digest" else PLAIN
        number = 0
        for number, (start, stop) in enumerate(self._children(boundary, head.body, end), 1):
            inner = f"{section}.{number}" if section else str(number)
            self._enter(Headers(self._raw, start, stop), stop, inner, default, depth + 1)
        if not number and self._raw[head.body : end].strip():
            self._note("untouched-part", "a multipart that its boundary is nowhere in", section)

    def _children(self, boundary: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """From behind each delimiter to before the next one's line end; the last may miss its end (RFC 2046, 5.1.2)."""
        mark = b"--" + boundary
        begun: int | None = None
        at = start
        while found := self._next(mark, at, end):
            place, rest = found
            if begun is not None:
                yield begun, _before_line(self._raw, begun, place)
            if rest[1]:
                return
            begun = at = rest.end()
        if begun is not None:
            yield begun, end

    def _next(self, mark: bytes, at: int, end: int) -> tuple[int, re.Match[bytes]] | None:
        """Where the next delimiter line begins, and what follows the boundary in it."""
        while (place := _mime.find(self._raw, mark, at, end)) >= 0:
            if (place == 0 or self._raw[place - 1] == LF) and (rest := _REST.match(self._raw, place + len(mark), end)):
                return place, rest
            at = place + 1
        return None

    def _note(self, code: str, text: str, part: str) -> None:
        self.notes.append(Note(code, text, part))


def _before_line(raw: bytes, start: int, at: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    if at > start and raw[at - 1 : at] == b"\n":
        at -= 1
        if at > start and raw[at - 1 : at] == b"\r":
            at -= 1
    return at

"""A whole document at once: rewrite it, or list its links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, overload

from linkweir import _html
from linkweir.html.charset import MAX_BOM_BYTES, STATEFUL_MARKERS, Charset
from linkweir.html.link import OUTCOME_NUMBER, Link, extract_link_text, link_from_row
from linkweir.html.outcome import Outcome
from linkweir.html.resolver import Links, dry_run_tracker, make_dry_run_resolver, make_resolver
from linkweir.html.rewriter import DEFAULT_SWITCHES, OnLink
from linkweir.html.switches import Switches
from linkweir.tokens import Tracker

if TYPE_CHECKING:
    from typing_extensions import Buffer


@overload
def rewrite(
    html: str, links: Links, *, switches: Switches = ..., charset: str = ..., on_link: OnLink | None = ...
) -> str: ...
@overload
def rewrite(
    html: Buffer, links: Links, *, switches: Switches = ..., charset: str = ..., on_link: OnLink | None = ...
) -> bytes: ...
def rewrite(
    html: str | Buffer,
    links: Links,
    *,
    switches: Switches = DEFAULT_SWITCHES,
    charset: str = "utf-8",
    on_link: OnLink | None = None,
) -> str | bytes:
    """Replace the links of a document, changing not one other byte.

    Args:
        html: str, or a contiguous buffer of bytes (then `charset` is the label of its encoding, unless it begins
            with a byte order mark).
        links: a `Tracker`, or a function `(destination, index) -> str | None`; None leaves the link as it is.
        switches: see `Switches`.
        on_link: called with each link, in document order.

    Returns: the same kind as `html` (bytes for every buffer).

    Raises:
        RefusedValue: the link function returned something that cannot stand in an attribute.
        Whatever `links` or `on_link` raises, unchanged.
        TypeError, BufferError: `html` is neither str nor a contiguous buffer.
    """
    document = Document(html, charset)
    if document.is_opaque:
        return html if isinstance(html, str) else bytes(html)
    report = None if on_link is None else _make_link_reporter(document, on_link)
    resolve = make_resolver(links, switches, document.charset)
    splice = _html.LinkRewriter(switches.rules, resolve, document.charset.to_utf8, report)
    done = splice.feed(document.data)
    if rest := splice.close():
        done += rest
    return done.decode("utf-8", "surrogatepass") if isinstance(html, str) else done


def scan(
    html: str | Buffer, *, switches: Switches = DEFAULT_SWITCHES, charset: str = "utf-8", links: Tracker | None = None
) -> Iterator[Link]:
    """Yield each link of a document with what would become of it; `tracked` means that it would be replaced.

    Args: as for `rewrite`; with a `Tracker` as `links`, links that it has tracked already are recognised.
    """
    document = Document(html, charset)
    for row in document.scan_rows(switches, dry_run_tracker() if links is None else links):
        yield document.to_link(row)


def _make_link_reporter(document: Document, on_link: OnLink) -> _html.Report:
    def report_links(rows: list[_html.RawLink]) -> None:
        for row in rows:
            on_link(document.to_link(row))

    return report_links


def _check_buffer(html: Buffer) -> None:
    try:
        memoryview(html)
    except TypeError:
        raise TypeError(f"html must be str or a buffer of bytes, not {type(html).__name__}") from None


class Document:
    """A whole document as bytes that the core can read, and the way back to the caller's offsets.

    Attributes:
        data: the bytes, borrowed where possible. `raw`: the same as a bytes object.
        unjudgeable: its encoding cannot be judged by bytes; it passes untouched.
    """

    def __init__(self, html: str | Buffer, charset: str) -> None:
        if not isinstance(html, str | bytes):
            _check_buffer(html)
        self._counts_characters = isinstance(html, str) and not html.isascii()
        self.data: Buffer = str.encode(html, "utf-8", "surrogatepass") if isinstance(html, str) else html
        self.charset = Charset("utf-8" if isinstance(html, str) else charset)
        self._offset = self._characters_before = 0
        self._last_line_start = (0, 0)  # where the last link's line begins, in bytes and in characters
        data = self.data
        head = data[:MAX_BOM_BYTES] if isinstance(data, bytes) else bytes(memoryview(data)[:MAX_BOM_BYTES])
        self.charset.apply_bom(head)
        self.is_opaque = not isinstance(html, str) and (
            not self.charset.is_ascii_transparent
            or (not self.charset.is_supported and STATEFUL_MARKERS.search(self.data) is not None)
        )

    @property
    def raw(self) -> bytes:
        if not isinstance(self.data, bytes):
            self.data = bytes(self.data)
        return self.data

    def find_indexes_with(self, attribute: str, switches: Switches) -> frozenset[int]:
        """The links whose tags carry an attribute, in any letter case; links are counted as with these switches."""
        if attribute.encode() not in self.raw.lower():
            return frozenset()
        marked = Switches(opt_out=(attribute,), outlook=switches.outlook, tag_limit=switches.tag_limit)
        left = OUTCOME_NUMBER[Outcome.OPTED_OUT]
        return frozenset(row.link_index for row in self.scan_rows(marked) if row.outcome == left)

    def scan_rows(self, switches: Switches, links: Tracker | None = None) -> list[_html.RawLink]:
        """Every link of the document, judged and not replaced."""
        rows: list[_html.RawLink] = []
        if self.is_opaque:
            return rows
        resolve = make_dry_run_resolver(links, switches, self.charset)
        splice = _html.LinkRewriter(switches.rules, resolve, self.charset.to_utf8, rows.extend)
        splice.feed(self.raw)
        splice.close()
        return rows

    def to_link(self, row: _html.RawLink) -> Link:
        """A row as the caller sees it, with the link's text. Rows must come in document order."""
        text = extract_link_text(self.raw, row.end, self.charset.codec)
        if not self._counts_characters:
            return link_from_row(row, codec=self.charset.codec, text=text)
        start, end, value_start, value_end, column = row.start, row.end, row.value_start, row.value_end, row.column
        line_start = start - column + 1
        if line_start != self._last_line_start[0]:
            self._last_line_start = (line_start, self._count_characters_to(line_start))
        first = self._count_characters_to(start)
        moved = (
            first,
            first + self._count_characters(start, end),
            first + self._count_characters(start, value_start) if value_start >= 0 else -1,
            first + self._count_characters(start, value_end) if value_end >= 0 else -1,
            first - self._last_line_start[1] + 1,
        )
        return link_from_row(row, codec="utf-8", text=text, char_offsets=moved)

    def _count_characters(self, start: int, end: int) -> int:
        return len(self.raw[start:end].decode("utf-8", "surrogatepass"))

    def _count_characters_to(self, offset: int) -> int:
        self._characters_before += self._count_characters(self._offset, offset)
        self._offset = offset
        return self._characters_before

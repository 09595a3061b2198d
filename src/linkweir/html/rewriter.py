"""The streaming rewriter: chunks in, chunks out, memory bounded by the longest tag (link rules, section 4)."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from linkweir import _html
from linkweir.html.charset import MAX_BOM_BYTES, STATEFUL_MARKERS, Charset
from linkweir.html.link import OUTCOME_BY_NUMBER, Link, link_from_row
from linkweir.html.outcome import Outcome
from linkweir.html.resolver import Links, make_resolver
from linkweir.html.switches import Switches

if TYPE_CHECKING:
    from typing_extensions import Buffer

OnLink = Callable[[Link], object]
DEFAULT_SWITCHES = Switches()


class Rewriter:
    """Replaces the links of one document that arrives in chunks.

    Args:
        links: a `Tracker`, or a function `(destination, index) -> str | None`; None leaves the link as it is.
        switches: see `Switches`.
        charset: label of the document's encoding. A document that cannot be judged by bytes passes untouched.
        on_link: called with each link, in document order, as soon as its outcome is known.

    What `links` or `on_link` raises comes out of `feed` or `close` unchanged; no byte is lost: those not yet
    returned come out, unchanged, of the next call, and everything after them passes unchanged.

    In a document whose charset label is unknown, links are left alone from the first ESC, NUL or `~{` on.
    """

    def __init__(
        self,
        links: Links,
        *,
        switches: Switches = DEFAULT_SWITCHES,
        charset: str = "utf-8",
        on_link: OnLink | None = None,
    ) -> None:
        self._charset = Charset(charset)
        self._arguments = (links, switches, charset, on_link)
        self._head = b""
        self._encoding = not self._charset.is_ascii_transparent
        self._may_be_hz = False
        report = None if on_link is None else _make_link_reporter(on_link, self._charset)
        resolve = make_resolver(links, switches, self._charset)
        self._splice = _html.LinkRewriter(switches.rules, resolve, self._charset.to_utf8, report)

    def __reduce__(self) -> tuple[Callable[..., Rewriter], tuple[object, ...]]:
        if self._head:
            raise TypeError("a Rewriter that has begun its document cannot be pickled or copied")
        return _restore_rewriter, (type(self), *self._arguments)

    def feed(self, data: Buffer) -> bytes:
        """Take the next chunk; return the output that is certain by now (all of it but an open link tag).

        Raises:
            TypeError, BufferError: `data` is not a contiguous buffer of bytes.
            RefusedValue: the link function returned something that cannot stand in an attribute.
        """
        if len(self._head) < MAX_BOM_BYTES:
            self._head += bytes(memoryview(data)[: MAX_BOM_BYTES - len(self._head)])
            self._detect_charset()
        if self._charset.is_supported or self._encoding:
            return self._splice.feed(data)
        return self._feed_unknown_charset(bytes(data))

    def _detect_charset(self) -> None:
        """A byte order mark counts more than the label; before three bytes no link can have begun."""
        has_bom = self._charset.apply_bom(self._head)
        if not self._charset.is_ascii_transparent:
            if has_bom or len(self._head) >= len(codecs.BOM_UTF8):
                self._pass_through()
        elif has_bom:
            self._encoding = False

    def _feed_unknown_charset(self, data: bytes) -> bytes:
        """The same for an unknown label: what comes before the first suspicious byte is still judged."""
        split = data.startswith(b"{") and self._may_be_hz  # "~" | "{"
        match = STATEFUL_MARKERS.search(data)
        self._may_be_hz = data.endswith(b"~") or (not data and self._may_be_hz)
        if not split and match is None:
            return self._splice.feed(data)
        at = 0 if split or match is None else match.start()
        done = self._splice.feed(data[:at])
        self._pass_through()
        return done + self._splice.feed(data[at:])

    def close(self) -> bytes:
        """The document ends; return the bytes still held. Safe to call again."""
        return self._splice.close()

    def _pass_through(self) -> None:
        self._encoding = True
        self._splice.pass_through_rest()

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many links had each outcome so far; `encoding` counts once for a document that passed untouched."""
        counts = {OUTCOME_BY_NUMBER[i]: n for i, n in enumerate(self._splice.outcome_counts()) if n}
        if self._encoding:
            counts[Outcome.ENCODING] = 1
        return counts


def _restore_rewriter(
    kind: type[Rewriter], links: Links, switches: Switches, charset: str, on_link: OnLink | None
) -> Rewriter:
    return kind(links, switches=switches, charset=charset, on_link=on_link)


def _make_link_reporter(on_link: OnLink, charset: Charset) -> Callable[[list[_html.RawLink]], None]:
    def report_links(rows: list[_html.RawLink]) -> None:
        for row in rows:
            on_link(link_from_row(row, codec=charset.codec))

    return report_links


def rewrite_file(
    source: BinaryIO,
    sink: BinaryIO,
    links: Links,
    *,
    switches: Switches = DEFAULT_SWITCHES,
    charset: str = "utf-8",
    on_link: OnLink | None = None,
    chunk_size: int = 65536,
) -> dict[Outcome, int]:
    """Rewrite from one binary file object to another; returns the counts by outcome.

    When something raises, the bytes read so far are written, unchanged from the failing chunk on, before the
    exception goes on to the caller: `sink` then holds a whole prefix of the document.
    """
    for name, file, method in (("source", source, "read"), ("sink", sink, "write")):
        if not hasattr(file, method):
            raise TypeError(f"{name} must be a binary file, not {type(file).__name__}")
    rewriter = Rewriter(links, switches=switches, charset=charset, on_link=on_link)
    try:
        while chunk := source.read(chunk_size):
            sink.write(rewriter.feed(chunk))
    finally:
        sink.write(rewriter.close())
    return rewriter.counts


def rewrite_chunks(
    chunks: Iterable[Buffer],
    links: Links,
    *,
    switches: Switches = DEFAULT_SWITCHES,
    charset: str = "utf-8",
    on_link: OnLink | None = None,
) -> Iterator[bytes]:
    """The rewritten document, chunk by chunk; empty chunks are left out.

    When something raises, the bytes not yet given out come first, unchanged, and then the exception.
    """
    rewriter = Rewriter(links, switches=switches, charset=charset, on_link=on_link)
    try:
        for chunk in chunks:
            if done := rewriter.feed(chunk):
                yield done
    except Exception:
        if rest := rewriter.close():
            yield rest  # whoever goes on after it gets the exception
        raise
    if rest := rewriter.close():
        yield rest


async def arewrite_chunks(
    chunks: AsyncIterable[Buffer],
    links: Links,
    *,
    switches: Switches = DEFAULT_SWITCHES,
    charset: str = "utf-8",
    on_link: OnLink | None = None,
) -> AsyncIterator[bytes]:
    """The same for an asynchronous source."""
    rewriter = Rewriter(links, switches=switches, charset=charset, on_link=on_link)
    try:
        async for chunk in chunks:
            if done := rewriter.feed(chunk):
                yield done
    except Exception:
        if rest := rewriter.close():
            yield rest  # whoever goes on after it gets the exception
        raise
    if rest := rewriter.close():
        yield rest

"""The functions on columns: rewrite documents, rewrite raw mails, list links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, overload

from linkweir import _arrow
from linkweir.arrow.column import (
    DOCUMENT_FORMATS,
    TEXT_FORMATS,
    ArrowColumn,
    Column,
    ImportedColumn,
    MessageIds,
    import_column,
    import_ids,
    make_texts,
)
from linkweir.arrow.link_lists import make_link_lists, make_outcome_column, make_struct_column
from linkweir.arrow.parallel_rows import rewrite_ranges
from linkweir.arrow.row_rewriter import MessageRewriter, RowRewriter
from linkweir.errors import check_type
from linkweir.html.charset import Charset
from linkweir.html.document import scan
from linkweir.html.link import OUTCOME_BY_NUMBER, Link
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches
from linkweir.tokens import Tracker

MAX_CHUNK_BYTES = {b"U": 2**62, b"Z": 2**62}  # of text in one array; others have 32-bit offsets
MAX_SHORT_CHUNK_BYTES = 2**31 - 1


@overload
def rewrite_column(
    htmls: ArrowColumn,
    tracker: Tracker,
    *,
    message_ids: MessageIds | None = ...,
    switches: Switches = ...,
    charset: str = ...,
    outcomes: Literal[False] = ...,
    links: Literal[False] = ...,
    threads: int = ...,
) -> Column: ...
@overload
def rewrite_column(
    htmls: ArrowColumn,
    tracker: Tracker,
    *,
    message_ids: MessageIds | None = ...,
    switches: Switches = ...,
    charset: str = ...,
    outcomes: bool = ...,
    links: bool = ...,
    threads: int = ...,
) -> Any: ...
def rewrite_column(
    htmls: ArrowColumn,
    tracker: Tracker,
    *,
    message_ids: MessageIds | None = None,
    switches: Switches = DEFAULT_SWITCHES,
    charset: str = "utf-8",
    outcomes: bool = False,
    links: bool = False,
    threads: int = 1,
) -> Column | tuple[Column, Column]:
    """Replace the links of each document of a column, as `rewrite` does with one.

    Args:
        htmls: an Arrow column of text or bytes, its views or dictionaries, chunked or not.
        tracker: mints the links; of the message that `message_ids` has for the row, else of its own message.
        message_ids: a column or sequence of as many numbers, texts or UUIDs. A text that is a number or a UUID in its
            canonical form counts as one, as in the command.
        switches: see `Switches`.
        charset: label of the documents' encoding, for columns of bytes; text is UTF-8.
        outcomes: also return a column of texts, the `RowOutcome` of each row.
        links: also return a column of structs: the row's outcome and a list of its links. Costs as much as `scan`.
        threads: how many rows are rewritten at the same time. The result is in their order.

    Returns: a column of the same type (of a dictionary, that of its values); null stays null. It has more chunks than
    `htmls` where threads divide one, or where a chunk would grow beyond 2 GiB with 32-bit offsets.

    Documents of the encodings that can be judged by bytes are rewritten without holding the interpreter's lock. A row
    that needs Python, because `switches` has skip patterns or a link seems to be tracked already, takes as long as with
    `rewrite`.

    Raises: TypeError and ValueError for arguments; the text names the argument.
    """
    _check_arguments(tracker, switches, charset, threads)
    column = import_column("htmls", htmls, DOCUMENT_FORMATS, "text or bytes")
    label = "utf-8" if column.format in TEXT_FORMATS else charset
    ids = import_ids(message_ids, len(column), tracker)
    rewriter = RowRewriter(tracker, ids, switches, label, collect_links=links)
    result, extra = _rewrite_rows(column, ids, rewriter, threads=1 if links else threads)
    if links:
        return result, make_struct_column(extra, rewriter.links)
    return (result, make_outcome_column(extra)) if outcomes else result


def rewrite_message_column(
    raws: ArrowColumn,
    tracker: Tracker,
    *,
    message_ids: MessageIds | None = None,
    switches: Switches = DEFAULT_SWITCHES,
    outcomes: bool = False,
) -> Column | tuple[Column, Column]:
    """Replace the links in each raw mail of a column, as `rewrite_message` does with one.

    Args and result as for `rewrite_column`; `raws` is best a column of bytes, since a mail may be in any encoding.
    """
    _check_arguments(tracker, switches, "utf-8", 1)
    column = import_column("raws", raws, DOCUMENT_FORMATS, "text or bytes")
    ids = import_ids(message_ids, len(column), tracker)
    rewriter = MessageRewriter(tracker, ids, switches, "utf-8")
    result, extra = _rewrite_rows(column, ids, rewriter, threads=1)
    return (result, make_outcome_column(extra)) if outcomes else result


def scan_column(
    htmls: ArrowColumn,
    *,
    switches: Switches = DEFAULT_SWITCHES,
    charset: str = "utf-8",
    tracker: Tracker | None = None,
) -> Column:
    """List the links of each document of a column, as `scan` does with one: a column of lists of structs.

    A link is a struct of `index`, `outcome`, `destination`, `line`, `column`, `text`, `element`, `replacement` and
    `warning`, as `Link` describes them. `replacement` is null.
    """
    check_type("switches", switches, Switches, "Switches")
    check_type("tracker", tracker, (Tracker, type(None)), "a Tracker or None")
    Charset(charset)
    column = import_column("htmls", htmls, DOCUMENT_FORMATS, "text or bytes")
    label = "utf-8" if column.format in TEXT_FORMATS else charset
    chunks = []
    for chunk in column.chunks:
        rows: list[list[Link] | None] = []
        for row in range(len(chunk)):
            html = chunk.read(row)
            if isinstance(html, bytes):
                rows.append(list(scan(html, switches=switches, charset=label, links=tracker)))
            else:
                rows.append(None)
        chunks.append(make_link_lists(rows))
    return Column(make_link_lists([]), chunks)


def _check_arguments(tracker: Tracker, switches: Switches, charset: str, threads: int) -> None:
    check_type("tracker", tracker, Tracker, "a Tracker")
    check_type("switches", switches, Switches, "Switches")
    Charset(charset)
    check_type("threads", threads, int, "a number of threads")
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")


def _rewrite_rows(
    column: ImportedColumn, ids: ImportedColumn | None, rewriter: RowRewriter, *, threads: int
) -> tuple[Column, list[_arrow.TextRows]]:
    limit = MAX_CHUNK_BYTES.get(column.format, MAX_SHORT_CHUNK_BYTES)
    results = rewrite_ranges(rewriter.native, _align(column.chunks, ids), limit, threads)
    rows = [chunk for done in results for chunk in done.chunks if chunk.count]
    if column.is_single and len(rows) > 1 and sum(chunk.text.size for chunk in rows) <= limit:
        rows = [_arrow.join_rows(rows)]
    totals = [sum(numbers) for numbers in zip(*(done.counts for done in results), strict=True)]
    link_counts = {outcome: number for outcome, number in zip(OUTCOME_BY_NUMBER, totals, strict=False) if number}
    empty = make_texts([], column.format)
    return Column(empty, [chunk.to_array(column.format) for chunk in rows], link_counts), rows


def _align(chunks: list[_arrow.ForeignArray], ids: ImportedColumn | None) -> Iterator[_arrow.RowRange]:
    """Ranges of rows that lie in one chunk of documents and in one of message ids."""
    if ids is None:
        yield from (_arrow.RowRange(chunk, 0, len(chunk)) for chunk in chunks if len(chunk))
        return
    id_chunks = iter(ids.chunks)
    current, at = None, 0
    for chunk in chunks:
        row = 0
        while row < len(chunk):
            while current is None or at == len(current):
                current, at = next(id_chunks), 0
            count = min(len(chunk) - row, len(current) - at)
            yield _arrow.RowRange(chunk, row, row + count, current, at)
            row, at = row + count, at + count

"""Rewrites a column of CSV (RFC 4180), and no other byte: what is quoted stays quoted, and line ends stay.

The first record names the columns. The delimiter is the one that makes the column a column: a comma, a semicolon, a
tab or a bar.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from linkweir.bulk.document_io import UnreadableInput
from linkweir.bulk.tables.table_rows import MAX_ROW_BYTES, TOO_LARGE_ROW, TableRows

DELIMITERS = (b",", b";", b"\t", b"|")
_SPECIAL = re.compile(rb"[\",;\t|\r\n]")


class Field(NamedTuple):
    """A field: where its text stands, without quotes, and whether it has them; None: the quotes are malformed."""

    start: int
    end: int
    is_quoted: bool | None


class Record(NamedTuple):
    """A record, which ends behind its line end."""

    fields: list[Field]
    start: int
    end: int


class RecordParser:
    """Finds records in bytes."""

    def __init__(self, delimiter: bytes) -> None:
        mark = re.escape(delimiter)
        self._field = re.compile(
            rb'(?:"([^"]*+(?:""[^"]*+)*+)"|((?!")[^%b\r\n]*+)|"[^"]*+(?:""[^"]*+)*+"[^%b\r\n]*+)(%b|\r\n?+|\n|\Z)'
            % (mark, mark, mark)
        )

    def parse(self, data: bytes | bytearray, at: int, *, final: bool) -> Record | None:
        """The record that begins at `at`; None if its end is not there yet, or never. `final`: no more data comes."""
        fields: list[Field] = []
        start = at
        while (match := self._field.match(data, at)) is not None:
            which = 1 if match.start(1) >= 0 else 2
            if match.start(which) >= 0:
                fields.append(Field(*match.span(which), which == 1))
            else:
                fields.append(Field(match.start(), match.start(3), None))
            at = match.end()
            stop = data[match.start(3) : at]
            if at == len(data) and not final and stop not in (b"\n", b"\r\n"):
                return None
            if not stop or stop[0] in b"\r\n":
                return Record(fields, start, at)
        return None


def rewrite_csv(chunks: Iterable[bytes], rows: TableRows) -> Iterator[bytes]:
    """Yield the rewritten table, some records at a time. Rows are counted from 1, without the header.

    Raises UnreadableInput if the header does not have the columns.
    """
    source = iter(chunks)
    held = bytearray()
    column: _CsvColumn | None = None
    final = False
    while not final:
        final = not _fill(held, source)
        if column is None:
            if not final and len(held) <= MAX_ROW_BYTES and not _has_header(held):
                continue
            column = _CsvColumn(rows, held, final=final)
        done, used, is_cut = column.rewrite_records(held, final=final)
        yield done
        del held[:used]
        if is_cut:
            yield bytes(held)
            yield from source
            return


def _fill(held: bytearray, source: Iterator[bytes]) -> bool:
    """Read at least as much as there is, so that a large record is searched few times; False at the end."""
    wanted = max(2 * len(held), 1)
    for chunk in source:
        held += chunk
        if len(held) >= wanted:
            return True
    return False


def _has_header(held: bytearray) -> bool:
    """Whether the first record is there as a whole, whatever the delimiter."""
    return all(RecordParser(delimiter).parse(held, 0, final=False) for delimiter in DELIMITERS)


class _CsvColumn:
    def __init__(self, rows: TableRows, start: bytearray, *, final: bool) -> None:
        self._rows = rows
        self._number = 0
        self._parser, header = self._find_header(start, final=final)
        self._width = len(header)
        self._html = self._find_column(header, rows.options.html_column)
        self._id = None if rows.options.id_column is None else self._find_column(header, rows.options.id_column)
        self._is_header = True

    def _find_header(self, start: bytearray, *, final: bool) -> tuple[RecordParser, list[str]]:
        at = len(BOM_UTF8) if start.startswith(BOM_UTF8) else 0
        first: tuple[RecordParser, list[str]] | None = None
        for delimiter in DELIMITERS:
            parser = RecordParser(delimiter)
            record = parser.parse(start, at, final=final)
            names = [_read(start, field).decode("utf-8", "replace") for field in record.fields] if record else []
            first = first or (parser, names)
            if self._rows.options.html_column in names:
                return parser, names
        assert first is not None
        return first

    def _find_column(self, header: list[str], name: str) -> int:
        if header.count(name) == 1:
            return header.index(name)
        there = ", ".join(map(repr, header[:20]))
        why = "occurs twice" if name in header else f"is missing; the header has {there or 'no columns'}"
        raise UnreadableInput(f"the column {name!r} {why}")

    def rewrite_records(self, held: bytearray, *, final: bool) -> tuple[bytes, int, bool]:
        """The rewritten records, how many bytes were used, and whether no more records can be found."""
        parts: list[bytes] = []
        at = 0
        if self._is_header and held.startswith(BOM_UTF8):
            parts.append(BOM_UTF8)
            at = len(BOM_UTF8)
        while at < len(held):
            record = self._parser.parse(held, at, final=final)
            if record is None:
                break
            parts += self._rewrite_record(held, record)
            at = record.end
        is_cut = at < len(held) and (final or len(held) - at > MAX_ROW_BYTES)
        if is_cut:
            self._number += 1
            self._rows.totals.row_count += 1
            self._rows.reject(self._number, "it has a quote that does not end" if final else TOO_LARGE_ROW)
        return b"".join(parts), at, is_cut

    def _rewrite_record(self, held: bytearray, record: Record) -> list[bytes]:
        whole = [bytes(held[record.start : record.end])]
        if self._is_header or (len(record.fields) == 1 and record.fields[0].start == record.fields[0].end):
            self._is_header = False  # or an empty line
            return whole
        self._number += 1
        self._rows.totals.row_count += 1
        field = record.fields[self._html] if self._html < len(record.fields) else None
        if len(record.fields) != self._width or field is None:
            self._rows.reject(self._number, f"it has {len(record.fields)} fields, and the header {self._width}")
            return whole
        if field.is_quoted is None:
            self._rows.reject(self._number, "something follows the quote that ends the document")
            return whole
        done = self._rows.rewrite(
            self._number, _read(held, field), self._read_id(held, record), self._rows.options.charset
        )
        if done is None:
            return whole
        quote = b"" if field.is_quoted or not _SPECIAL.search(done) else b'"'
        if field.is_quoted or quote:
            done = done.replace(b'"', b'""')
        return [bytes(held[record.start : field.start]), quote, done, quote, bytes(held[field.end : record.end])]

    def _read_id(self, held: bytearray, record: Record) -> str | None:
        if self._id is None:
            return None
        return _read(held, record.fields[self._id]).decode("utf-8", "replace")


def _read(data: bytearray, field: Field) -> bytes:
    text = bytes(data[field.start : field.end])
    return text.replace(b'""', b'"') if field.is_quoted else text

"""Rows as a file: CSV for spreadsheets, NDJSON for programs, Parquet for analysis; in pieces, with bounded memory.

A text in CSV that a spreadsheet would take for a formula gets an apostrophe in front: a destination, a user agent and
an attribute are written by strangers, and `=HYPERLINK(...)` must stay a text (CSV injection, OWASP).
"""

import codecs
import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from linkweir.clock import rfc3339
from linkweir.error_hints import explain_missing_package
from linkweir.errors import UnsupportedRequest, ValidationError

ColumnType = Literal["text", "texts", "whole", "number", "time", "bool"]
ColumnTypes = Mapping[str, ColumnType]
ExportRow = Mapping[Any, Any]
FORMULA_PREFIXES: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - wide forms count too
ROWS_PER_CHUNK: Final = 500  # rows in one piece of text
ROWS_PER_ROW_GROUP: Final = 10_000  # rows in one row group of Parquet: all that is held in memory


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format by its name, media type and end of file name."""

    name: str
    media_type: str
    suffix: str


FORMATS: Final = {
    format.name: format
    for format in (
        ExportFormat("csv", "text/csv; charset=utf-8", ".csv"),
        ExportFormat("excel", "text/csv; charset=utf-8", ".csv"),
        ExportFormat("ndjson", "application/x-ndjson", ".ndjson"),
        ExportFormat("parquet", "application/vnd.apache.parquet", ".parquet"),
    )
}


def parse_format(name: str) -> ExportFormat:
    """The format. Raises ValidationError, and UnsupportedRequest for Parquet without its package."""
    if name not in FORMATS:
        raise ValidationError("format", "must be one of " + ", ".join(FORMATS))
    if name == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ModuleNotFoundError as error:
            raise UnsupportedRequest("format", explain_missing_package(error.name or "pyarrow")) from None
    return FORMATS[name]


def export_chunks(rows: Iterable[ExportRow], columns: ColumnTypes, export_format: ExportFormat) -> Iterator[bytes]:
    """The file, piece by piece; rows are asked for as they are needed. Times in `rows` are microseconds since 1970."""
    text_formats = {"csv": _csv_chunks, "excel": _excel_chunks, "ndjson": _ndjson_chunks}
    return text_formats.get(export_format.name, _parquet_chunks)(rows, columns)


def _csv_chunks(rows: Iterable[ExportRow], columns: ColumnTypes) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(columns)
    for some in _batch_rows(rows, ROWS_PER_CHUNK):
        writer.writerows([_csv_cell(row[name], kind) for name, kind in columns.items()] for row in some)
        yield _drain(text)
    if text.tell():
        yield _drain(text)


def _excel_chunks(rows: Iterable[ExportRow], columns: ColumnTypes) -> Iterator[bytes]:
    """CSV with a byte order mark, without which Excel reads it in the code page of its machine."""
    yield from itertools.chain([codecs.BOM_UTF8], _csv_chunks(rows, columns))


def _drain(file: io.StringIO | io.BytesIO) -> bytes:
    """Take out what was written since the last time."""
    data = file.getvalue()
    file.seek(0)
    file.truncate()
    return data if isinstance(data, bytes) else data.encode("utf-8", "replace")


def _csv_cell(value: Any, kind: ColumnType) -> Any:
    if value is None:
        return ""
    if kind == "time":
        return rfc3339(value)
    if kind == "bool":
        return "true" if value else "false"
    if kind not in ("text", "texts"):
        return value
    text = (str(value) if kind == "text" else ",".join(value)).replace("\0", "")
    return "'" + text if text.startswith(FORMULA_PREFIXES) else text


def _ndjson_chunks(rows: Iterable[ExportRow], columns: ColumnTypes) -> Iterator[bytes]:
    for some in _batch_rows(rows, ROWS_PER_CHUNK):
        yield b"".join(orjson.dumps(_ndjson_row(row, columns)) + b"\n" for row in some)


def _ndjson_row(row: ExportRow, columns: ColumnTypes) -> dict[str, Any]:
    times = {name for name, kind in columns.items() if kind == "time"}
    return {
        name: rfc3339(row[name]) if name in times and row[name] is not None else _to_json_value(row[name], kind)
        for name, kind in columns.items()
    }


def _to_json_value(value: Any, kind: ColumnType) -> Any:
    return str(value) if kind == "text" and value is not None else value


def _parquet_chunks(rows: Iterable[ExportRow], columns: ColumnTypes) -> Iterator[bytes]:
    import pyarrow as arrow
    from pyarrow.parquet import ParquetWriter

    types = {
        **{
            "text": arrow.string(),
            "texts": arrow.list_(arrow.string()),
            "whole": arrow.int64(),
            "number": arrow.float64(),
            "bool": arrow.bool_(),
        },
        "time": arrow.timestamp("us", tz="UTC"),
    }
    schema = arrow.schema([(name, types[kind]) for name, kind in columns.items()])
    file = io.BytesIO()  # emptied as it grows: the writer counts by itself where in the file it is
    with ParquetWriter(file, schema) as writer:
        for some in _batch_rows(rows, ROWS_PER_ROW_GROUP):
            values = {name: [_to_json_value(row[name], kind) for row in some] for name, kind in columns.items()}
            writer.write_table(arrow.table(values, schema=schema))
            yield _drain(file)
    yield _drain(file)


def _batch_rows(rows: Iterable[ExportRow], size: int) -> Iterator[list[ExportRow]]:
    waiting = iter(rows)
    while some := list(itertools.islice(waiting, size)):
        yield some

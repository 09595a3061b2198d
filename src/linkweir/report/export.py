"""Rows as a file: CSV for spreadsheets, NDJSON for programs, Parquet for analysis; in pieces, with bounded memory.

A text in CSV that a spreadsheet would take for a formula gets an apostrophe in front: a destination, a user agent and
an attribute are written by strangers, and `=HYPERLINK(...)` must stay a text (CSV injection, OWASP).
"""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson

from linkweir.errors import BadInput, NotSupported

Kind = Literal["text", "texts", "whole", "number", "time", "bool"]
Columns = Mapping[str, Kind]
Row = Mapping[Any, Any]
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - wide forms count too
LINES: Final = 500  # rows in one piece of text
GROUP: Final = 10_000  # rows in one row group of Parquet: all that is held in memory


@dataclass(frozen=True, slots=True)
class Format:
    """A format by its name, media type and end of file name."""

    name: str
    media: str
    suffix: str


FORMATS: Final = {
    one.name: one
    for one in (
        Format("csv", "text/csv; charset=utf-8", ".csv"),
        Format("ndjson", "application/x-ndjson", ".ndjson"),
        Format("parquet", "application/vnd.apache.parquet", ".parquet"),
    )
}


def format_named(name: str) -> Format:
    """The format. Raises BadInput, and NotSupported for Parquet without its package."""
    if name not in FORMATS:
        raise BadInput("format", "must be one of " + ", ".join(FORMATS))
    if name == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ModuleNotFoundError:
            reason = "parquet needs a package that is not installed here: pip install 'linkweir[parquet]'"
            raise NotSupported("format", reason) from None
    return FORMATS[name]


def pieces(rows: Iterable[Row], columns: Columns, wanted: Format) -> Iterator[bytes]:
    """The file, piece by piece; rows are asked for as they are needed. Times in `rows` are microseconds since 1970."""
    write = {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet}[wanted.name]
    return write(rows, columns)


def _csv(rows: Iterable[Row], columns: Columns) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(columns)
    for some in _parts(rows, LINES):
        writer.writerows([_cell(row[name], kind) for name, kind in columns.items()] for row in some)
        yield _taken(text)
    if text.tell():
        yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    data = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return data


def _cell(value: Any, kind: Kind) -> Any:
    if value is None:
        return ""
    if kind == "time":
        return _time(value)
    if kind == "bool":
        return "true" if value else "false"
    if kind not in ("text", "texts"):
        return value
    text = (str(value) if kind == "text" else ",".join(value)).replace("\0", "")
    return "'" + text if text.startswith(FORMULA) else text


def _ndjson(rows: Iterable[Row], columns: Columns) -> Iterator[bytes]:
    for some in _parts(rows, LINES):
        yield b"".join(orjson.dumps(_plain(row, columns)) + b"\n" for row in some)


def _plain(row: Row, columns: Columns) -> dict[str, Any]:
    times = {name for name, kind in columns.items() if kind == "time"}
    return {
        name: _time(row[name]) if name in times and row[name] is not None else _value(row[name], kind)
        for name, kind in columns.items()
    }


def _value(value: Any, kind: Kind) -> Any:
    return str(value) if kind == "text" and value is not None else value


def _time(at: int) -> str:
    moment = datetime.fromtimestamp(at // 1_000_000, UTC).replace(microsecond=at % 1_000_000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _parquet(rows: Iterable[Row], columns: Columns) -> Iterator[bytes]:
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
    sink = _Sink()
    with ParquetWriter(sink, schema) as writer:
        for some in _parts(rows, GROUP):
            values = {name: [_value(row[name], kind) for row in some] for name, kind in columns.items()}
            writer.write_table(arrow.table(values, schema=schema))
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file that is read away while it is written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Keep a copy until it is taken."""
        self._pieces.append(bytes(data))
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        """How much was written in all: Parquet's footer says where everything is."""
        return self._size

    def taken(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def _parts(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while some := list(itertools.islice(waiting, size)):
        yield some

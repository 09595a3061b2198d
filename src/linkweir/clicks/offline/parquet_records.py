"""Recorded clicks in Parquet files and Arrow tables, read and written in row groups. Needs pyarrow.

A file that is written has the documented fields of a click, its verdict, and in `other` whatever else a record held, as
JSON.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import IO, Any, Self

import orjson

from linkweir.clicks.offline.recorded_click import InvalidClick, parse_time

ROWS_PER_BATCH = 5000
_PLAIN_FIELDS = ("message", "link", "method", "http", "ip", "user_agent", "kind", "label", "recipient")


def is_parquet(start: bytes) -> bool:
    """Whether a file that begins with these bytes is Parquet."""
    return start.startswith(b"PAR1")


def iter_parquet_rows(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any], bytes]]:
    """The rows of a Parquet file with their numbers from 1, and as JSON. Raises InvalidClick for what is no Parquet."""
    import pyarrow
    from pyarrow import parquet

    number = 0
    try:
        for batch in parquet.ParquetFile(file).iter_batches(ROWS_PER_BATCH):
            for row in batch.to_pylist():
                number += 1
                fields = drop_nulls(row)
                yield number, fields, orjson.dumps(fields, default=str, option=orjson.OPT_UTC_Z)
    except (pyarrow.ArrowException, OSError) as error:
        raise InvalidClick(f"can't read the Parquet file: {error}") from None


def drop_nulls(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of Arrow as a record: without nulls, and headers as an object, which Arrow has as pairs or a struct."""
    fields = {name: value for name, value in row.items() if value is not None}
    headers = fields.get("headers")
    if isinstance(headers, list):
        headers = dict(headers)
    if isinstance(headers, dict):
        fields["headers"] = {name: value for name, value in headers.items() if value is not None}
    return fields


class ParquetSink(io.RawIOBase):
    """A file that can only be appended to, as Parquet's writer wants to see it."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Pass the bytes on."""
        self._write(bytes(data))
        return len(data)


class ParquetVerdictWriter:
    """Writes records with their verdicts, for `with`, by row groups. `as_they_came`: with first verdicts."""

    def __init__(self, sink: Any, *, as_they_came: bool) -> None:
        import pyarrow
        from pyarrow.parquet import ParquetWriter

        text, moment = pyarrow.string(), pyarrow.timestamp("us", tz="UTC")
        columns = [
            *(("at", moment), ("delivered_at", moment), ("links", pyarrow.int64()), ("secure", pyarrow.bool_())),
            *((name, text) for name in _PLAIN_FIELDS),
            ("headers", pyarrow.map_(text, text)),
            ("other", text),
            *verdict_columns(as_they_came=as_they_came),
        ]
        self._schema = pyarrow.schema(columns)
        self._writer = ParquetWriter(sink, self._schema)
        self._rows: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
            self._writer.close()

    def write(self, record: bytes, verdict: Mapping[str, Any], *, is_click: bool) -> None:
        """Add a record; `is_click`: whether its fields are those of a click, and not a provider's."""
        fields = orjson.loads(record)
        row = _to_row(fields) if is_click else {}
        row["other"] = orjson.dumps(fields).decode() if fields else None
        self._rows.append({**row, **verdict})
        if len(self._rows) >= ROWS_PER_BATCH:
            self._flush()

    def _flush(self) -> None:
        import pyarrow

        self._writer.write_table(pyarrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows.clear()


def verdict_columns(*, as_they_came: bool) -> list[tuple[str, Any]]:
    """Names and Arrow types of what is added to a click."""
    import pyarrow

    types = {
        "verdict": pyarrow.string(),
        "confidence": pyarrow.float64(),
        "p_machine": pyarrow.float64(),
        "reasons": pyarrow.list_(pyarrow.string()),
    }
    first = [(f"first_{name}", kind) for name, kind in types.items()]
    return [*types.items(), *(first if as_they_came else [])]


def _to_row(fields: dict[str, Any]) -> dict[str, Any]:
    """The columns of a record that was accepted, taken out of its fields."""
    row: dict[str, Any] = {
        name: parse_time(fields.pop(name), name) for name in ("at", "delivered_at") if fields.get(name)
    }
    row |= {name: str(fields.pop(name)) for name in _PLAIN_FIELDS if fields.get(name) is not None}
    links = fields.pop("links", None)
    row["links"] = len(links) if isinstance(links, list) else links
    row["secure"] = fields.pop("secure", None)
    headers = fields.pop("headers", None)
    if isinstance(headers, dict):
        row["headers"] = [
            (name, ", ".join(text) if isinstance(text, list) else text or "") for name, text in headers.items()
        ]
    return row

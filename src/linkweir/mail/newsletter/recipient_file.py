"""Recipients from CSV, NDJSON and Parquet, one by one; what cannot be read is an error of its row."""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from linkweir.bulk.document_io import InputFile, UnreadableInput
from linkweir.bulk.tables import table_format
from linkweir.bulk.tables.table_format import TableFormat
from linkweir.bulk.tables.table_rows import MAX_ROW_BYTES

BATCH_ROWS = 1000
_MAGIC_BYTES = 4


class RecipientRow(NamedTuple):
    """A row, by its number from 1: its values, or what is wrong with it; `share`: how much of the file was read."""

    number: int
    values: dict[str, Any] | None
    problem: str = ""
    share: float = 0.0


def iter_recipients(path: str, format_: TableFormat, size: int) -> Iterator[RecipientRow]:
    """Yield the rows of a file of `size` bytes. Raises UnreadableInput and OSError."""
    if format_ == "parquet":
        yield from _iter_parquet(path)
        return
    with InputFile(path) as source:
        start = source.read_prefix(_MAGIC_BYTES)
        compression = table_format.compression_of_bytes(start)
        chunks = table_format.decompress(_iter_chunks(start, source), compression)
        rows = _iter_ndjson(chunks) if format_ == "ndjson" else _iter_csv(chunks)
        for row in rows:
            yield row._replace(share=min(source.offset / size, 1.0) if size else 0.0)


def _iter_chunks(start: bytes, source: InputFile) -> Iterator[bytes]:
    if start:
        yield start
    while data := source.read():
        yield data


def _iter_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their line feeds. Raises UnreadableInput for one that is too long."""
    held = b""
    for chunk in chunks:
        lines = (held + chunk).split(b"\n") if held else chunk.split(b"\n")
        held = lines.pop()
        for line in lines:
            yield line + b"\n"
        if len(held) > MAX_ROW_BYTES:
            raise UnreadableInput(f"a line is longer than {MAX_ROW_BYTES >> 20} MiB")
    if held:
        yield held


def _iter_ndjson(chunks: Iterable[bytes]) -> Iterator[RecipientRow]:
    """A row's number is that of its line; empty lines are none."""
    for number, line in enumerate(_iter_lines(chunks), 1):
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not text.strip():
            continue
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield RecipientRow(number, None, f"no JSON: {error}")
            continue
        if isinstance(values, dict):
            yield RecipientRow(number, values)
        else:
            yield RecipientRow(number, None, "no JSON object")


def _iter_csv(chunks: Iterable[bytes]) -> Iterator[RecipientRow]:
    """All values are texts. The delimiter is the one of `,;|` and tab that the header has most of."""
    csv.field_size_limit(MAX_ROW_BYTES)
    lines = (line.decode("utf-8-sig" if first else "utf-8") for first, line in _mark_first(_iter_lines(chunks)))
    try:
        header = next(lines, "")
        delimiter = max(",;\t|", key=header.count)
        reader = csv.reader(_chain(header, lines), delimiter=delimiter, strict=True)
        names = next(reader, [])
        for number, fields in enumerate(filter(None, reader), 1):
            if len(fields) == len(names):
                yield RecipientRow(number, dict(zip(names, fields, strict=True)))
            else:
                yield RecipientRow(number, None, f"it has {len(fields)} fields, and the header {len(names)}")
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnreadableInput(f"can't read the CSV file: {error}") from None


def _mark_first(lines: Iterable[bytes]) -> Iterator[tuple[bool, bytes]]:
    first = True
    for line in lines:
        yield first, line
        first = False


def _chain(header: str, lines: Iterator[str]) -> Iterator[str]:
    yield header
    yield from lines


def _iter_parquet(path: str) -> Iterator[RecipientRow]:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        file = ParquetFile(path)
        total = max(1, file.metadata.num_rows)
        for batch in file.iter_batches(BATCH_ROWS):
            for values in batch.to_pylist():
                number += 1
                yield RecipientRow(
                    number, {name: _to_json(value) for name, value in values.items()}, "", number / total
                )
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UnreadableInput(f"can't read the Parquet file: {error}") from None


def _to_json(value: Any) -> Any:
    """A value as it would come by the API: times and decimals are texts."""
    return (
        value if value is None or isinstance(value, str | int | float) else json.loads(json.dumps(value, default=str))
    )

"""Rewrites a column of a Parquet file by record batches, in C; other columns go through as they are. Needs pyarrow.

A file is read and written column by column in row groups of bounded size; compression, dictionaries, types, metadata
and the order of rows stay those of the source.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from linkweir.arrow import RowOutcome, rewrite_column
from linkweir.bulk.document_io import UnreadableInput
from linkweir.bulk.tables.table_format import ByteCollector
from linkweir.bulk.tables.table_rows import TableRows

if TYPE_CHECKING:
    import pyarrow

BATCH_BYTES = 16 << 20  # of a batch, uncompressed, as far as the averages of its row group tell
MAX_BATCH_ROWS = 65_536
_REASONS = {
    RowOutcome.ENCODING: "its encoding can't be judged by bytes",
    RowOutcome.MESSAGE_ID: "its message id is missing, or cannot stand in a link",
    RowOutcome.TOO_LARGE: "rewritten, the column's type could not hold it",
}


def rewrite_parquet(source: Any, rows: TableRows) -> Iterator[tuple[bytes, float]]:
    """Yield the new file in pieces, each with the share of rows that are done.

    `source`: a path, or a file that can be read anywhere. Raises UnreadableInput.
    """
    import pyarrow

    try:
        yield from _ParquetColumn(source, rows).rewrite()
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UnreadableInput(f"can't read the Parquet file: {error}") from None


class _ParquetColumn:
    def __init__(self, source: Any, rows: TableRows) -> None:
        from pyarrow.parquet import ParquetFile

        self._rows = rows
        self._file = ParquetFile(source, pre_buffer=False, buffer_size=1 << 20)
        self._schema = self._file.schema_arrow
        self._html = self._find_column(rows.options.html_column)
        if rows.trackers.has_ids and rows.options.id_column is not None:
            self._find_column(rows.options.id_column)
        self._first = 1  # the number of a batch's first row
        self._rejected: list[tuple[int, str]] = []  # of a batch

    def _find_column(self, name: str) -> int:
        names = self._schema.names
        if names.count(name) == 1:
            return int(names.index(name))
        why = "occurs twice" if name in names else f"is missing; there are {', '.join(map(repr, names[:20])) or 'none'}"
        raise UnreadableInput(f"the column {name!r} {why}")

    def rewrite(self) -> Iterator[tuple[bytes, float]]:
        from pyarrow.parquet import ParquetWriter

        output = ByteCollector()
        metadata = self._file.metadata
        with ParquetWriter(output, self._schema, **self._writer_options()) as writer:
            for group in range(metadata.num_row_groups):
                for batch in self._file.iter_batches(self._batch_rows(group), row_groups=[group]):
                    writer.write_batch(self._rewrite_batch(batch))
                    self._first += len(batch)
                    yield output.take(), (self._first - 1) / metadata.num_rows
        yield output.take(), 1.0

    def _batch_rows(self, group: int) -> int:
        info = self._file.metadata.row_group(group)
        average = max(1, info.total_byte_size // max(1, info.num_rows))
        return int(max(1, min(MAX_BATCH_ROWS, BATCH_BYTES // average)))

    def _writer_options(self) -> dict[str, Any]:
        """What the source has, as far as its first row group tells."""
        metadata = self._file.metadata
        if not metadata.num_row_groups or not metadata.num_columns:
            return {}
        group = metadata.row_group(0)
        columns = [group.column(i) for i in range(metadata.num_columns)]
        return {
            "compression": {column.path_in_schema: _to_codec(column.compression) for column in columns},
            "use_dictionary": [column.path_in_schema for column in columns if column.has_dictionary_page],
            "use_deprecated_int96_timestamps": any(column.physical_type == "INT96" for column in columns),
            "sorting_columns": group.sorting_columns or None,
        }

    def _rewrite_batch(self, batch: "pyarrow.RecordBatch") -> "pyarrow.RecordBatch":
        import pyarrow

        rows, field = self._rows, self._schema.field(self._html)
        rows.totals.row_count += len(batch)
        try:
            tracked = self._rewrite_each(batch) if rows.options.report else self._rewrite_rows(batch)
        except TypeError as error:
            raise UnreadableInput(self._explain(error)) from None
        for number, reason in sorted(self._rejected):
            rows.reject(number, reason)
        self._rejected.clear()
        column = tracked.combine_chunks() if isinstance(tracked, pyarrow.ChunkedArray) else tracked
        if isinstance(column, pyarrow.ChunkedArray):
            raise UnreadableInput(f"the column {field.name!r} has more text in one batch than its type can hold")
        return batch.set_column(self._html, field, column if column.type == field.type else column.cast(field.type))

    def _explain(self, error: TypeError) -> str:
        options = self._rows.options
        name = options.id_column if str(error).startswith("message_ids") else options.html_column
        return f"the column {name!r} cannot be used: {str(error).partition(' must be ')[2] or error}"

    def _rewrite_rows(self, batch: "pyarrow.RecordBatch") -> Any:
        """The rewritten column of a batch; notes what became of its rows."""
        import pyarrow
        from pyarrow import compute

        options = self._rows.options
        column, extra = rewrite_column(
            batch.column(self._html),
            self._rows.trackers.base,
            message_ids=self._find_ids(batch),
            switches=options.switches,
            charset=options.charset,
            outcomes=True,
            threads=options.threads,
        )
        self._rows.totals.add_counts(column.link_counts)
        outcomes = pyarrow.chunked_array(extra)
        for outcome, reason in _REASONS.items():
            for i in compute.indices_nonzero(compute.equal(outcomes, outcome.value)).to_pylist():
                self._rejected.append((self._first + i, reason))
        return pyarrow.chunked_array(column)

    def _find_ids(self, batch: "pyarrow.RecordBatch") -> Any:
        """The message ids as a column or list; None: all rows have the same."""
        import pyarrow

        trackers, options = self._rows.trackers, self._rows.options
        if trackers.is_shared:
            return None
        if not trackers.has_ids or options.id_column is None:
            return trackers.list_ids(self._first, len(batch))
        values = batch.column(options.id_column)
        return values.storage if isinstance(values, pyarrow.ExtensionArray) else values

    def _rewrite_each(self, batch: "pyarrow.RecordBatch") -> Any:
        """The same row by row, which knows the offsets of links."""
        import pyarrow

        htmls = batch.column(self._html)
        if isinstance(htmls.type, pyarrow.DictionaryType):
            htmls = htmls.dictionary_decode()
        is_text = _is_text(htmls.type)
        if not is_text and not _is_binary(htmls.type):
            raise TypeError(f"htmls must be text or bytes, not {htmls.type}")
        ids = [None] * len(batch)
        if self._rows.trackers.has_ids and self._rows.options.id_column is not None:
            ids = batch.column(self._rows.options.id_column).to_pylist()
        charset = "utf-8" if is_text else self._rows.options.charset
        values: list[str | bytes | None] = htmls.to_pylist()
        for i, (value, identity) in enumerate(zip(values, ids, strict=True)):
            if value is not None:
                html = value.encode() if isinstance(value, str) else value
                done = self._rows.rewrite(self._first + i, html, identity, charset)
                if done is not None:
                    values[i] = done.decode() if is_text else done
        return pyarrow.array(values, htmls.type)


def _to_codec(name: str) -> str:
    """A codec as the writer calls it."""
    return {"UNCOMPRESSED": "none", "LZ4_RAW": "lz4"}.get(name, name.lower())


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_binary(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))

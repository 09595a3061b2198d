"""Rewrites one table, in whichever format, from an open file."""

import tempfile
from collections.abc import Iterator

from linkweir.bulk.document_io import CHUNK_BYTES, InputFile
from linkweir.bulk.file_list import FileJob
from linkweir.bulk.tables import table_format
from linkweir.bulk.tables.csv_table import rewrite_csv
from linkweir.bulk.tables.ndjson_table import rewrite_ndjson
from linkweir.bulk.tables.parquet_table import rewrite_parquet
from linkweir.bulk.tables.table_rows import TableRows
from linkweir.terminal.text import STDIN

_MAGIC_BYTES = 4


def rewrite_table(source: InputFile, job: FileJob, rows: TableRows) -> Iterator[bytes]:
    """Yield the new table in pieces. It is compressed as the name of its target says; standard output as the source is.

    Raises UnreadableInput.
    """
    if job.kind == "parquet":
        yield from _rewrite_parquet_file(source, job, rows)
        return
    start = source.read_prefix(_MAGIC_BYTES)
    compression = table_format.compression_of_bytes(start)
    chunks = table_format.decompress(_iter_chunks(start, source), compression)
    done = rewrite_ndjson(chunks, rows) if job.kind == "ndjson" else rewrite_csv(chunks, rows)
    after = compression if job.target is None else table_format.compression_of_name(job.target)
    yield from table_format.compress(done, after)


def _iter_chunks(start: bytes, source: InputFile) -> Iterator[bytes]:
    if start:
        yield start
    while data := source.read(CHUNK_BYTES):
        yield data


def _rewrite_parquet_file(source: InputFile, job: FileJob, rows: TableRows) -> Iterator[bytes]:
    """A file is read where it is; what comes as a stream goes to a temporary file first, since its index is its end."""
    if source.is_regular and job.source != STDIN:
        for data, share in rewrite_parquet(job.source, rows):
            source.offset = round(job.size * share)
            yield data
        return
    with tempfile.TemporaryFile() as spool:
        while data := source.read(CHUNK_BYTES):
            spool.write(data)
        spool.seek(0)
        for data, _ in rewrite_parquet(spool, rows):
            yield data

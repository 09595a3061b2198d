"""Answers that are files: a format instead of JSON, sent in pieces as they are made."""

import itertools
from collections.abc import Iterable

from starlette.responses import StreamingResponse

from linkweir.stats.export import ColumnTypes, ExportFormat, ExportRow, export_chunks


def file_response(
    rows: Iterable[ExportRow], columns: ColumnTypes, export_format: ExportFormat, name: str
) -> StreamingResponse:
    """The rows as a file to save. The first piece is made at once, so that what fails then has its own status."""
    chunks = export_chunks(rows, columns, export_format)
    first = next(chunks, b"")
    headers = {
        "Content-Disposition": f'attachment; filename="{name}{export_format.suffix}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(itertools.chain([first], chunks), headers=headers, media_type=export_format.media_type)

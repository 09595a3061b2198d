"""Answers that are files: a format instead of JSON, sent in pieces as they are made."""

import itertools
from collections.abc import Iterable

from starlette.responses import StreamingResponse

from linkweir.report.export import Columns, Format, Row, pieces


def file(rows: Iterable[Row], columns: Columns, wanted: Format, name: str) -> StreamingResponse:
    """The rows as a file to save. The first piece is made at once, so that what fails then has its own status."""
    made = pieces(rows, columns, wanted)
    first = next(made, b"")
    headers = {
        "Content-Disposition": f'attachment; filename="{name}{wanted.suffix}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(itertools.chain([first], made), headers=headers, media_type=wanted.media)

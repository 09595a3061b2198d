"""JSON answers and the times in them."""

from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.responses import Response


class JSONResponse(Response):
    """An answer in JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Bytes go out as they are, everything else as JSON."""
        return content if isinstance(content, bytes) else orjson.dumps(content)


def rfc3339(at: int | None) -> str | None:
    """Microseconds since 1970 as RFC 3339 in UTC, with six digits of a second."""
    if at is None:
        return None
    moment = datetime.fromtimestamp(at // 1_000_000, UTC).replace(microsecond=at % 1_000_000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

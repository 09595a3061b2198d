"""JSON responses."""

from typing import Any

import msgspec
from starlette.responses import Response


class JSONResponse(Response):
    """An answer in JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Bytes go out as they are, everything else as JSON."""
        return content if isinstance(content, bytes) else msgspec.json.encode(content)

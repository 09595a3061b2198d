"""One operation of the API, and the words that several share."""

from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

ACCOUNT = "/v2/accounts/{account_id}"
TEXT = {"type": "string"}
TIME = {"type": "string", "format": "date-time"}
TEXTS = {"type": "array", "items": TEXT}
PAGES = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 100},
    "after": TEXT,
    "before": TEXT,
    "cursor": {**TEXT, "description": "The same as `after`, by its older name"},
}
FLAG = {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `listed`: the answer is a list of `gives`, with pages when `pages`; `files`: or a file, in one of
    the formats of exports, and nothing else when `gives` is None.
    """

    method: str
    path: str
    summary: str
    gives: type[Struct] | None
    status: int = 200
    takes: type[Struct] | None = None
    scope: str = ""
    listed: bool = False
    pages: bool = False
    query: dict[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()  # names of `query` that must be given
    files: bool = False
    errors: tuple[int, ...] = (400, 401, 403, 404, 429, 503)
    own: bool = False

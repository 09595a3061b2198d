"""One operation of the API, and the words that several share."""

from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

ACCOUNT_PATH = "/v2/accounts/{account_id}"
STRING_SCHEMA = {"type": "string"}
TIME_SCHEMA = {"type": "string", "format": "date-time"}
STRING_LIST_SCHEMA = {"type": "array", "items": STRING_SCHEMA}
PAGE_PARAMETERS = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 100},
    "after": STRING_SCHEMA,
    "before": STRING_SCHEMA,
    "cursor": {**STRING_SCHEMA, "description": "The same as `after`, by its older name"},
}
BOOLEAN_SCHEMA = {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `listed`: the answer is a list of `gives`, with pages when `pages`; `files`: or a file, in one of
    the formats of exports, and nothing else when `gives` is None.
    """

    method: str
    path: str
    summary: str
    response: type[Struct] | None
    status: int = 200
    request: type[Struct] | None = None
    scope: str = ""
    is_list: bool = False
    is_paged: bool = False
    query: dict[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()  # names of `query` that must be given
    is_downloadable: bool = False
    errors: tuple[int, ...] = (400, 401, 403, 404, 429, 503)
    is_extension: bool = False

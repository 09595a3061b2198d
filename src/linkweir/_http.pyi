"""Types of the extension `linkweir._http`; their documentation is in ext/_http.pyx."""

from typing import Final, Literal

MAX_HEAD_BYTES: Final[int]

def parse_request_head(
    data: bytes,
) -> tuple[Literal["GET", "HEAD"], str, Literal["1.0", "1.1"], list[tuple[bytes, bytes]], bool, int] | None: ...

"""The one table from errors to answers: status, headers, and what the caller is told."""

import math

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from linkweir.edge.reply import JSON
from linkweir.errors import (
    AccessDenied,
    BadInput,
    Conflict,
    IdempotencyConflict,
    LinkweirError,
    NotAllowed,
    NotFound,
    NotSupported,
    StillRunning,
    StoreUnavailable,
    TooMany,
    TooMuch,
)

# error -> status, what is said instead of the error's own text, headers
TABLE: dict[type[Exception], tuple[int, str | None, dict[str, str]]] = {
    AccessDenied: (401, "the API key is missing or not valid here", {"WWW-Authenticate": "Bearer"}),
    NotAllowed: (403, None, {}),
    NotFound: (404, None, {}),
    Conflict: (409, None, {}),
    StillRunning: (409, None, {"Idempotent-Replayed": "false"}),
    TooMany: (429, "too many requests", {}),
    IdempotencyConflict: (422, None, {}),
    NotSupported: (422, None, {}),
    BadInput: (400, None, {}),
    TooMuch: (503, None, {"Retry-After": "1", "Connection": "close"}),
    StoreUnavailable: (503, "the message store does not answer; nothing was accepted", {"Retry-After": "5"}),
    LinkweirError: (500, "internal error", {}),
}


def answer(error: Exception) -> Response:
    """The answer for an error; every error of the API is `{"message": text}` and nothing else."""
    if isinstance(error, HTTPException):
        return JSON({"message": error.detail}, error.status_code, headers=error.headers)
    status, said, headers = next(
        (TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), (500, "internal error", {})
    )
    if isinstance(error, TooMany | StillRunning):
        headers = {**headers, "Retry-After": str(max(1, math.ceil(error.retry_after)))}
    return JSON({"message": said or str(error)}, status, headers=headers)


async def _handle(request: Request, error: Exception) -> Response:
    response = answer(error)
    if response.status_code >= 500:
        log = request.app.state.linkweir.log
        log.error("request.failed", kind=type(error).__name__, exc_info=error)
    return response


HANDLERS: dict[int | type[Exception], ExceptionHandler] = {
    LinkweirError: _handle,
    HTTPException: _handle,
}

"""Maps errors to responses, in one table: status, headers, and message for the client."""

import math

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from linkweir.errors import (
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    IdempotencyConflict,
    LinkweirError,
    NotFound,
    OverCapacity,
    RateLimited,
    RequestInProgress,
    Unauthorized,
    UnstorableData,
    UnsupportedRequest,
    ValidationError,
)
from linkweir.web.json_response import JSONResponse

# error -> status, what is said instead of the error's own text, headers
RESPONSE_BY_ERROR: dict[type[Exception], tuple[int, str | None, dict[str, str]]] = {
    Unauthorized: (401, "the API key is missing or not valid here", {"WWW-Authenticate": "Bearer"}),
    Forbidden: (403, None, {}),
    NotFound: (404, None, {}),
    Conflict: (409, None, {}),
    RequestInProgress: (409, None, {"Idempotent-Replayed": "false"}),
    RateLimited: (429, "too many requests", {}),
    IdempotencyConflict: (422, None, {}),
    UnsupportedRequest: (422, None, {}),
    ValidationError: (400, None, {}),
    OverCapacity: (503, None, {"Retry-After": "1", "Connection": "close"}),
    DatabaseUnavailable: (503, "the database is not available; nothing was accepted", {"Retry-After": "5"}),
    UnstorableData: (400, "a text cannot be stored: it is too long, or holds U+0000", {}),
    LinkweirError: (500, "internal error", {}),
}


def error_response(error: Exception) -> Response:
    """The answer for an error; every error of the API is `{"message": text}` and nothing else."""
    if isinstance(error, HTTPException):
        return JSONResponse({"message": error.detail}, error.status_code, headers=error.headers)
    status, message, headers = next(
        (RESPONSE_BY_ERROR[kind] for kind in type(error).__mro__ if kind in RESPONSE_BY_ERROR),
        (500, "internal error", {}),
    )
    if isinstance(error, RateLimited | RequestInProgress):
        headers = {**headers, "Retry-After": str(max(1, math.ceil(error.retry_after)))}
    return JSONResponse({"message": message or str(error)}, status, headers=headers)


async def _handle_error(request: Request, error: Exception) -> Response:
    response = error_response(error)
    if response.status_code >= 500:
        log = request.app.state.linkweir.log
        log.error("request.failed", kind=type(error).__name__, exc_info=error)
    return response


EXCEPTION_HANDLERS: dict[int | type[Exception], ExceptionHandler] = {
    LinkweirError: _handle_error,
    HTTPException: _handle_error,
}

"""`Idempotency-Key`: a repeated request gets the stored response and is not executed again.

Successes are stored, and errors that follow from the request alone (400). Other errors depend on what may have changed
by the next attempt: the key and its scopes (401, 403), limits (429), existing resources (404, 409) and the database
(5xx); after one of them the request may be repeated.
"""

import contextlib
import hashlib
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from linkweir.accounts.api_keys import ApiPrincipal
from linkweir.accounts.idempotency import IdempotentRequest
from linkweir.errors import ValidationError
from linkweir.web import error_responses
from linkweir.web.json_response import JSONResponse
from linkweir.web.services import AppServices

MAX_KEY_CHARACTERS = 255
DETERMINISTIC_ERRORS = (ValidationError,)  # the same request always fails in the same way


def to_idempotent_request(
    request: Request, services: AppServices, principal: ApiPrincipal, body: bytes
) -> IdempotentRequest:
    """Return the request with its Idempotency-Key; requests with equal path and body are the same request.

    Raises ValidationError.
    """
    key = request.headers.get("idempotency-key", "").strip() if request.method == "POST" else ""
    if len(key) > MAX_KEY_CHARACTERS:
        raise ValidationError("Idempotency-Key", f"has more than {MAX_KEY_CHARACTERS} characters")
    fingerprint = hashlib.sha256(f"{request.method} {request.scope['path']}\n".encode() + body).digest() if key else b""
    return IdempotentRequest(
        services.database,
        services.vault,
        services.process_lock,
        account=principal.account["id"],
        key=key,
        fingerprint=fingerprint,
    )


def run_once(request: IdempotentRequest, *, authorize: Callable[[], None], handler: Callable[[], Response]) -> Response:
    """Return the response of `handler`, or the stored one of an earlier equal request after `authorize`.

    Raises what `authorize` and `handler` raise.
    """
    if not request.key:
        authorize()
        return handler()
    earlier = request.start()
    if earlier is not None:
        with contextlib.suppress(ValidationError):  # the stored error is the response
            authorize()
        status, body = request.open_response(earlier)
        return JSONResponse(body, status, headers={"Idempotent-Replayed": "true"})
    try:
        authorize()
        response = handler()
    except DETERMINISTIC_ERRORS as error:
        response = error_responses.error_response(error)
        request.store_error(response.status_code, bytes(response.body))
    except BaseException:
        request.release()
        raise
    if not request.is_stored:  # nothing was executed that must not be repeated
        request.release()
    return response

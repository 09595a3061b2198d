"""Operations of the API and their requests: authentication, rate limits, body and idempotency."""

import contextlib
import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.accounts.api_keys import ApiPrincipal
from linkweir.accounts.idempotency import IdempotentRequest
from linkweir.api.v2 import query_parameters
from linkweir.errors import ValidationError
from linkweir.web import authentication, error_responses, request_body
from linkweir.web.json_response import JSONResponse
from linkweir.web.services import AppServices, services_from

S = TypeVar("S", bound=Struct)

ACCOUNT_PATH = "/v2/accounts/{account_id}"
CREATE_ERRORS = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
MAX_KEY_CHARACTERS = 255  # of an Idempotency-Key
DETERMINISTIC_ERRORS = (ValidationError,)  # the same request always fails in the same way
UPDATE_ERRORS = (400, 401, 403, 404, 413, 415, 429, 503)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One authenticated request; `idempotency` stores the response if the client sent an Idempotency-Key."""

    request: Request
    services: AppServices
    principal: ApiPrincipal
    raw_body: bytes
    idempotency: IdempotentRequest
    _decoded: dict[type[Struct], Any] = field(default_factory=dict)

    @property
    def account_id(self) -> uuid.UUID:
        """The id of the principal's account."""
        account_id: uuid.UUID = self.principal.account["id"]
        return account_id

    def parse_query(self, shape: type[S]) -> S:
        """Return the query parameters as `shape`. Raises ValidationError."""
        return query_parameters.parse_query(self.request.query_params, shape)

    def decode(self, shape: type[S]) -> S:
        """Return the body as `shape`, decoded once. Raises ValidationError."""
        if shape not in self._decoded:
            self._decoded[shape] = request_body.decode_body(self.raw_body, shape)
        decoded: S = self._decoded[shape]
        return decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: its handler and its description in the OpenAPI document.

    `is_per_domain`: the key needs `scope` for at least one domain, and the handler or `authorize` checks for which.
    `authorize` runs before a POST is executed and before a stored response is replayed. `response`: the struct of the
    response; `is_downloadable`: the response may be a file in an export format (always, if `response` is None).
    `endpoint` replaces `handler` where the API keys of v2 do not apply.
    """

    method: str
    path: str
    summary: str
    handler: Callable[[ApiRequest], Response | Struct] | None = None
    endpoint: Callable[[Request], Awaitable[Response]] | None = None
    authorize: Callable[[ApiRequest], None] = lambda _call: None
    scope: str = ""
    is_per_domain: bool = False
    has_statistics_limit: bool = False
    request: type[Struct] | None = None
    query: type[Struct] | None = None
    response: type[Struct] | None
    status: int = 200
    is_downloadable: bool = False
    errors: tuple[int, ...] = (400, 401, 403, 404, 429, 503)
    is_extension: bool = False

    @property
    def id(self) -> str:
        """The operation's id in the OpenAPI document, in logs and in metrics, such as `get__v2_accounts_account_id`."""
        return re.sub(r"\W+", "_", f"{self.method}_{self.path}").strip("_")


def to_route(operation: Operation) -> Route:
    """Return the route that serves the operation."""

    async def endpoint(request: Request) -> Response:
        return await _handle(request, operation)

    endpoint.__name__ = operation.id  # what logs and metrics call it
    return Route(operation.path, operation.endpoint or endpoint, methods=[operation.method.upper()])


async def _handle(request: Request, operation: Operation) -> Response:
    """Run the operation in a thread. Raises Unauthorized, Forbidden, RateLimited and what the handler raises."""
    services = services_from(request)
    principal = await authentication.authenticate(request, services)
    limits = services.statistics_limits if operation.has_statistics_limit else services.limits
    await services.consume_request(limits, principal.account["id"])
    scope = operation.scope
    principal.require(f"{scope.removesuffix(':all')}:any" if operation.is_per_domain else scope)
    if operation.request is None:
        return await services.run_blocking(lambda: _run(operation, request, services, principal, b""))
    with services.memory_budget.reserve() as held:
        body = await request_body.read_body(request, services.settings.max_body, held)
        return await services.run_blocking(lambda: _run(operation, request, services, principal, body))


def _run(
    operation: Operation, request: Request, services: AppServices, principal: ApiPrincipal, body: bytes
) -> Response:
    """Execute the operation, or return the stored response of an earlier equal request. Raises what it raises.

    Successes are stored, and errors that follow from the request alone (400). Other errors depend on what may have
    changed by the next attempt: the key and its scopes (401, 403), limits (429), existing resources (404, 409) and the
    database (5xx); after one of them the request may be repeated.
    """
    idempotency = _to_idempotent_request(request, services, principal, body)
    call = ApiRequest(request, services, principal, body, idempotency)
    if not idempotency.key:
        return _execute(operation, call)
    earlier = idempotency.start()
    if earlier is not None:
        with contextlib.suppress(ValidationError):  # the stored error is the response
            operation.authorize(call)
        status, stored = idempotency.open_response(earlier)
        return JSONResponse(stored, status, headers={"Idempotent-Replayed": "true"})
    try:
        response = _execute(operation, call)
    except DETERMINISTIC_ERRORS as error:
        response = error_responses.error_response(error)
        idempotency.store_error(response.status_code, bytes(response.body))
    except BaseException:
        idempotency.release()
        raise
    if not idempotency.is_stored:  # nothing was executed that must not be repeated
        idempotency.release()
    return response


def _to_idempotent_request(
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


def _execute(operation: Operation, call: ApiRequest) -> Response:
    operation.authorize(call)
    assert operation.handler is not None
    result = operation.handler(call)
    return result if isinstance(result, Response) else JSONResponse(result, operation.status)

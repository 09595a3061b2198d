"""`Idempotency-Key`: a request that is made again is answered again, and not carried out again.

The answer is remembered in the transaction that carries the request out, so that no crash comes between them.
Remembered are successes, and errors that follow from the request alone: it cannot be used (400, and 422 of a wish that
cannot be met). All others depend on what may have changed by the next try: the key and its scopes (401, 403), limits
(429), what exists (404, 409), and whether the store answers (5xx); after one of them the request may be made again.
"""

import contextlib
import hashlib
import math
import uuid
from collections.abc import Callable

from sqlalchemy import Connection, RowMapping
from starlette.requests import Request
from starlette.responses import Response

from linkweir.accounts.api_keys import ApiPrincipal
from linkweir.clock import DAY_US, now
from linkweir.db import idempotency_table
from linkweir.errors import IdempotencyConflict, RequestInProgress, ValidationError
from linkweir.web import error_responses
from linkweir.web.json_response import JSONResponse
from linkweir.web.services import AppServices

RESPONSE_TTL_US = DAY_US  # microseconds: a day
SECRET_RESPONSE_TTL_US = 300_000_000  # five minutes, for an answer that holds a secret
LEASE_US = 60_000_000  # after which a request that never had an answer may be made again
DETERMINISTIC_ERRORS = (ValidationError,)  # the same request fails the same way, whatever else has changed


class IdempotentRequest:
    """One request that should be carried out once; `keep` goes into the transaction that does it."""

    def __init__(self, services: AppServices, principal: ApiPrincipal, key: str | None, begun_at: int = 0) -> None:
        self._services = services
        self._begun_at = begun_at
        self._account = principal.account["id"]
        self._key = key
        self.is_stored = False

    def store_response(self, connection: Connection, status: int, body: bytes, *, secret: bool = False) -> None:
        """Remember the answer. Raises RequestInProgress, which rolls the transaction back, when this took longer than
        its lease and the same request has been made again meanwhile.
        """
        if self._key is None:
            return
        kept = idempotency_table.complete(
            connection,
            self._account,
            self._key,
            begun_at=self._begun_at,
            status=status,
            body=self._services.vault.seal(body) if secret else body,
            expires_at=now() + (SECRET_RESPONSE_TTL_US if secret else RESPONSE_TTL_US),
            sealed=secret,
        )
        if not kept:
            raise RequestInProgress(1)
        self.is_stored = True


def run_once(
    services: AppServices,
    principal: ApiPrincipal,
    request: Request,
    data: bytes,
    *,
    authorize: Callable[[], None],
    handler: Callable[[IdempotentRequest], Response],
) -> Response:
    """`handler`'s response, or that of the same request made before, which `authorize` lets only its owner have.
    Raises what `authorize` and `handler` raise.
    """
    key = request.headers.get("idempotency-key", "").strip()
    if not key:
        return handler(IdempotentRequest(services, principal, None))
    if len(key) > 255:
        raise ValidationError("Idempotency-Key", "has more than 255 characters")
    fingerprint = hashlib.sha256(f"{request.method} {request.scope['path']}\n".encode() + data).digest()
    account, moment = principal.account["id"], now()
    with services.store.write() as connection:
        earlier = idempotency_table.start(
            connection, account, key, fingerprint=fingerprint, now=moment, until=moment + LEASE_US
        )
    if earlier is not None:
        with contextlib.suppress(ValidationError):  # that is the earlier answer
            authorize()
        return _replay_response(services, earlier, fingerprint, moment)
    once = IdempotentRequest(services, principal, key, moment)
    try:
        response = handler(once)
        if not once.is_stored:  # a dry run: nothing was carried out that must not be done twice
            _release_key(services, account, key, moment)
        return response
    except DETERMINISTIC_ERRORS as error:
        response = error_responses.error_response(error)
        with services.store.write() as connection:
            once.store_response(connection, response.status_code, bytes(response.body))
        return response
    except BaseException:
        _release_key(services, account, key, moment)
        raise


def _release_key(services: AppServices, account: uuid.UUID, key: str, begun_at: int) -> None:
    with services.store.write() as connection:
        idempotency_table.discard(connection, account, key, begun_at)


def _replay_response(services: AppServices, row: RowMapping, fingerprint: bytes, moment: int) -> Response:
    if row["fingerprint"] != fingerprint:
        raise IdempotencyConflict("this Idempotency-Key was used for another request")
    if row["status"] == 0:
        raise RequestInProgress(math.ceil((row["expires_at"] - moment) / 1_000_000))
    body = services.vault.open(row["body"]) if row["sealed"] else row["body"]
    return JSONResponse(bytes(body), row["status"], headers={"Idempotent-Replayed": "true"})

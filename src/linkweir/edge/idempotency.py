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

from linkweir.edge import problems
from linkweir.edge.auth import SignedIn
from linkweir.edge.parts import Parts, now
from linkweir.edge.reply import JSON
from linkweir.errors import BadInput, IdempotencyConflict, StillRunning
from linkweir.store import replies

KEPT = 86_400_000_000  # microseconds: a day
SECRET_KEPT = 300_000_000  # five minutes, for an answer that holds a secret
LEASE = 60_000_000  # after which a request that never had an answer may be made again
DETERMINISTIC = (BadInput,)  # the same request fails the same way, whatever else has changed


class Once:
    """One request that should be carried out once; `keep` goes into the transaction that does it."""

    def __init__(self, parts: Parts, who: SignedIn, key: str | None, begun_at: int = 0) -> None:
        self._parts = parts
        self._begun_at = begun_at
        self._account = who.account["id"]
        self._key = key
        self.kept = False

    def keep(self, connection: Connection, status: int, body: bytes, *, secret: bool = False) -> None:
        """Remember the answer. Raises StillRunning, which rolls the transaction back, when this took longer than its
        lease and the same request has been made again meanwhile.
        """
        if self._key is None:
            return
        kept = replies.finish(
            connection,
            self._account,
            self._key,
            begun_at=self._begun_at,
            status=status,
            body=self._parts.vault.seal(body) if secret else body,
            expires_at=now() + (SECRET_KEPT if secret else KEPT),
            sealed=secret,
        )
        if not kept:
            raise StillRunning(1)
        self.kept = True


def carry_out(
    parts: Parts,
    who: SignedIn,
    request: Request,
    data: bytes,
    *,
    allowed: Callable[[], None],
    work: Callable[[Once], Response],
) -> Response:
    """`work`'s response, or that of the same request made before, which only who is `allowed` to make it may hear.
    Raises what `allowed` and `work` raise.
    """
    key = request.headers.get("idempotency-key", "").strip()
    if not key:
        return work(Once(parts, who, None))
    if len(key) > 255:
        raise BadInput("Idempotency-Key", "has more than 255 characters")
    fingerprint = hashlib.sha256(f"{request.method} {request.scope['path']}\n".encode() + data).digest()
    account, moment = who.account["id"], now()
    with parts.store.write() as connection:
        earlier = replies.begin(connection, account, key, fingerprint=fingerprint, now=moment, until=moment + LEASE)
    if earlier is not None:
        with contextlib.suppress(BadInput):  # that is the earlier answer
            allowed()
        return _earlier(parts, earlier, fingerprint, moment)
    once = Once(parts, who, key, moment)
    try:
        response = work(once)
        if not once.kept:  # a dry run: nothing was carried out that must not be done twice
            _forget(parts, account, key, moment)
        return response
    except DETERMINISTIC as error:
        response = problems.answer(error)
        with parts.store.write() as connection:
            once.keep(connection, response.status_code, bytes(response.body))
        return response
    except BaseException:
        _forget(parts, account, key, moment)
        raise


def _forget(parts: Parts, account: uuid.UUID, key: str, begun_at: int) -> None:
    with parts.store.write() as connection:
        replies.forget(connection, account, key, begun_at)


def _earlier(parts: Parts, row: RowMapping, fingerprint: bytes, moment: int) -> Response:
    if row["fingerprint"] != fingerprint:
        raise IdempotencyConflict("this Idempotency-Key was used for another request")
    if row["status"] == 0:
        raise StillRunning(math.ceil((row["expires_at"] - moment) / 1_000_000))
    body = parts.vault.open(row["body"]) if row["sealed"] else row["body"]
    return JSON(bytes(body), row["status"], headers={"Idempotent-Replayed": "true"})

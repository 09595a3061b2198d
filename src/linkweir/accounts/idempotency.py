"""Requests that carry an idempotency key: each is carried out once, and its response is stored for when it is repeated.

The response is stored in the transaction that carries the request out, so that no crash comes between them. A request
whose process died before that was not carried out, and may be made again at once; so may one that failed while the
database went away, of the process that knows.
"""

import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, RowMapping

from linkweir.clock import DAY_US, SECOND_US
from linkweir.db import idempotency_table
from linkweir.db.database import Database, WriteMode
from linkweir.errors import DatabaseUnavailable, IdempotencyConflict, RequestInProgress
from linkweir.process_lock import ProcessLock
from linkweir.vault import Vault

RESPONSE_TTL_US = DAY_US  # microseconds: a day
SECRET_RESPONSE_TTL_US = 300 * SECOND_US  # five minutes, for a response that holds a secret
LEASE_US = 60 * SECOND_US  # after which a request that never had a response may be made again


def discard_abandoned(database: Database, process_lock: ProcessLock) -> None:
    """Forget what processes had begun that have died, and these processes. Raises DatabaseUnavailable, OSError."""
    dead = process_lock.list_dead()
    with database.write(WriteMode.CONCURRENT) as connection:
        for process in dead:
            idempotency_table.discard_claims(connection, process)
    for process in dead:
        process_lock.forget(process)


class IdempotentRequest:
    """A request that should be carried out once; without a `key` nothing is stored, and it is carried out each time."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        process_lock: ProcessLock,
        *,
        account: uuid.UUID,
        key: str,
        fingerprint: bytes,
    ) -> None:
        self.key = key
        self.is_stored = False
        self._database, self._vault = database, vault
        self._account, self._fingerprint = account, fingerprint
        self._process_lock = process_lock
        self._started_at = 0

    def start(self) -> RowMapping | None:
        """Take the lease; return the row of an earlier request with this key, None when this is the first."""
        self._started_at = self._database.now()
        with self._giving_up_without_database(), self._database.write(WriteMode.CONCURRENT) as connection:
            earlier = self._take_lease(connection)
            if earlier is not None and self._is_abandoned(earlier):
                idempotency_table.discard(connection, self._account, self.key, earlier["created_at"])
                earlier = self._take_lease(connection)
            return earlier

    @contextmanager
    def _giving_up_without_database(self) -> Iterator[None]:
        """When the database goes away, this process will not end the request, whose lease may be left there. Should its
        transaction be committed all the same, the response is there, too.
        """
        try:
            yield
        except DatabaseUnavailable:
            self._process_lock.give_up((self._account, self.key, self._started_at))
            raise

    def _take_lease(self, connection: Connection) -> RowMapping | None:
        return idempotency_table.start(
            connection,
            self._account,
            self.key,
            fingerprint=self._fingerprint,
            now=self._started_at,
            until=self._started_at + LEASE_US,
            process=self._process_lock.id,
        )

    def _is_abandoned(self, earlier: RowMapping) -> bool:
        """Whether the process that had begun the request died, or gave it up, before there was a response."""
        claimed_by = earlier["claimed_by"]
        if earlier["status"] != 0 or claimed_by is None:
            return False
        if self._process_lock.has_given_up((self._account, self.key, earlier["created_at"])):
            return True
        try:
            return self._process_lock.is_dead(claimed_by)
        except OSError:  # too many open files: then nothing is known, and the lease ends by itself
            return False

    def open_response(self, earlier: RowMapping) -> tuple[int, bytes]:
        """Return status and body of the response to the earlier request.

        Raises IdempotencyConflict, RequestInProgress, VaultError.
        """
        if earlier["fingerprint"] != self._fingerprint:
            raise IdempotencyConflict("this Idempotency-Key was used for another request")
        if earlier["status"] == 0:
            raise RequestInProgress(math.ceil((earlier["expires_at"] - self._started_at) / SECOND_US))
        body = self._vault.open(earlier["body"]) if earlier["sealed"] else bytes(earlier["body"])
        return earlier["status"], body

    def store_response(self, connection: Connection, status: int, body: bytes, *, secret: bool = False) -> None:
        """Store the response in the transaction that carries the request out.

        Raises RequestInProgress, which rolls the transaction back, when this took longer than its lease and the same
        request has been made again meanwhile.
        """
        if not self.key:
            return
        self.is_stored = idempotency_table.complete(
            connection,
            self._account,
            self.key,
            begun_at=self._started_at,
            status=status,
            body=self._vault.seal(body) if secret else body,
            expires_at=self._database.now() + (SECRET_RESPONSE_TTL_US if secret else RESPONSE_TTL_US),
            sealed=secret,
        )
        if not self.is_stored:
            raise RequestInProgress(1)

    def store_error(self, status: int, body: bytes) -> None:
        """Store the response to a request that will always fail. Raises RequestInProgress, DatabaseUnavailable."""
        with self._giving_up_without_database(), self._database.write(WriteMode.CONCURRENT) as connection:
            self.store_response(connection, status, body)

    def release(self) -> None:
        """End the lease of a request that came to nothing: it may be made again. Raises DatabaseUnavailable."""
        with self._giving_up_without_database(), self._database.write(WriteMode.CONCURRENT) as connection:
            idempotency_table.discard(connection, self._account, self.key, self._started_at)

"""Removes what was kept long enough: content first, then everything that ties a message to a person.

Links outlive it all: a sealed one carries its destination, and the rows of short ones stay.
"""

import time
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from linkweir.db import erased_clicks_table, idempotency_table, retention_queries, verdict_memory_table
from linkweir.db.database import Database, WriteMode

MAX_TRIES, RETRY_SECONDS = 20, 0.25  # to find a moment, and seconds between them
BATCH_MESSAGES = 200  # messages in one transaction, so that nobody waits long for their turn
BATCH_HASHES = 5000  # small rows, likewise: of the memory of verdicts, ids of erased clicks


def delete_expired(
    database: Database, now: int, log: FilteringBoundLogger, stopping: Callable[[], bool] = lambda: False
) -> None:
    """Remove all that is due at `now` (microseconds since 1970), or what there is time for until `stopping`; nothing
    while another machine does. Raises DatabaseUnavailable.
    """
    with database.try_job("retention") as acquired:
        if acquired:
            _delete_expired(database, now, log, stopping)


def _delete_expired(database: Database, now: int, log: FilteringBoundLogger, stopping: Callable[[], bool]) -> None:
    contents = people = 0
    while not stopping() and (removed := _delete_batch(database, now, retention_queries.delete_contents)):
        contents += removed
    while not stopping() and (removed := _delete_batch(database, now, retention_queries.delete_messages)):
        people += removed
    others = 0
    for drop in (retention_queries.anonymize_unattributed_clicks, idempotency_table.delete_expired):
        while not stopping() and (removed := _delete_batch(database, now, drop)):
            others += removed
    while not stopping() and _delete_batch(database, now, verdict_memory_table.delete_expired, BATCH_HASHES):
        pass  # hashes, of which no copy tells anything
    while not stopping() and _delete_batch(database, now, erased_clicks_table.delete_expired, BATCH_HASHES):
        pass
    if not stopping():
        with database.write(WriteMode.CONCURRENT) as connection:
            verdict_memory_table.delete_marked(connection)  # what an interrupted erasure has left
    if contents or people:
        log.info("retention.removed", contents=contents, messages=people)
    if contents or people or others:
        _truncate_wal(database, stopping)


def _truncate_wal(database: Database, stopping: Callable[[], bool]) -> None:
    """Removed is removed when the database's log does not hold it any more either; nobody has to wait for that."""
    for _ in range(MAX_TRIES):
        if stopping() or database.truncate_wal():
            return
        time.sleep(RETRY_SECONDS)


def _delete_batch(
    database: Database, now: int, delete: retention_queries.DeleteBatch, limit: int = BATCH_MESSAGES
) -> int:
    with database.write(WriteMode.EXCLUSIVE) as connection:
        return delete(connection, now, limit)

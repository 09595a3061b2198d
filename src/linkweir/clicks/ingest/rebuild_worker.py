"""Makes the sums of clicks anew from the clicks: after a migration, or when somebody doubts them.

Verdicts are taken as they are stored. May run beside a service that counts, and be interrupted at any time: whoever
comes next begins again.
"""

import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection
from structlog.typing import FilteringBoundLogger

from linkweir.background import WorkerThread
from linkweir.db import aggregate_rebuild, clicks_table
from linkweir.db.database import Database, WriteMode
from linkweir.errors import Conflict, DatabaseUnavailable

T = TypeVar("T")
RebuildProgress = Callable[[str, int], bool]  # what is under way, about how many clicks it has done; False to stop
MAX_TRIES = 20  # of one part, when others keep the database busy
RETRY_SECONDS = 0.5  # seconds between them


def count_stored_clicks(database: Database) -> int:
    """Return how many clicks and opens are stored. Raises DatabaseUnavailable."""
    with database.read() as connection:
        return clicks_table.count(connection)


def rebuild_aggregates(database: Database, now: int, progress: RebuildProgress) -> bool:
    """Make all of them anew; `now` in microseconds since 1970. False when `progress` wished to stop.

    Raises DatabaseUnavailable, and Conflict while another machine does.
    """
    with database.try_job("rebuild") as acquired:
        if not acquired:
            raise Conflict("another process is rebuilding the totals")
        return _rebuild_aggregates(database, now, progress)


def _rebuild_aggregates(database: Database, now: int, progress: RebuildProgress) -> bool:
    def begin(connection: Connection) -> list[uuid.UUID]:
        aggregate_rebuild.mark_started(connection, now)
        return aggregate_rebuild.list_account_ids(connection)

    accounts = _retry_when_busy(database, begin)
    done = (
        _rebuild_messages(database, progress)
        and _rebuild_external_links(database, progress)
        and all(_rebuild_hours(database, account, progress) for account in accounts)
        and _rebuild_coarse_buckets(database, progress)
    )
    if done:
        _retry_when_busy(database, aggregate_rebuild.mark_done)
    return done


def _rebuild_messages(database: Database, progress: RebuildProgress) -> bool:
    return _run_in_batches(database, "messages", progress, None, aggregate_rebuild.rebuild_message_batch)


def _rebuild_external_links(database: Database, progress: RebuildProgress) -> bool:
    return _run_in_batches(
        database, "links minted elsewhere", progress, None, aggregate_rebuild.rebuild_unattributed_batch
    )


def _rebuild_hours(database: Database, account: uuid.UUID, progress: RebuildProgress) -> bool:
    return _run_in_batches(
        database,
        "hours",
        progress,
        0,
        lambda connection, start: aggregate_rebuild.rebuild_hour_batch(connection, account, start),
    )


def _rebuild_coarse_buckets(database: Database, progress: RebuildProgress) -> bool:
    return _run_in_batches(database, "longer times", progress, 0, aggregate_rebuild.rebuild_coarse_batch)


def _run_in_batches(
    database: Database, what: str, progress: RebuildProgress, start: T, part: Callable[[Connection, T], T | None]
) -> bool:
    """One part after the other, each in a transaction, from `start` until one says that it was the last."""
    done = 0
    while True:
        following = _retry_when_busy(database, partial(_run_batch, part, start))
        done += aggregate_rebuild.CLICKS_PER_BATCH
        if not progress(what, done):
            return False
        if following is None:
            return True
        start = following


def _run_batch(part: Callable[[Connection, T], T | None], start: T, connection: Connection) -> T | None:
    return part(connection, start)


def _retry_when_busy(database: Database, work: Callable[[Connection], T]) -> T:
    for tried in range(MAX_TRIES):
        try:
            with database.write(WriteMode.EXCLUSIVE) as connection:
                return work(connection)
        except DatabaseUnavailable:
            if tried == MAX_TRIES - 1:
                raise
            time.sleep(RETRY_SECONDS)
    raise AssertionError("unreachable")


class RebuildWorker(WorkerThread):
    """Rebuilds the aggregates beside a running service, when a migration wants it or a rebuild was interrupted."""

    def __init__(self, database: Database, log: FilteringBoundLogger, clock: Callable[[], int]) -> None:
        super().__init__("rebuild")
        self._database = database
        self._log = log
        self._clock = clock

    def start(self) -> None:
        """Begin if a rebuild is pending. Raises DatabaseUnavailable."""
        with self._database.read() as connection:
            pending = aggregate_rebuild.is_pending(connection)
        if pending:
            super().start()

    def _run(self) -> None:
        self._log.info("sums.rebuilding")
        try:
            if rebuild_aggregates(self._database, self._clock(), self._progress):
                self._log.info("sums.rebuilt")
        except Conflict:
            self._log.info("sums.rebuilt_elsewhere")
        except Exception:
            self._log.exception("sums.cannot_rebuild")  # the mark stands: the next start tries again

    def _progress(self, what: str, clicks: int) -> bool:
        self._log.info("sums.rebuilding", part=what, clicks=clicks)
        return not self._stopping

"""The ingest worker: moves events from the journal to the database (read, store in one transaction, acknowledge) and
sends due notifications.

One at a time over all processes of a data folder, which the journal ensures. Under load it yields to redirects, from
which it would take processor, interpreter and disk, but never for long: it goes on every few seconds, and at once when
it falls behind. An event that the database refuses for its own sake becomes a dead letter, and blocks nothing.
"""

import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from structlog.typing import FilteringBoundLogger

from linkweir.background import WorkerThread
from linkweir.clicks.click_event import ClickEvent, replace_nul
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.journal.interface import EventBatch, EventSource
from linkweir.clicks.journal.local_journal import LocalJournal
from linkweir.clicks.journal.reader import wait_until_wiped
from linkweir.clicks.transport.carrier import ClickCarrier
from linkweir.clicks.transport.click_transport import ClickTransport
from linkweir.clicks.transport.event_group import MAX_GROUP_EVENTS
from linkweir.clock import now
from linkweir.db.database import Database, WriteMode
from linkweir.errors import ClickTransportUnavailable, DatabaseUnavailable, TransactionConflict, UnstorableData

IngestFunction = Callable[[Connection, Sequence[ClickEvent]], int]  # how many were new
NotifyFunction = Callable[[Connection], int]  # webhooks of clicks whose verdict has settled; how many

BATCH_EVENTS = 12_000  # facts in one transaction: what many clicks share is then written once
FIRST_BATCH_EVENTS = 3000  # in the first one, before it is known how long they take
BATCH_EVENTS_UNDER_LOAD = 100  # the same while readers come, and where more would take long
MAX_TRANSACTION_SECONDS = 1.0  # seconds that one transaction may take where nobody else writes
# and where others do, who would wait for it: mail is accepted and delivered meanwhile
MAX_SHARED_TRANSACTION_SECONDS = 0.25
CONTENTION_SECONDS = 0.005  # whoever waits longer for its turn to write is not alone
POLL_SECONDS = 0.5  # seconds between looks at what other processes wrote
NOTIFY_INTERVAL_SECONDS = 1.0  # seconds between looks at what is to be told
MAX_YIELD_SECONDS = 2.0  # seconds that facts wait for a quiet moment
MAX_YIELD_SECONDS_BEHIND = 0.05  # the same when more wait than one transaction took
STOP_TIMEOUT_SECONDS = 5.0  # seconds that a stop may take for storing
MAX_CONFLICTS = 5  # transactions of one batch that other workers may be in the way of
TAKEOVER_POLL_SECONDS = 0.5  # between attempts to take over from a service, which may end meanwhile


class IngestWorker(WorkerThread):
    """Stores and classifies the events of a journal or inbox.

    `stored` counts them since the start, `repeated` those that were stored before, `failures` the database's refusals.
    All that came before `drained_until_at` are stored. `batch_size`: how many events the next transaction may hold.

    `dead_letters` keeps what the database refuses for its own sake. `is_idle` looks for a moment whether readers leave
    time to store; without it they always do. `retry_seconds`: seconds to leave a broken database alone. For
    `claim_seconds` what was read from the source is this worker's alone: so long it keeps what it could not store.
    """

    def __init__(
        self,
        database: Database,
        source: EventSource,
        log: FilteringBoundLogger,
        *,
        ingest: IngestFunction,
        notify: NotifyFunction | None = None,
        dead_letters: DeadLetterFile,
        is_idle: Callable[[], bool] = lambda: True,
        retry_seconds: float,
        claim_seconds: float = 0.0,
    ) -> None:
        super().__init__("clicks")
        self._database = database
        self._source = source
        self._log = log
        self._ingest = ingest
        self._notify = notify
        self._dead_letters = dead_letters
        self._is_idle = is_idle
        self._retry = retry_seconds
        self._claim_seconds = claim_seconds
        self._unstored: tuple[EventBatch, float] | None = None  # until when (`time.monotonic`) it is surely claimed
        self._wake = threading.Event()
        self._batch_limit = self.batch_size = FIRST_BATCH_EVENTS
        self._behind = False
        self._wait_seconds = 0.0  # for the turn to write, with the last batch
        self._notify_at = 0.0
        self.stored = self.repeated = self.failures = 0
        self.drained_until_at = 0
        self.problem: str | None = None  # what keeps clicks from being stored now

    def wake(self) -> None:
        """Let the worker look for new events now, not only within half a second."""
        self._wake.set()

    def drain(self) -> None:
        """Store what the journal holds, in this thread, where the worker's own does not run: for a command. Nothing
        while another process does. Raises DatabaseUnavailable, ClickTransportUnavailable, OSError.
        """
        while self._process_batch():
            pass

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            stored = self._run_safely(self._process_and_report)
            if not stored and not self._stopping:
                self._wake.wait(POLL_SECONDS)
            self._run_safely(self._yield_to_requests)
        until = time.monotonic() + STOP_TIMEOUT_SECONDS
        while time.monotonic() < until and self._run_safely(self._process_batch):
            pass  # what came last; the rest is durable, and is stored after the next start

    def _run_safely(self, work: Callable[[], int]) -> int:
        try:
            return work()
        except (DatabaseUnavailable, ClickTransportUnavailable, OSError) as error:
            self.failures += 1
            # what took too long, for whoever ended it, would do so for ever
            self._batch_limit = self.batch_size = max(BATCH_EVENTS_UNDER_LOAD, self.batch_size // 2)
            self.problem = str(error)
            self._log.error("click.store_failed", error=str(error), kind=type(error).__name__)
        except Exception as error:
            self.problem = repr(error)
            self._log.exception("click.worker_bug")  # the thread must live: it is the only one
        if not self._stopping:
            self._sleep(self._retry)
        return 0

    def _process_and_report(self) -> int:
        stored = self._process_batch()
        self.problem = None
        return stored

    def _process_batch(self) -> int:
        """Store one batch; return how many events it held. None are read while another process ingests."""
        read_at = now()
        try:
            batch, claimed_until = self._read_batch()
        except ClickTransportUnavailable:
            self._send_due_notifications(immediately=False)  # the database has all that they need
            raise
        self._behind = batch is not None and len(batch.events) >= self._batch_limit
        if batch is None:
            return 0
        try:
            self._store_batch(batch)
        except DatabaseUnavailable:
            self._unstored = batch, claimed_until
            raise
        if not self._behind:
            self.drained_until_at = read_at
        self._send_due_notifications(immediately=bool(batch.events))
        return len(batch.events)

    def _read_batch(self) -> tuple[EventBatch | None, float]:
        """What could not be stored before, while nobody else may take it, or what comes next; and until when it is this
        worker's.
        """
        unstored, self._unstored = self._unstored, None
        if unstored is not None and time.monotonic() < unstored[1]:
            return unstored
        claimed_until = time.monotonic() + self._claim_seconds
        return self._source.read_from(None, self._batch_limit), claimed_until

    def _store_batch(self, batch: EventBatch) -> None:
        events = batch.events
        size = max(self._batch_limit, MAX_GROUP_EVENTS)  # smaller than the batch if that took too long before
        for start in range(0, len(events), size):
            part = events[start : start + size]
            began, self._wait_seconds = time.monotonic(), 0.0
            self._store_events(part)
            took, shared = time.monotonic() - began, self._wait_seconds > CONTENTION_SECONDS
            self.batch_size = next_batch_size(len(part), took - self._wait_seconds, shared=shared)
        if batch.cursor is not None:
            self._source.acknowledge(batch.cursor)

    def _store_events(self, facts: Sequence[ClickEvent]) -> None:
        """All of them, or each by itself where one would take the others with it. Raises DatabaseUnavailable."""
        try:
            self._commit_events(facts)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if len(facts) > 1:
                half = len(facts) // 2
                self._store_events(facts[:half])
                self._store_events(facts[half:])
                return
            clean = replace_nul(facts[0])
            if isinstance(error, UnstorableData) and clean != facts[0]:
                self._store_events([clean])
                return
            self._log.exception("click.cannot_keep", event_id=str(facts[0].id))
            self._dead_letters.append({"fact": facts[0].to_dict(), "error": repr(error)})

    def _commit_events(self, facts: Sequence[ClickEvent]) -> None:
        """Store events in one transaction; again when another worker's was in its way."""
        for conflicts in range(MAX_CONFLICTS):
            began = time.monotonic()
            try:
                with self._database.write(WriteMode.CONCURRENT) as connection:
                    self._wait_seconds += time.monotonic() - began
                    new = self._ingest(connection, facts)
                self.stored += new
                self.repeated += len(facts) - new
                return
            except (TransactionConflict, IntegrityError):  # the second: it has stored the same events meanwhile
                if conflicts + 1 == MAX_CONFLICTS:
                    raise

    def _send_due_notifications(self, *, immediately: bool) -> None:
        if self._notify is not None and (immediately or time.monotonic() >= self._notify_at):
            until = self._notify_at = time.monotonic() + NOTIFY_INTERVAL_SECONDS
            while time.monotonic() < until:  # others who write have their turn in between
                with self._database.write(WriteMode.CONCURRENT) as connection:
                    if not self._notify(connection):
                        return

    def _yield_to_requests(self) -> int:
        """Wait for a quiet moment, as long as there is patience: hardly any when more clicks come than are stored."""
        until = time.monotonic() + (MAX_YIELD_SECONDS_BEHIND if self._behind else MAX_YIELD_SECONDS)
        while not (quiet := self._is_idle()) and not self._stopping and time.monotonic() < until:
            pass
        whole = quiet or self._stopping or self._behind
        self._batch_limit = self.batch_size if whole else BATCH_EVENTS_UNDER_LOAD
        return 0

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            time.sleep(min(0.1, seconds))


def next_batch_size(facts: int, seconds: float, *, shared: bool = False) -> int:
    """Return how many events the next transaction may hold, when so many have just taken so many seconds; `shared`:
    others write, too.
    """
    limit = MAX_SHARED_TRANSACTION_SECONDS if shared else MAX_TRANSACTION_SECONDS
    return max(BATCH_EVENTS_UNDER_LOAD, min(BATCH_EVENTS, int(facts * limit / max(seconds, 0.001))))


def wait_until_stored(transport: ClickTransport, worker: IngestWorker, timeout_seconds: float) -> bool:
    """Wait until every click that is in the transport now is stored; False when some are left after the timeout.
    `worker` reads from it, and is the caller's own and not started. Raises DatabaseUnavailable,
    ClickTransportUnavailable.
    """
    until, end = time.monotonic() + timeout_seconds, transport.find_end()
    worker.drain()
    while transport.has_before(end):
        if time.monotonic() > until:
            return False
        time.sleep(TAKEOVER_POLL_SECONDS)
        worker.drain()
    return True


def drain_and_wait(journal: LocalJournal, worker: IngestWorker | ClickCarrier, timeout_seconds: float) -> bool:
    """Wait until every click followed so far is stored, or carried to the transport, and wiped from the journal's
    files: an export has them all, and an erasure leaves none. Return False when some are left after the timeout.

    A running service does it and is waited for; where none runs, this does. `journal` and `worker` are the caller's
    own and not started. Raises DatabaseUnavailable, ClickTransportUnavailable, OSError.
    """
    until = time.monotonic() + timeout_seconds
    try:
        worker.drain()  # does nothing while a service reads the journal
        while not wait_until_wiped(journal.segments, min(until, time.monotonic() + TAKEOVER_POLL_SECONDS)):
            if time.monotonic() > until:
                return False
            worker.drain()
        return True
    finally:
        journal.close()

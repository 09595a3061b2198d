"""Brings facts from the journal to the store: read, keep in one transaction, acknowledge; and tells what is due.

One at a time over all processes of a data folder, which the journal sees to. While many readers come it steps aside,
for it would take processor, interpreter and disk from them, but never for long: it goes on every few seconds.
A fact that the store cannot take for its own sake is put aside, and blocks nothing.
"""

import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection
from structlog.typing import FilteringBoundLogger

from linkweir.click import leftover
from linkweir.click.aside import SetAside
from linkweir.click.fact import Fact
from linkweir.click.journal import Journal
from linkweir.click.spool import Spool
from linkweir.errors import StoreUnavailable
from linkweir.store.engine import Store

Keep = Callable[[Connection, Sequence[Fact]], None]
Tell = Callable[[Connection], int]  # webhooks of clicks whose verdict has settled; how many

FORGET = 3600.0  # seconds between looks at what was set aside
KEPT = 30 * 86_400_000_000  # microseconds: the longest that anything personal is kept, by the outside contract
BATCH = 500  # facts in one transaction
BESIDE = 100  # the same while readers come, and where more would take long
LONG = 0.25  # seconds that one transaction may keep others waiting that write: mail is accepted and delivered meanwhile
POLL = 0.5  # seconds between looks at what other processes wrote
TELL = 1.0  # seconds between looks at what is to be told
PATIENCE = 2.0  # seconds that facts wait for a quiet moment
STOP_WAIT = 5.0  # seconds that a stop may take for storing


class ClickWorker:
    """A thread. `stored` counts facts since the start, `failures` the store's refusals.

    `aside` keeps what the store refuses for its own sake. `quiet` looks for a moment whether readers leave time to
    store; without it they always do. `retry`: seconds to leave a broken store alone.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        spool: Spool,
        log: FilteringBoundLogger,
        *,
        keep: Keep,
        tell: Tell | None = None,
        aside: SetAside,
        quiet: Callable[[], bool] = lambda: True,
        retry: float,
    ) -> None:
        self._store = store
        self._journal = journal
        self._spool = spool
        self._log = log
        self._keep = keep
        self._tell = tell
        self._aside = aside
        self._quiet = quiet
        self._retry = retry
        self._wake = threading.Event()
        self._stopping = False
        self._limit = self._most = BATCH
        self._spool_at = self._tell_at = self._forget_at = 0.0
        self._thread: threading.Thread | None = None
        self.stored = self.failures = self.drained = 0

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to work."""
        self._stopping = False
        # daemon: a host that never stops us must still be able to exit; the journal keeps what was not stored
        self._thread = threading.Thread(target=self._run, name="linkweir-clicks", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something new: look now, not only within half a second."""
        self._wake.set()

    def stop(self) -> None:
        """Store what the journal holds, if the store takes it, and end."""
        self._stopping = True
        self._wake.set()
        if self._thread:
            self._thread.join()

    def catch_up(self) -> None:
        """Store what the journal holds, in this thread, where the worker's own does not run: for a command. Nothing
        while another process does. Raises StoreUnavailable, OSError.
        """
        while self._turn():
            pass

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            stored = self._guarded(self._turn)
            if not stored and not self._stopping:
                self._wake.wait(POLL)
            self._guarded(self._step_aside)
        until = time.monotonic() + STOP_WAIT
        while time.monotonic() < until and self._guarded(self._turn):
            pass  # what came last; the rest is durable, and is stored after the next start

    def _guarded(self, work: Callable[[], int]) -> int:
        try:
            return work()
        except (StoreUnavailable, OSError) as error:
            self.failures += 1
            self._log.error("click.store_failed", error=str(error), kind=type(error).__name__)
        except Exception:
            self._log.exception("click.worker_bug")  # the thread must live: it is the only one
        if not self._stopping:
            self._pause(self._retry)
        return 0

    def _turn(self) -> int:
        """One batch; how many facts it held. Nothing while another process is at it."""
        batch = self._journal.read_from(None, self._limit)
        if batch is None:
            return 0
        if batch.facts:
            began = time.monotonic()
            self._store_facts(batch.facts)
            self.stored += len(batch.facts)
            self._most = fitting(len(batch.facts), time.monotonic() - began)
        if batch.position is not None:
            self._journal.acknowledge(batch.position)
        self._drain_spool()
        self._forget()
        self._tell_due(at_once=bool(batch.facts))
        return len(batch.facts)

    def _store_facts(self, facts: Sequence[Fact]) -> None:
        """All of them, or each by itself where one would take the others with it. Raises StoreUnavailable."""
        try:
            with self._store.write() as connection:
                self._keep(connection, facts)
        except StoreUnavailable:
            raise
        except Exception as error:
            if len(facts) > 1:
                half = len(facts) // 2
                self._store_facts(facts[:half])
                self._store_facts(facts[half:])
                return
            self._log.exception("click.cannot_keep", event_id=str(facts[0].id))
            self._aside({"fact": facts[0].row(), "error": repr(error)})

    def _drain_spool(self) -> None:
        """Files that releases before the journal left; now and then, for one may be restored from a backup."""
        if time.monotonic() >= self._spool_at:
            self._spool_at = time.monotonic() + self._retry
            count = self._spool.drain(self._store_facts)
            self.drained += count
            if count:
                self._log.info("click.spool_drained", facts=count)

    def _forget(self) -> None:
        """What could not be stored is kept no longer than what could."""
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET
            leftover.expire(self._spool.folder, time.time_ns() // 1000 - KEPT)

    def _tell_due(self, *, at_once: bool) -> None:
        if self._tell is not None and (at_once or time.monotonic() >= self._tell_at):
            self._tell_at = time.monotonic() + TELL
            with self._store.write() as connection:
                self._tell(connection)

    def _step_aside(self) -> int:
        """Wait for a quiet moment, as long as there is patience."""
        until = time.monotonic() + PATIENCE
        while not (quiet := self._quiet()) and not self._stopping and time.monotonic() < until:
            pass
        self._limit = self._most if quiet or self._stopping else BESIDE
        return 0

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            time.sleep(min(0.1, seconds))


def fitting(facts: int, seconds: float) -> int:
    """How many facts the next transaction may hold, when so many have just taken so many seconds."""
    return max(BESIDE, min(BATCH, int(facts * LONG / max(seconds, 0.001))))

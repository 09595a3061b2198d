"""Makes click facts durable before the reader is sent on, and never keeps the reader waiting for long.

One thread writes: all facts that arrive while it is busy share its next commit. What the store does not
take at once (locked, full, gone) goes to the spool, and for a moment everything does, so that a broken
store costs one wait and not one for each click. The spool drains when the store is back.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Literal

from structlog.typing import FilteringBoundLogger

from linkweir.click.fact import Fact
from linkweir.click.keep import keep
from linkweir.click.spool import Spool
from linkweir.click.tell import tell
from linkweir.click.understand import Understand
from linkweir.errors import StoreUnavailable
from linkweir.store.engine import Store

Fate = Literal["stored", "spooled", "lost"]
GROUP = 500  # facts in one commit
BACKLOG = 50_000  # facts waiting for a disk that hangs, some 50 MB; beyond that they are lost, loudly
IDLE = 0.5  # seconds between looks at the spool and at the wish to stop


class Journal:
    """`append` from any thread; counts since the start are `stored`, `spooled`, `lost`, `failures`,
    `drained`.

    `store` should wait only briefly for a lock: its wait is what the first reader feels when the store
    is locked.
    """

    def __init__(
        self, store: Store, spool: Spool, log: FilteringBoundLogger, *, retry: float, understand: Understand
    ) -> None:
        self._store = store
        self._spool = spool
        self._log = log
        self._retry = retry
        self._understand = understand
        self._incoming: queue.SimpleQueue[tuple[Fact, Future[Fate]] | None] = queue.SimpleQueue()
        self._avoid_until = 0.0
        self._drain_at = 0.0
        self._thread: threading.Thread | None = None
        self._accepting = self._going = False
        self._gate = threading.Lock()
        self.stored = self.spooled = self.lost = self.failures = self.drained = 0

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to write."""
        self._accepting = self._going = True
        # daemon: a host that never stops us must still be able to exit; answered facts are durable
        self._thread = threading.Thread(target=self._run, name="linkweir-journal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what has arrived and end."""
        with self._gate:
            self._accepting = False
            self._incoming.put(None)
        if self._thread:
            self._thread.join()
        self._spool.close()

    def append(self, fact: Fact) -> Future[Fate]:
        """A promise of the fact's fate; "stored" and "spooled" mean durable."""
        promise: Future[Fate] = Future()
        with self._gate:
            taken = self._accepting and self._incoming.qsize() < BACKLOG
            if taken:
                self._incoming.put((fact, promise))
            else:
                self.lost += 1
        if not taken:
            promise.set_result("lost")
            self._log.error("click.lost", reason="the journal does not run or hangs", event_id=str(fact.id))
        return promise

    def _run(self) -> None:
        while self._going:
            group = self._arrived(IDLE)
            if group:
                self._write(group)
            try:
                self._drain()
                self._tell()
            except Exception:
                self._log.exception("click.drain_bug")  # the thread must live: it is the only one

    def _arrived(self, wait: float) -> list[tuple[Fact, Future[Fate]]]:
        """Everything that has arrived, after a wait for the first; notes the wish to end."""
        group: list[tuple[Fact, Future[Fate]]] = []
        with contextlib.suppress(queue.Empty):
            item = self._incoming.get(block=wait > 0, timeout=wait)
            while item is not None and len(group) < GROUP - 1:
                group.append(item)
                item = self._incoming.get_nowait()
            if item is None:
                self._going = False
            else:
                group.append(item)
        return group

    def _write(self, group: list[tuple[Fact, Future[Fate]]]) -> None:
        facts = [fact for fact, _ in group]
        try:
            fate = self._keep(facts)
        except Exception:
            self._log.exception("click.lost", facts=len(facts))
            self.lost += len(facts)
            fate = "lost"
        for _, promise in group:
            if promise.set_running_or_notify_cancel():  # nobody waits for a cancelled one
                promise.set_result(fate)

    def _keep(self, facts: Sequence[Fact]) -> Fate:
        if time.monotonic() >= self._avoid_until:
            try:
                self._store_facts(facts)
                self.stored += len(facts)
                return "stored"
            except Exception as error:
                # any failure, for a bug of ours must not cost a click either
                self._failed(error)
        self._spool.append(facts)
        self.spooled += len(facts)
        return "spooled"

    def _tell(self) -> None:
        with contextlib.suppress(StoreUnavailable), self._store.write() as connection:
            tell(connection, time.time_ns() // 1000)

    def _store_facts(self, facts: Sequence[Fact]) -> None:
        with self._store.write() as connection:
            keep(connection, facts, self._understand, time.time_ns() // 1000)

    def _store_drained(self, facts: Sequence[Fact]) -> None:
        """Part of the spool; what has arrived meanwhile goes first again, so that a long spool delays no reader."""
        self._store_facts(facts)
        group = self._arrived(0)
        if group:
            self._write(group)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self._avoid_until = self._drain_at = time.monotonic() + self._retry
        self._log.error("click.store_failed", error=str(error), kind=type(error).__name__)

    def _drain(self) -> None:
        now = time.monotonic()
        if now < self._drain_at or now < self._avoid_until:
            return
        self._drain_at = now + self._retry
        try:
            count = self._spool.drain(self._store_drained)
        except (StoreUnavailable, OSError) as error:
            self._failed(error)
            return
        if count:
            self.drained += count
            self._log.info("click.spool_drained", facts=count)

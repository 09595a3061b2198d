"""The delivery worker: claim, deliver, settle or back off. A thread of its own, so that no event loop
waits for a disk.

At least once: between a delivery and its settling lies a crash window, after which the same mail, with
the same Message-ID, is delivered again.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from linkweir.errors import DeliveryFailed, StoreUnavailable
from linkweir.store import messages, queue
from linkweir.store.engine import Store
from linkweir.store.queue import Claimed

BATCH = 20
POLL = 1.0  # seconds; a submission wakes the worker at once
CLEAN_EVERY = 60.0  # seconds
LONGEST_WAIT = 3600.0  # seconds between two attempts


class Transport(Protocol):
    """Where mail goes."""

    def deliver(self, message: uuid.UUID, created_at: int, raw: bytes) -> str:
        """Take the mail for good; a line for the log. Raises DeliveryFailed."""


class DeliveryWorker:
    """Delivers what the queue holds until it is stopped. `delivered` and `failed` count attempts since the
    start.
    """

    def __init__(
        self,
        store: Store,
        transport: Transport,
        log: FilteringBoundLogger,
        *,
        lease: float,
        first_wait: float,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._transport = transport
        self._log = log
        self._lease = int(lease * 1_000_000)
        self._first_wait = first_wait
        self._clock = clock
        self._owner = uuid.uuid4()
        self._wake = threading.Event()
        self._stopping = False
        self._clean_at = 0.0
        self._thread: threading.Thread | None = None
        self.delivered = 0
        self.failed = 0

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to work."""
        self._stopping = False
        # daemon: an embedding program that never stops us must still be able to exit; the queue is durable
        self._thread = threading.Thread(target=self._run, name="linkweir-delivery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is claimed and end."""
        self._stopping = True
        self._wake.set()
        if self._thread:
            self._thread.join()

    def wake(self) -> None:
        """There is something new in the queue."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                worked = self._round()
            except StoreUnavailable as error:
                self._log.warning("delivery.store_unavailable", error=str(error))
                worked = False
            except Exception:
                self._log.exception("delivery.bug")  # the thread must live: it is the only one
                worked = False
            if not worked and not self._stopping:
                self._wake.wait(POLL)

    def _round(self) -> bool:
        now = self._clock()
        with self._store.read() as connection:
            due = queue.next_due(connection)
        if due is None or due > now:
            self._clean(now)
            return False
        with self._store.write() as connection:
            claimed = queue.claim(connection, self._owner, now, now + self._lease, BATCH)
        for item in claimed:
            self._attempt(item)
        return bool(claimed)

    def _attempt(self, item: Claimed) -> None:
        if self._clock() >= item.expires_at:
            self._back_off(item, "expired before it could be delivered")
            return
        with self._store.read() as connection:
            raw = messages.content(connection, item.id)
        if raw is None:  # content goes only after delivery: our lease ended and another worker was faster
            return
        try:
            note = self._transport.deliver(item.id, item.created_at, raw)
        except DeliveryFailed as error:
            self.failed += 1
            self._back_off(item, str(error))
            return
        with self._store.write() as connection:
            queue.settle(connection, self._owner, item.id, status="Delivered", log=note, now=self._clock())
        self.delivered += 1
        self._log.info("message.delivered", message=str(item.id))

    def _back_off(self, item: Claimed, reason: str) -> None:
        now = self._clock()
        wait = min(self._first_wait * 2**item.attempts, LONGEST_WAIT) * random.uniform(0.9, 1.1)  # noqa: S311
        due_at = now + int(wait * 1_000_000)
        final = due_at >= item.expires_at
        self._log.warning("message.failed" if final else "message.deferred", message=str(item.id), reason=reason)
        with self._store.write() as connection:
            if final:
                queue.settle(connection, self._owner, item.id, status="Failed", log=reason, now=now)
            else:
                queue.put_back(connection, self._owner, item.id, log=reason, now=now, due_at=due_at)

    def _clean(self, now: int) -> None:
        if time.monotonic() < self._clean_at:
            return
        self._clean_at = time.monotonic() + CLEAN_EVERY
        with self._store.write() as connection:
            messages.drop_old_content(connection, now)

"""The delivery worker: claim, deliver, settle or back off; several mails at once, in a thread and an event loop of its
own, so that no request waits for a relay or a disk.

At least once. Between the moment a relay has taken a mail (its answer to the final dot) and the moment that is
committed here lies the only window for a duplicate: the process dies in it, it stands still or the database stays away
longer than the lease while another process delivers too, or the relay's answer is lost on the way. The second copy is
the same mail with the same Message-ID.
"""

import asyncio
import contextlib
import random
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection
from structlog.typing import FilteringBoundLogger

from linkweir.background import WorkerThread
from linkweir.clock import MAX_SKEW_US
from linkweir.db import contents_table, delivery_queue_table
from linkweir.db.database import Database, WriteMode
from linkweir.db.delivery_queue_table import ClaimedMessage, DeliveryOutcome
from linkweir.errors import DatabaseUnavailable, PermanentDeliveryError, TemporaryDeliveryError
from linkweir.mail import retention_job
from linkweir.mail.dkim_signing import DkimSigner
from linkweir.mail.outcome_writer import OutcomeWriter
from linkweir.mail.transport import OutgoingMail, Transport
from linkweir.webhooks import message_events
from linkweir.webhooks.event_kinds import EventName

POLL_SECONDS = 1.0  # seconds; a submission wakes the worker at once
CLOCK_CHECK_SECONDS = 60.0  # seconds between looks whether the clock was set back, where nothing is removed
MAX_WAIT_SECONDS = 3600.0  # seconds between two attempts
STOP_TIMEOUT_SECONDS = 10.0  # seconds for what is under way when the worker stops
CLAIM_INTERVAL_SECONDS = 0.05  # seconds between looks at the queue that submissions ask for: a claim is a transaction
CLAIM_FACTOR = 4  # times as many mails as may be under way are claimed at a time, or wait for the commit of outcomes
# what a sandbox message comes to: status and event
SANDBOX_OUTCOMES: Mapping[str, tuple[str, EventName]] = {
    "deliver": ("Sandbox Delivered", "delivered"),
    "bounce": ("Sandbox Bounced", "bounced"),
    "defer": ("Sandbox Deferred", "transient_error"),
    "fail": ("Sandbox Failed", "failed"),
    "suppress": ("Sandbox Suppressed", "suppressed"),
}
EMAIL_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")


@dataclass(frozen=True, slots=True)
class _AttemptResult:
    """What became of one attempt; `kind` "transient_error": another one follows."""

    status: str
    kind: EventName
    log: str
    classification: str | None = None

    def to_outcome(self, message: uuid.UUID) -> DeliveryOutcome:
        """Return what is stored of it."""
        return DeliveryOutcome(message, self.status, self.log, self.classification)


class DeliveryWorker(WorkerThread):
    """Delivers what the queue holds until it is stopped. `delivered` and `failed` count attempts since the start.

    `routes` are the transports by the queue's route, `concurrency` how many mails are under way at a time, `hostname`
    who tells senders of filtered mail that it could not be given back.
    """

    def __init__(
        self,
        database: Database,
        routes: Mapping[str, Transport],
        log: FilteringBoundLogger,
        *,
        lease: float,
        first_wait: float,
        clock: Callable[[], int],
        concurrency: int = 4,
        signer: DkimSigner | None = None,
        retention_interval: float | None = 60.0,
        hostname: str = "localhost",
    ) -> None:
        super().__init__("delivery")
        self._database = database
        self._routes = routes
        self._log = log
        self._lease = int(lease * 1_000_000)
        self._first_wait = first_wait
        self._clock = clock
        self._concurrency = concurrency
        self._signer = signer
        self._retention_interval = retention_interval
        self._hostname = hostname
        self._owner = uuid.uuid4()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._outcomes = self._make_outcome_writer()
        self._may_have_due: set[str] = set()  # routes: what they hold is not all claimed, as far as is known
        self._in_progress: dict[uuid.UUID, asyncio.Task[bool]] = {}  # until the outcome is stored
        self._sending: dict[uuid.UUID, str] = {}  # of these, those that a transport has, with their route
        self._ready: dict[str, deque[ClaimedMessage]] = {route: deque() for route in routes}  # claimed, not begun
        self._claimed_at = 0.0  # `time.monotonic` of the last look at the queue
        self._check_is_planned = False
        self._held_until = 0.0  # `time.monotonic` until which all that is claimed is surely held
        self.delivered = 0
        self.failed = 0

    def wake(self) -> None:
        """There is something new in the queue."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._check_soon)

    def _check_soon(self) -> None:
        """Look at the queue now, or with what else arrives until the next look."""
        wait = self._claimed_at + CLAIM_INTERVAL_SECONDS - time.monotonic()
        if wait <= 0 or self._stopping:
            self._check_all_routes()
        elif not self._check_is_planned:
            self._check_is_planned = True
            asyncio.get_running_loop().call_later(wait, self._check_all_routes)

    def _check_all_routes(self) -> None:
        self._check_is_planned = False
        self._may_have_due = set(self._routes)
        self._wake.set()

    def _make_outcome_writer(self) -> OutcomeWriter:
        return OutcomeWriter(
            self._database,
            self._owner,
            self._log,
            clock=self._clock,
            hostname=self._hostname,
            full_batch=max(1, CLAIM_FACTOR * self._concurrency // 2),  # half of those that may wait for the commit
        )

    def _run(self) -> None:
        asyncio.run(self._deliver_until_stopped())

    async def _deliver_until_stopped(self) -> None:
        self._wake = asyncio.Event()  # of this loop: a worker may be started again in another
        self._outcomes = self._make_outcome_writer()
        self._loop = asyncio.get_running_loop()
        self._may_have_due = set(self._routes)
        self._check_is_planned = False
        self._in_progress.clear()  # of a thread that ended: their leases end too
        self._sending.clear()
        for ready in self._ready.values():
            ready.clear()
        beside = [
            asyncio.create_task(task())
            for task in (self._lease_loop, self._retention_loop, self._probe_transports, self._outcomes.run)
        ]
        try:
            while not self._stopping:
                self._wake.clear()
                if not await self._run_safely(self._claim_and_start) and not self._stopping:
                    try:
                        async with asyncio.timeout(POLL_SECONDS):
                            await self._wake.wait()
                    except TimeoutError:
                        self._may_have_due = set(self._routes)
            await self._drain()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            for transport in self._routes.values():
                await transport.close()

    async def _probe_transports(self) -> None:
        """Probe the transports: what submitters are offered depends on them."""
        for route in self._routes.values():
            if route.supports_smtputf8 is None:
                await self._run_safely(route.probe)

    def supports_smtputf8(self, route: str) -> bool | None:
        """Whether this route supports addresses that are not ASCII; None: not known yet."""
        return self._routes[route].supports_smtputf8

    def max_message_bytes(self, route: str) -> int | None:
        """Return the size of the largest mail that this route accepts, in bytes; None: not known, or any."""
        return self._routes[route].max_message_bytes

    async def _run_safely(self, work: Callable[[], Any]) -> bool:
        try:
            return bool(await work())
        except DatabaseUnavailable as error:
            self._log.warning("delivery.database_unavailable", error=str(error))
        except Exception:
            self._log.exception("delivery.bug")  # the loop must live: it is the only one
        return False

    async def _drain(self) -> None:
        await self._run_safely(self._release_ready)
        if self._in_progress:
            await asyncio.wait(self._in_progress.values(), timeout=STOP_TIMEOUT_SECONDS)
        for task in self._in_progress.values():
            task.cancel()  # its lease ends, and the next worker takes it
        await asyncio.gather(*self._in_progress.values(), return_exceptions=True)

    async def _release_ready(self) -> None:
        """Give back what was claimed and not begun."""
        ids = [item.id for ready in self._ready.values() for item in ready]
        for route, ready in self._ready.items():
            if ready:
                self._may_have_due.add(route)
                ready.clear()
        if ids:
            await asyncio.to_thread(self._release, ids)

    def _release(self, ids: list[uuid.UUID]) -> None:
        with self._database.write(WriteMode.CONCURRENT) as connection:
            delivery_queue_table.release(connection, self._owner, ids)

    async def _claim_and_start(self) -> bool:
        """Start as many deliveries as there is room for; return whether more may be due that there was room for.

        More is claimed than can start, since a claim is a transaction: what is ready starts without one.
        """
        if time.monotonic() >= self._held_until:  # the database was away, and somebody else may have them
            await self._release_ready()
        for route in self._may_have_due.copy():
            room = self._free_slots(route)
            if room > 0 and not self._ready[route]:
                self._may_have_due.discard(route)  # before it is looked at: what comes meanwhile wakes this
                await self._claim_and_start_route(route, room + (CLAIM_FACTOR - 1) * self._concurrency)
        return self._can_claim()

    async def _claim_and_start_route(self, route: str, limit: int) -> None:
        self._claimed_at = time.monotonic()
        held_until = self._claimed_at + self._lease / 1_000_000
        claimed = await asyncio.to_thread(self._claim, route, self._clock(), limit)
        if claimed:
            self._held_until = min(held_until, self._held_until) if self._has_ready() else held_until
        if len(claimed) == limit:
            self._may_have_due.add(route)
        # one in progress: its lease had ended, for the database was away; now it is ours for another one
        self._ready[route].extend(item for item in claimed if item.id not in self._in_progress)
        self._start_ready(route)

    def _can_claim(self) -> bool:
        return any(not self._ready[route] and self._free_slots(route) > 0 for route in self._may_have_due)

    def _has_ready(self) -> bool:
        return any(self._ready.values())

    def _start_ready(self, route: str) -> None:
        ready = self._ready[route]
        while ready and self._free_slots(route) > 0 and time.monotonic() < self._held_until:
            item = ready.popleft()
            task = asyncio.create_task(self._run_safely(partial(self._attempt, item)))
            self._in_progress[item.id] = task
            self._sending[item.id] = route
            task.add_done_callback(partial(self._on_task_done, item.id))

    def _free_slots(self, route: str) -> int:
        """Return how many more mails may be under way on a route: one that stalls leaves room to each other one."""
        most = max(1, self._concurrency - (len(self._routes) - 1))
        busy = sum(other == route for other in self._sending.values())
        unsettled = CLAIM_FACTOR * max(most, self._concurrency) - len(self._in_progress)
        return min(most - busy, max(most, self._concurrency) - len(self._sending), unsettled)

    def _claim(self, route: str, now: int, limit: int) -> list[ClaimedMessage]:
        with self._database.read() as connection:
            if not delivery_queue_table.has_due(connection, route, now):
                return []
        with self._database.write(WriteMode.CONCURRENT) as connection:
            return delivery_queue_table.claim(
                connection, self._owner, route, now=now, until=now + self._lease, limit=limit
            )

    def _on_task_done(self, key: uuid.UUID, _task: asyncio.Task[bool]) -> None:
        self._in_progress.pop(key, None)
        self._free_slot(key)

    def _free_slot(self, key: uuid.UUID) -> None:
        """The transport has done with this mail, or its task has ended: the next ones may start."""
        self._sending.pop(key, None)
        if not self._stopping:
            for route in self._ready:
                self._start_ready(route)
        if self._can_claim():  # something may have waited for this
            self._wake.set()

    async def _lease_loop(self) -> None:
        """A relay may take longer than a lease; nobody else must try meanwhile."""
        while True:
            await asyncio.sleep(self._lease / 3_000_000)
            if self._in_progress or self._has_ready():
                await self._run_safely(self._renew_leases)

    async def _renew_leases(self) -> None:
        keys = [*self._in_progress, *(item.id for ready in self._ready.values() for item in ready)]
        began = time.monotonic()
        await asyncio.to_thread(self._renew, keys)
        if began < self._held_until:
            self._held_until = max(self._held_until, began + self._lease / 1_000_000)

    def _renew(self, keys: list[uuid.UUID]) -> None:
        with self._database.write(WriteMode.CONCURRENT) as connection:
            delivery_queue_table.renew(connection, self._owner, keys, self._clock() + self._lease)

    async def _attempt(self, item: ClaimedMessage) -> None:
        if item.sandbox_result:
            result = _AttemptResult(*SANDBOX_OUTCOMES[item.sandbox_result], "the sandbox")
        elif self._clock() >= item.expires_at:
            result = _AttemptResult("Failed", "failed", "expired before it could be delivered")
        else:
            result = await self._deliver(item)
        self._free_slot(item.id)  # from here on only the outcome is under way, and no longer the mail
        if result.status == "Deferred":
            await self._back_off(item, result.log)
        else:
            await self._outcomes.record(item, result.kind, result.to_outcome(item.id))
        if result.status == "Delivered":
            self.delivered += 1
            self._log.info("message.delivered", message=str(item.id))

    async def _deliver(self, item: ClaimedMessage) -> _AttemptResult:
        raw = await asyncio.to_thread(self._load_signed_mail, item)
        if raw is None:  # it goes only after delivery: unless another worker was faster, somebody has removed it
            return _AttemptResult("Failed", "failed", "its content is gone")
        outgoing = OutgoingMail(item.id, item.created_at, item.envelope_from, item.recipient, raw, item.smtputf8)
        try:
            return _AttemptResult("Delivered", "delivered", await self._routes[item.route].deliver(outgoing))
        except PermanentDeliveryError as error:
            self.failed += 1
            self._log.warning("message.bounced", message=str(item.id), reason=_mask_addresses(str(error)))
            return _AttemptResult("Bounced", "bounced", str(error), error.classification)
        except TemporaryDeliveryError as error:
            self.failed += 1
            return _AttemptResult("Deferred", "transient_error", str(error))
        except Exception as error:  # a bug; the mail waits as for any other failure, and is not tried at once again
            self.failed += 1
            self._log.exception("delivery.bug", message=str(item.id))
            return _AttemptResult("Deferred", "transient_error", f"an error of this service: {type(error).__name__}")

    def _load_signed_mail(self, item: ClaimedMessage) -> bytes | None:
        with self._database.read() as connection:
            raw = contents_table.get(connection, item.id)
            if raw is None or self._signer is None or item.route != "default":
                return raw
            domain = self._signer.find_domain(connection, item.account_id, item.sender_domain)
        return raw if domain is None else self._signer.add_signature(domain, item.id, raw)

    async def _back_off(self, item: ClaimedMessage, reason: str) -> None:
        now = self._clock()
        wait = min(self._first_wait * 2**item.attempts, MAX_WAIT_SECONDS) * random.uniform(0.9, 1.1)  # noqa: S311
        due_at = now + int(wait * 1_000_000)
        if due_at >= item.expires_at:
            self._log.warning("message.failed", message=str(item.id), reason=_mask_addresses(reason))
            await self._outcomes.record(item, "failed", DeliveryOutcome(item.id, "Failed", reason, None))
            return
        self._log.warning("message.deferred", message=str(item.id), reason=_mask_addresses(reason))

        def put_back(connection: Connection) -> None:
            if delivery_queue_table.requeue(connection, self._owner, item.id, log=reason, now=now, due_at=due_at):
                message_events.record_event(connection, item.row, "transient_error", now, log=reason)

        await self._outcomes.retry_until_stored(put_back)

    async def _retention_loop(self) -> None:
        """Delete what has exceeded its retention, on time, however much is delivered meanwhile."""
        while True:
            await self._run_safely(lambda: asyncio.to_thread(self._reset_future_waits))
            if self._retention_interval is not None:
                await self._run_safely(
                    lambda: asyncio.to_thread(
                        retention_job.delete_expired, self._database, self._clock(), self._log, self._is_stopping
                    )
                )
            await asyncio.sleep(self._retention_interval or CLOCK_CHECK_SECONDS)

    def _reset_future_waits(self) -> None:
        """No mail waits for the future, whatever the clock has shown meanwhile."""
        wait, lease = int(MAX_WAIT_SECONDS * 2_000_000), max(2 * self._lease, MAX_SKEW_US)
        with self._database.write(WriteMode.CONCURRENT) as connection:
            if count := delivery_queue_table.reset_future_times(
                connection, self._owner, self._clock(), max_delay=wait, lease=lease
            ):
                self._log.warning("delivery.clock_set_back", messages=count)

    def _is_stopping(self) -> bool:
        return self._stopping


def _mask_addresses(text: str) -> str:
    """For logs: relays like to repeat whom a mail is for, and that is for the message's own record only."""
    return EMAIL_ADDRESS.sub("<address>", text)

"""The webhook worker: claim what is due, sign and send it, write down what came of it. A thread with a loop of its own.

At least once: between an answer and its commit lies a crash window, after which the same request, with the same
webhook-id, is sent again.
"""

import asyncio
import random
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial

from structlog.typing import FilteringBoundLogger

from linkweir.errors import StoreUnavailable, VaultError
from linkweir.store import outbox
from linkweir.store.engine import Store
from linkweir.store.outbox import Claimed, Endpoint, Outcome
from linkweir.vault import Vault
from linkweir.webhook import signing
from linkweir.webhook.sending import Answer, Sender
from linkweir.webhook.turns import Turns

ATTEMPTS = 6
FAILURES = 100  # in a row; one more disables the webhook
POLL = 0.25  # seconds between looks at the outbox
CLEAN_EVERY = 60.0  # seconds
KEEP = 7 * 86_400 * 1_000_000  # microseconds that a finished request is kept to be looked at
GRACE = 1.0  # seconds that a stop waits for answers
SLOW = 1.0  # seconds for an answer; a webhook that took longer is held back as one that failed
POSTPONE = 60_000_000  # microseconds until a request is tried again that could not be signed

Running = dict[asyncio.Task[Outcome], tuple[Claimed, bool]]  # what is sent, and whether its webhook lagged


class WebhookWorker:
    """Sends what the outbox holds until it is stopped. `succeeded`, `failed` (attempts) and `disabled` count since
    the start. `retry` is the unit of waits in seconds: 1, 16, 81, 256 and 625 of them.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        log: FilteringBoundLogger,
        *,
        sender: Callable[[], Sender],
        connections: int,
        lease: float,
        retry: float,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._vault = vault
        self._log = log
        self._make_sender = sender
        self._connections = connections
        self._lease = int(lease * 1_000_000)
        self._retry = retry
        self._clock = clock
        self._owner = uuid.uuid4()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._clean_at = 0.0
        self._slow: set[uuid.UUID] = set()  # webhooks whose last answer took long
        self.succeeded = self.failed = self.disabled = 0

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to send."""
        self._stopping.clear()
        # daemon: an embedding program that never stops us must still be able to exit; the outbox is durable
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="linkweir-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait a moment for answers, give the rest back, and end."""
        self._stopping.set()
        if self._thread:
            self._thread.join()

    async def _run(self) -> None:
        sender = self._make_sender()
        turns = Turns(self._connections)
        running: Running = {}
        ended: list[Outcome] = []
        while not self._stopping.is_set():
            ended += _collect(running, turns)
            for item in await asyncio.to_thread(self._guarded, partial(self._exchange, ended, turns)):
                lagging = self._lagging(item.endpoint)
                turns.take(item.endpoint.id, lagging=lagging)
                running[asyncio.create_task(self._attempt(sender, item))] = (item, lagging)
            await asyncio.to_thread(self._guarded, self._clean)
            if running:
                await asyncio.wait(running, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(POLL)
        if running:
            await asyncio.wait(running, timeout=GRACE)
        ended += _collect(running, turns)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._leave(ended)
        await sender.close()

    def _exchange(self, ended: list[Outcome], turns: Turns) -> list[Claimed]:
        """Write down what ended and claim what is due, in one transaction; what cannot be written is kept."""
        now = self._clock()
        with self._store.read() as connection:
            due = [] if turns.full else outbox.due(connection, now)
        due = [one for one in due if self._room(turns, one)]
        return self._write(ended, due, turns, now) if ended or due else []

    def _lagging(self, one: Endpoint) -> bool:
        return one.failing or one.id in self._slow

    def _room(self, turns: Turns, one: Endpoint) -> int:
        return turns.room(one.id, failing=one.failing, slow=one.id in self._slow)

    def _guarded(self, work: Callable[[], list[Claimed]]) -> list[Claimed]:
        try:
            return work()
        except StoreUnavailable as error:
            self._log.warning("webhook.store_unavailable", error=str(error))
        except Exception:
            self._log.exception("webhook.bug")  # the thread must live: it is the only one
        return []

    def _write(self, ended: list[Outcome], due: list[Endpoint], turns: Turns, now: int) -> list[Claimed]:
        random.shuffle(due)
        claimed: list[Claimed] = []
        plan = turns.copy()
        with self._store.write() as connection:
            off = [one for one in ended if outbox.settle(connection, self._owner, one, FAILURES)]
            for one in due:
                room = self._room(plan, one)
                if not room:
                    continue
                taken = outbox.claim(connection, self._owner, one, now=now, until=now + self._lease, limit=room)
                for _ in taken:
                    plan.take(one.id, lagging=self._lagging(one))
                claimed += taken
        self._tally(ended, off)
        ended.clear()
        return claimed

    def _tally(self, ended: list[Outcome], off: list[Outcome]) -> None:
        for one in ended:
            self.succeeded += one.ok
            self.failed += one.counted and not one.ok
            if not one.ok:
                facts = {"request": str(one.item.id), "webhook": str(one.item.endpoint.id), "status": one.status}
                self._log.warning("webhook.failed", **facts, reason=one.error, last=one.next_at is None)
        for one in off:
            self.disabled += 1
            self._log.error("webhook.disabled", webhook=str(one.item.endpoint.id))

    async def _attempt(self, sender: Sender, item: Claimed) -> Outcome:
        try:
            secret = self._vault.open(item.endpoint.secret)
        except VaultError as error:
            at = self._clock()
            return Outcome(item=item, at=at, ok=False, error=str(error), next_at=at + POSTPONE, counted=False)
        headers = signing.headers(secret, str(item.id), int(time.time()), item.body)
        started = time.monotonic()
        try:
            answer = await sender.post(item.endpoint.url, headers, item.body)
        except Exception:
            self._log.exception("webhook.bug", request=str(item.id))
            answer = Answer(None, "an error of this service")
        (self._slow.add if time.monotonic() - started > SLOW else self._slow.discard)(item.endpoint.id)
        return self._outcome(item, answer)

    def _outcome(self, item: Claimed, answer: Answer) -> Outcome:
        at, made = self._clock(), item.attempts + 1
        next_at = None
        if not answer.ok and made < ATTEMPTS:
            wait = made**4 * self._retry * random.uniform(0.9, 1.1)  # noqa: S311  nothing secret
            next_at = at + int(wait * 1_000_000)
        return Outcome(item=item, at=at, ok=answer.ok, status=answer.status, error=answer.error, next_at=next_at)

    def _leave(self, ended: list[Outcome]) -> None:
        try:
            with self._store.write() as connection:
                for one in ended:
                    outbox.settle(connection, self._owner, one, FAILURES)
                outbox.release(connection, self._owner)
        except StoreUnavailable as error:
            self._log.warning("webhook.store_unavailable", error=str(error))  # the leases end by themselves

    def _clean(self) -> list[Claimed]:
        """Remove what ended long ago, whenever it is time, also while much is sent. Claims nothing."""
        if time.monotonic() >= self._clean_at:
            with self._store.write() as connection:
                more = outbox.clean(connection, self._clock() - KEEP) >= outbox.CLEAN
            self._clean_at = time.monotonic() + (POLL if more else CLEAN_EVERY)
        return []


def _collect(running: Running, turns: Turns) -> list[Outcome]:
    """The outcomes of the tasks that ended, which are forgotten."""
    done = [task for task in running if task.done()]
    for task in done:
        item, lagging = running.pop(task)
        turns.give(item.endpoint.id, lagging=lagging)
    return [task.result() for task in done]

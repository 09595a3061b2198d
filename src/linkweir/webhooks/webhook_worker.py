"""The webhook worker: claims due requests, signs and sends them, and stores their outcomes, in a thread with its own
event loop.

At least once: between a response and its commit lies a crash window, after which the same request, with the same
webhook-id, is sent again.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Callable
from functools import partial

from structlog.typing import FilteringBoundLogger

from linkweir.background import WorkerThread
from linkweir.clock import MAX_SKEW_US
from linkweir.db import outbox_table
from linkweir.db.database import Database, WriteMode
from linkweir.db.outbox_table import ClaimedRequest, DueWebhook, RequestOutcome
from linkweir.errors import DatabaseUnavailable, VaultError
from linkweir.vault import Vault
from linkweir.webhooks import signing
from linkweir.webhooks.connection_shares import ConnectionShares
from linkweir.webhooks.http_client import WebhookClient, WebhookResponse

MAX_ATTEMPTS = 6
MAX_CONSECUTIVE_FAILURES = 100  # in a row; one more disables the webhook
POLL_SECONDS = 0.25  # seconds between looks at the outbox
CLEANUP_INTERVAL_SECONDS = 60.0  # seconds
HISTORY_US = 7 * 86_400 * 1_000_000  # microseconds that a finished request is kept to be looked at
STOP_TIMEOUT_SECONDS = 1.0  # seconds that a stop waits for answers
SLOW_SECONDS = 1.0  # seconds for an answer; a webhook that took longer is held back as one that failed
UNSIGNABLE_DELAY_US = 60_000_000  # microseconds until a request is tried again that could not be signed

RunningAttempts = dict[
    asyncio.Task[RequestOutcome], tuple[ClaimedRequest, bool]
]  # what is sent, and whether its webhook lagged


class WebhookWorker(WorkerThread):
    """Sends what the outbox holds until it is stopped. `succeeded`, `failed` (attempts) and `disabled` count since
    the start. `retry` is the unit of waits in seconds: 1, 16, 81, 256 and 625 of them.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        log: FilteringBoundLogger,
        *,
        make_client: Callable[[], WebhookClient],
        connections: int,
        lease: float,
        retry: float,
        clock: Callable[[], int],
    ) -> None:
        super().__init__("webhooks")
        self._database = database
        self._vault = vault
        self._log = log
        self._make_client = make_client
        self._connections = connections
        self._lease = int(lease * 1_000_000)
        self._retry = retry
        self._max_delay_us = int(1.1 * retry * (MAX_ATTEMPTS - 1) ** 4 * 1_000_000)
        self._clock = clock
        self._owner = uuid.uuid4()
        self._clean_at = 0.0
        self._slow: set[uuid.UUID] = set()  # webhooks whose last answer took long
        self.succeeded = self.failed = self.disabled = 0

    def _run(self) -> None:
        asyncio.run(self._send_until_stopped())

    async def _send_until_stopped(self) -> None:
        sender = self._make_client()
        shares = ConnectionShares(self._connections)
        running: RunningAttempts = {}
        ended: list[RequestOutcome] = []
        while not self._stopping:
            ended += _collect_outcomes(running, shares)
            for item in await asyncio.to_thread(self._run_safely, partial(self._settle_and_claim, ended, shares)):
                lagging = self._is_slow(item.webhook)
                shares.acquire(item.webhook.id, slow=lagging)
                running[asyncio.create_task(self._attempt(sender, item))] = (item, lagging)
            await asyncio.to_thread(self._run_safely, self._clean_up)
            if running:
                await asyncio.wait(running, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(POLL_SECONDS)
        if running:
            await asyncio.wait(running, timeout=STOP_TIMEOUT_SECONDS)
        ended += _collect_outcomes(running, shares)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._release_claims(ended)
        await sender.close()

    def _settle_and_claim(self, ended: list[RequestOutcome], shares: ConnectionShares) -> list[ClaimedRequest]:
        """Store the outcomes and claim what is due, in one transaction; outcomes that cannot be stored are kept for the
        next.
        """
        now = self._clock()
        with self._database.read() as connection:
            due = [] if shares.is_full else outbox_table.list_due_webhooks(connection, now)
        due = [webhook for webhook in due if self._free_slots(shares, webhook)]
        return self._write_outcomes(ended, due, shares, now) if ended or due else []

    def _is_slow(self, webhook: DueWebhook) -> bool:
        return webhook.failing or webhook.id in self._slow

    def _free_slots(self, shares: ConnectionShares, webhook: DueWebhook) -> int:
        return shares.free_slots(webhook.id, failing=webhook.failing, slow=webhook.id in self._slow)

    def _run_safely(self, work: Callable[[], list[ClaimedRequest]]) -> list[ClaimedRequest]:
        try:
            return work()
        except DatabaseUnavailable as error:
            self._log.warning("webhook.database_unavailable", error=str(error))
        except Exception:
            self._log.exception("webhook.bug")  # the thread must live: it is the only one
        return []

    def _write_outcomes(
        self, ended: list[RequestOutcome], due: list[DueWebhook], shares: ConnectionShares, now: int
    ) -> list[ClaimedRequest]:
        random.shuffle(due)
        claimed: list[ClaimedRequest] = []
        plan = shares.copy()
        with self._database.write(WriteMode.CONCURRENT) as connection:
            off = [
                outcome
                for outcome in _sort_by_webhook(ended)
                if outbox_table.settle(connection, self._owner, outcome, MAX_CONSECUTIVE_FAILURES)
            ]
            for outcome in due:
                room = self._free_slots(plan, outcome)
                if not room:
                    continue
                taken = outbox_table.claim(
                    connection, self._owner, outcome, now=now, until=now + self._lease, limit=room
                )
                for _ in taken:
                    plan.acquire(outcome.id, slow=self._is_slow(outcome))
                claimed += taken
        self._update_counters(ended, off)
        ended.clear()
        return claimed

    def _update_counters(self, ended: list[RequestOutcome], off: list[RequestOutcome]) -> None:
        for outcome in ended:
            self.succeeded += outcome.ok
            self.failed += outcome.counted and not outcome.ok
            if not outcome.ok:
                facts = {
                    "request": str(outcome.request.id),
                    "webhook": str(outcome.request.webhook.id),
                    "status": outcome.status,
                }
                self._log.warning("webhook.failed", **facts, reason=outcome.error, last=outcome.next_at is None)
        for outcome in off:
            self.disabled += 1
            self._log.error("webhook.disabled", webhook=str(outcome.request.webhook.id))

    async def _attempt(self, sender: WebhookClient, item: ClaimedRequest) -> RequestOutcome:
        try:
            secret = self._vault.open(item.webhook.secret)
        except VaultError as error:
            at = self._clock()
            return RequestOutcome(
                request=item, at=at, ok=False, error=str(error), next_at=at + UNSIGNABLE_DELAY_US, counted=False
            )
        headers = signing.signature_headers(secret, str(item.id), int(time.time()), item.body)
        started = time.monotonic()
        try:
            answer = await sender.post(item.webhook.url, headers, item.body)
        except Exception:
            self._log.exception("webhook.bug", request=str(item.id))
            answer = WebhookResponse(None, "an error of this service")
        (self._slow.add if time.monotonic() - started > SLOW_SECONDS else self._slow.discard)(item.webhook.id)
        return self._make_outcome(item, answer)

    def _make_outcome(self, item: ClaimedRequest, answer: WebhookResponse) -> RequestOutcome:
        at, attempts = self._clock(), item.attempts + 1
        next_at = None
        if not answer.ok and attempts < MAX_ATTEMPTS:
            wait = attempts**4 * self._retry * random.uniform(0.9, 1.1)  # noqa: S311  nothing secret
            next_at = at + int(wait * 1_000_000)
        return RequestOutcome(
            request=item, at=at, ok=answer.ok, status=answer.status, error=answer.error, next_at=next_at
        )

    def _release_claims(self, ended: list[RequestOutcome]) -> None:
        try:
            with self._database.write(WriteMode.CONCURRENT) as connection:
                for outcome in _sort_by_webhook(ended):
                    outbox_table.settle(connection, self._owner, outcome, MAX_CONSECUTIVE_FAILURES)
                outbox_table.release(connection, self._owner)
        except DatabaseUnavailable as error:
            self._log.warning("webhook.database_unavailable", error=str(error))  # the leases end by themselves

    def _clean_up(self) -> list[ClaimedRequest]:
        """Remove what ended long ago, whenever it is time, also while much is sent. Claims nothing.

        Nothing waits for the future either, whatever the clock has shown meanwhile.
        """
        if time.monotonic() >= self._clean_at:
            lease = max(2 * self._lease, MAX_SKEW_US)
            with self._database.write(WriteMode.CONCURRENT) as connection:
                if late := outbox_table.reset_future_times(
                    connection, self._owner, self._clock(), max_delay=self._max_delay_us + lease, lease=lease
                ):
                    self._log.warning("webhook.clock_set_back", requests=late)
                more = (
                    outbox_table.delete_old(connection, self._clock() - HISTORY_US) >= outbox_table.CLEANUP_BATCH_ROWS
                )
            self._clean_at = time.monotonic() + (POLL_SECONDS if more else CLEANUP_INTERVAL_SECONDS)
        return []


def _sort_by_webhook(outcomes: list[RequestOutcome]) -> list[RequestOutcome]:
    """In the order of webhooks, whose rows are updated: so workers wait for each other, and never in a circle."""
    return sorted(outcomes, key=lambda outcome: outcome.request.webhook.id.int)


def _collect_outcomes(running: RunningAttempts, shares: ConnectionShares) -> list[RequestOutcome]:
    """The outcomes of the tasks that ended, which are forgotten."""
    done = [task for task in running if task.done()]
    for task in done:
        item, lagging = running.pop(task)
        shares.release(item.webhook.id, slow=lagging)
    return [task.result() for task in done]

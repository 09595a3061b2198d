"""The webhook worker: makes the requests that the outbox holds, in a thread and an event loop of its own.

At least once, with the same `webhook-id`. Each endpoint has its own small share of the connections, so that a slow one
delays nobody else.
"""

import asyncio
import contextlib
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlsplit

import httpcore
from structlog.typing import FilteringBoundLogger

from linkweir.errors import StoreUnavailable, VaultError
from linkweir.store import outbox
from linkweir.store.engine import Store
from linkweir.store.outbox import Request
from linkweir.vault import Vault
from linkweir.webhook import sign
from linkweir.webhook.guard import Guarded, Network, Resolve, resolve

ATTEMPTS = 6  # then it has failed
MOST_FAILURES = 100  # attempts in a row; one more disables the webhook
SHARE = 4  # requests at a time to one endpoint
POLL = 1.0  # seconds
CLEAN_EVERY = 600.0  # seconds
KEPT = 7 * 86_400 * 1_000_000  # microseconds that a finished request stays, to be looked at and sent again
ANSWER_LIMIT = 64 * 1024  # bytes of an answer that are read, so that its connection can be used again


class WebhookWorker:
    """Makes requests until it is stopped. `sent` and `failed` count attempts since the start."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        log: FilteringBoundLogger,
        *,
        timeout: float,
        first_wait: float,
        at_once: int,
        networks: Sequence[Network],
        clock: Callable[[], int],
        resolver: Resolve = resolve,
    ) -> None:
        self._store = store
        self._vault = vault
        self._log = log
        self._timeout = timeout
        self._lease = int((timeout * 2 + 10) * 1_000_000)
        self._first_wait = first_wait
        self._at_once = at_once
        self._backend = Guarded(networks, resolver)
        self._clock = clock
        self._owner = uuid.uuid4()
        self._stopping = False
        self._clean_at = 0.0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._busy: Counter[uuid.UUID] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent = self.failed = 0

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to work."""
        self._stopping = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="linkweir-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is under way (it is bounded by the timeout) and end."""
        self._stopping = True
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._wake.set)
        if self._thread:
            self._thread.join()

    async def _run(self) -> None:
        self._wake = asyncio.Event()  # of this loop: a worker may be started again in another
        self._loop = asyncio.get_running_loop()
        # no proxy and no redirect: the request goes to the address that was checked, or nowhere
        async with httpcore.AsyncConnectionPool(
            network_backend=self._backend, max_connections=self._at_once, keepalive_expiry=10
        ) as pool:
            while not self._stopping:
                self._wake.clear()
                if not await self._round(pool) and not self._stopping:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), POLL)
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _round(self, pool: httpcore.AsyncConnectionPool) -> bool:
        try:
            claimed = await asyncio.to_thread(self._claim, self._at_once - len(self._tasks))
        except StoreUnavailable as error:
            self._log.warning("webhooks.store_unavailable", error=str(error))
            return False
        except Exception:
            self._log.exception("webhooks.bug")  # the loop must live: it is the only one
            return False
        for one in claimed:
            self._busy[one.webhook_id] += 1
            task = asyncio.create_task(self._attempt(pool, one))
            self._tasks.add(task)
            task.add_done_callback(partial(self._ended, one.webhook_id))
        return bool(claimed)

    def _ended(self, webhook: uuid.UUID, task: asyncio.Task[None]) -> None:
        self._busy[webhook] -= 1
        self._tasks.discard(task)
        self._wake.set()

    def _claim(self, free: int) -> list[Request]:
        now = self._clock()
        if time.monotonic() >= self._clean_at:
            self._clean_at = time.monotonic() + CLEAN_EVERY
            with self._store.write() as connection:
                outbox.drop_finished(connection, now - KEPT)
        with self._store.read() as connection:
            due = outbox.next_due(connection)
        if free <= 0 or due is None or due > now:
            return []
        busy = [webhook for webhook, count in self._busy.items() if count >= SHARE]
        with self._store.write() as connection:
            # one at a time past the first free ones: a claim must not give one endpoint more than its share
            limit = min(free, SHARE)
            return outbox.claim(connection, self._owner, now, now + self._lease, limit=limit, busy=busy)

    async def _attempt(self, pool: httpcore.AsyncConnectionPool, one: Request) -> None:
        status, error = await self._request(pool, one)
        try:
            await asyncio.to_thread(self._settle, one, status, error)
        except StoreUnavailable as reason:  # its lease ends, and it is made again
            self._log.warning("webhooks.store_unavailable", error=str(reason))

    async def _request(self, pool: httpcore.AsyncConnectionPool, one: Request) -> tuple[int | None, str | None]:
        """The answer's status, and what was wrong; nothing when the endpoint took it."""
        try:
            secret = self._vault.open(one.secret).decode()
            async with asyncio.timeout(self._timeout):
                status = await _post(pool, one, secret)
        except TimeoutError:
            return None, f"no answer within {self._timeout:g} seconds"
        except (httpcore.ConnectError, httpcore.NetworkError, httpcore.TimeoutException) as error:
            return None, f"{type(error).__name__}: {error}"[:300]
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, VaultError, UnicodeError, OSError) as error:
            return None, f"{type(error).__name__}: {error}"[:300]
        return status, None if 200 <= status < 300 else f"answered {status}"

    def _settle(self, one: Request, status: int | None, error: str | None) -> None:
        now = self._clock()
        if error is None and status is not None:
            self.sent += 1
            with self._store.write() as connection:
                outbox.succeed(connection, self._owner, one, status=status, now=now)
            return
        self.failed += 1
        number = one.attempts + 1
        wait = number**4 * self._first_wait * random.uniform(0.9, 1.1)  # noqa: S311
        due_at = now + int(wait * 1_000_000) if number < ATTEMPTS else None
        with self._store.write() as connection:
            disabled = outbox.fail(
                connection,
                self._owner,
                one,
                status=status,
                error=error or "",
                now=now,
                due_at=due_at,
                most=MOST_FAILURES,
            )
        if disabled:
            self._log.error("webhook.disabled", webhook=str(one.webhook_id), failures=MOST_FAILURES + 1)


async def _post(pool: httpcore.AsyncConnectionPool, one: Request, secret: str) -> int:
    head: dict[bytes | str, bytes | str] = {
        "host": urlsplit(one.url).netloc.rpartition("@")[2],
        "content-type": "application/json",
        "content-length": str(len(one.body)),
        "user-agent": "Linkweir-Webhooks/1",
    }
    head.update(sign.headers(secret, str(one.id), int(time.time()), one.body))
    async with pool.stream("POST", one.url, headers=head, content=one.body) as response:
        size = 0
        async for chunk in response.aiter_stream():
            size += len(chunk)
            if size > ANSWER_LIMIT:
                break  # the connection is closed instead of being read to its end
        return int(response.status)

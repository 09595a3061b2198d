"""What the doors may use: the constructed parts of one service, handed over by the application."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import anyio.to_thread
from starlette.requests import Request
from structlog.typing import FilteringBoundLogger

from linkweir.background import Heartbeat
from linkweir.click.gate import GateKeeper
from linkweir.click.journal import Journal
from linkweir.click.worker import ClickWorker
from linkweir.edge.attempts import Attempts
from linkweir.edge.limits import Limits
from linkweir.edge.memory import Incoming
from linkweir.edge.metrics import Metrics
from linkweir.mail.deliver import DeliveryWorker
from linkweir.mail.submit import Submitter
from linkweir.report.person import People
from linkweir.settings import Settings
from linkweir.store.engine import Store
from linkweir.token import KeyRing
from linkweir.vault import Vault

if TYPE_CHECKING:
    from linkweir.edge.own_pages import OwnPages

T = TypeVar("T")


class Running(Protocol):
    """Something that has a thread of its own."""

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""


class Parts(Protocol):
    """One service, as its doors see it."""

    settings: Settings
    has_workers: bool
    account: uuid.UUID | None
    log: FilteringBoundLogger
    store: Store
    clicks: ClickWorker
    gate: GateKeeper
    recording: dict[str, Any]
    worker: DeliveryWorker
    submitter: Submitter
    people: People
    vault: Vault
    limits: Limits
    statistics_limits: Limits
    attempts: Attempts
    metrics: Metrics
    heartbeat: Heartbeat
    incoming: Incoming
    own_pages: "OwnPages"

    @property
    def journal(self) -> Journal:
        """Where clicks go before anything else."""

    @property
    def webhooks(self) -> Running:
        """What tells webhooks."""

    @property
    def smtp_servers(self) -> Sequence[Running]:
        """What listens for mail."""

    @property
    def ring(self) -> KeyRing:
        """The key ring as it is now."""

    @property
    def tracking_host(self) -> str:
        """The service's own host for tracking links."""

    def add_tracking_host(self, host: str) -> None:
        """Links live on this host too from now on."""

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run blocking work off the event loop, a bounded number at a time."""

    async def for_reader(self, work: Callable[[], T]) -> T:
        """The same for somebody who follows a link, in threads that nothing else keeps busy."""


def parts_of(request: Request) -> Parts:
    """The service that this request came to."""
    parts: Parts = request.app.state.linkweir
    return parts


def now() -> int:
    """This moment in microseconds since 1970."""
    return time.time_ns() // 1000


async def run_bounded(work: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
    """Blocking work in a thread. Not abandoned when the client goes away: half a transaction is worse than
    late.
    """
    return await anyio.to_thread.run_sync(work, limiter=limiter)

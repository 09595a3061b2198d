"""What the doors may use: the constructed parts of one service, handed over by the application."""

import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import anyio.to_thread
from starlette.requests import Request
from structlog.typing import FilteringBoundLogger

from linkweir.accounts.sign_in_limiter import SignInLimiter
from linkweir.background import Heartbeat
from linkweir.clicks.ingest.ingest_worker import IngestWorker
from linkweir.clicks.journal.interface import Journal
from linkweir.clicks.link_policy import LinkPolicyCache
from linkweir.db.database import Database
from linkweir.mail.delivery_worker import DeliveryWorker
from linkweir.mail.submission import Submitter
from linkweir.privacy.erasure import PrivacyRequests
from linkweir.settings import Settings
from linkweir.tokens import KeyRing
from linkweir.vault import Vault
from linkweir.web.memory_budget import MemoryBudget
from linkweir.web.metrics import Metrics
from linkweir.web.rate_limit import TokenBuckets

if TYPE_CHECKING:
    from linkweir.web.operator_pages import OperatorPages

T = TypeVar("T")


class HasThread(Protocol):
    """Something that has a thread of its own."""

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""


class AppServices(Protocol):
    """One service, as its doors see it."""

    settings: Settings
    runs_workers: bool
    account: uuid.UUID | None
    log: FilteringBoundLogger
    store: Database
    click_worker: IngestWorker
    link_policy: LinkPolicyCache
    capture_options: dict[str, Any]
    delivery_worker: DeliveryWorker
    submitter: Submitter
    privacy_requests: PrivacyRequests
    vault: Vault
    limits: TokenBuckets
    statistics_limits: TokenBuckets
    sign_in_limiter: SignInLimiter
    metrics: Metrics
    heartbeat: Heartbeat
    memory_budget: MemoryBudget
    operator_pages: "OperatorPages"

    @property
    def journal(self) -> Journal:
        """Where clicks go before anything else."""

    @property
    def webhooks(self) -> HasThread:
        """What tells webhooks."""

    @property
    def smtp_servers(self) -> Sequence[HasThread]:
        """What listens for mail."""

    @property
    def keyring(self) -> KeyRing:
        """The key ring as it is now."""

    @property
    def tracking_host(self) -> str:
        """The service's own host for tracking links."""

    def add_tracking_host(self, host: str) -> None:
        """Links live on this host too from now on."""

    async def run_blocking(self, work: Callable[[], T]) -> T:
        """Run blocking work off the event loop, a bounded number at a time."""

    async def run_redirect_lookup(self, work: Callable[[], T]) -> T:
        """The same for somebody who follows a link, in threads that nothing else keeps busy."""


def services_from(request: Request) -> AppServices:
    """The service that this request came to."""
    parts: AppServices = request.app.state.linkweir
    return parts


async def run_in_thread(work: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
    """Blocking work in a thread. Not abandoned when the client goes away: half a transaction is worse than
    late.
    """
    return await anyio.to_thread.run_sync(work, limiter=limiter)

"""The components of one service, which `app` makes and front ends use."""

import atexit
import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.requests import Request
from structlog.typing import FilteringBoundLogger

from linkweir.accounts.domains import TrackingHosts
from linkweir.accounts.host_checks import HostChecker
from linkweir.accounts.sign_in_limiter import SignInLimiter
from linkweir.background import Heartbeat, Lifecycle, PeriodicWorker, RefreshThread, ThreadSupervisor
from linkweir.clicks.click_event import RecordingPolicy
from linkweir.clicks.ingest.ingest_worker import IngestWorker
from linkweir.clicks.ingest.message_clicks import ClickClassifier
from linkweir.clicks.ingest.rebuild_worker import RebuildWorker
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.journal.interface import Journal
from linkweir.clicks.journal.local_journal import LocalJournal
from linkweir.clicks.link_policy import LinkPolicyCache
from linkweir.clicks.transport.carrier import ClickCarrier
from linkweir.clicks.transport.click_transport import ClickTransport
from linkweir.db.database import Database
from linkweir.errors import LinkweirError
from linkweir.machine_status import MachineHeartbeat
from linkweir.mail.delivery_worker import DeliveryWorker
from linkweir.mail.submission import Submitter
from linkweir.privacy.erasure import PrivacyRequests
from linkweir.process_lock import ProcessLock
from linkweir.settings import Settings
from linkweir.tokens import KeyRing
from linkweir.tracking_keyring import TrackingKeyRing
from linkweir.vault import Vault
from linkweir.web.memory_budget import MemoryBudget
from linkweir.web.metrics import Metrics
from linkweir.web.oidc_client import OidcClient
from linkweir.web.operator_pages import OperatorPages
from linkweir.web.rate_limit import BucketStore, RateLimit
from linkweir.web.stream_slots import StreamSlots
from linkweir.webhooks.webhook_worker import WebhookWorker

T = TypeVar("T")


@dataclass(kw_only=True)
class AppServices:
    """One service. `start` and `stop` do I/O and may be called from any thread; making one does none."""

    settings: Settings
    log: FilteringBoundLogger
    runs_workers: bool  # False in a process that only answers HTTP
    account: uuid.UUID | None = None  # the default account, known from the start on
    database: Database
    vault: Vault
    tracking_keyring: TrackingKeyRing
    tracking_hosts: TrackingHosts
    classifier: ClickClassifier
    recording_policy: RecordingPolicy
    dead_letters: DeadLetterFile
    local_journal: LocalJournal
    journal: Journal  # the local one, or one that its owner starts and stops
    click_worker: IngestWorker
    click_transport: ClickTransport | None  # None: the workers of this machine read its journal
    click_carrier: ClickCarrier | None
    link_policy: LinkPolicyCache
    rebuilder: RebuildWorker
    submitter: Submitter
    delivery_worker: DeliveryWorker
    smtp_servers: list[Any] = field(default_factory=list)  # of `smtp.smtp_server.SmtpServer`, which imports this module
    webhooks: WebhookWorker
    privacy_requests: PrivacyRequests
    limits: RateLimit
    statistics_limits: RateLimit
    bucket_store: BucketStore
    sign_in_limiter: SignInLimiter
    process_lock: ProcessLock
    memory_budget: MemoryBudget
    stream_slots: StreamSlots = field(default_factory=StreamSlots)
    operator_pages: OperatorPages
    oidc_client: OidcClient | None = None
    metrics: Metrics = field(default_factory=Metrics)
    heartbeat: Heartbeat
    machine_heartbeat: MachineHeartbeat
    retention_worker: PeriodicWorker
    dead_letter_worker: PeriodicWorker
    report_mail_worker: PeriodicWorker
    domain_worker: PeriodicWorker
    refresh_thread: RefreshThread
    supervisor: ThreadSupervisor
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    thread_limiter: anyio.CapacityLimiter
    redirect_limiter: anyio.CapacityLimiter

    @property
    def keyring(self) -> KeyRing:
        """The key ring as the key file has it."""
        return self.tracking_keyring.current

    @property
    def tracking_host(self) -> str:
        """The service's own host for tracking links, without a port: what a CNAME may lead to."""
        return urlsplit(self.settings.base_url).hostname or ""

    @property
    def host_checker(self) -> HostChecker:
        """What looks whether tracking hosts of domains lead to this service."""
        settings, base = self.settings, urlsplit(self.settings.base_url)
        return HostChecker(
            self.tracking_host,
            tls_port=(base.port or 443) if base.scheme == "https" else None,
            allowed=settings.webhook_networks,
            name_servers=settings.dns_servers,
        )

    @property
    def needs_domain_proof(self) -> bool:
        """Whether domains have to be proven, as of the last refresh: there are several accounts."""
        return self.tracking_hosts.needs_proof

    def add_tracking_host(self, host: str) -> None:
        """Recognise tracking links on this host too."""
        self.tracking_keyring.add_host(host)

    def start(self) -> None:
        """Start every component, unless that was done. Raises the error that kept one from starting."""
        if self.lifecycle.start():
            atexit.register(self._stop_at_exit)
            self.log.info("service.started", account=str(self.account), link_style=self.settings.link_style)

    def stop(self) -> None:
        """Finish the work under way and stop every component; nothing when it does not run."""
        if self.lifecycle.stop():
            atexit.unregister(self._stop_at_exit)
            self.log.info("service.stopped")

    def _stop_at_exit(self) -> None:
        """For a host that never stops the service; its standard error may be closed by then."""
        with contextlib.suppress(ValueError):
            self.stop()

    @property
    def running(self) -> bool:
        """Whether it has started and was not stopped."""
        return self.lifecycle.running

    async def ensure_started(self) -> None:
        """Start with the first request, if nobody did before; a service that was stopped stays stopped."""
        if self.lifecycle.is_new:
            await anyio.to_thread.run_sync(self.start)
        if not self.running:
            raise LinkweirError("the service was stopped")

    async def run_blocking(self, work: Callable[[], T]) -> T:
        """Run blocking work off the event loop, a bounded number at a time."""
        return await run_in_thread(work, self.thread_limiter)

    async def consume_request(self, limit: RateLimit, account: uuid.UUID) -> None:
        """Count one request of an account. Raises RateLimited, DatabaseUnavailable."""
        if not limit.try_consume(account):
            await self.run_blocking(lambda: limit.consume(account))

    async def run_redirect_lookup(self, work: Callable[[], T]) -> T:
        """Run blocking work of a redirect, in threads that nothing else keeps busy."""
        return await run_in_thread(work, self.redirect_limiter)


def services_from(request: Request) -> AppServices:
    """The service that this request came to."""
    services: AppServices = request.app.state.linkweir
    return services


async def run_in_thread(work: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
    """Run blocking work in a thread. It is not abandoned when the client goes away: half a transaction is worse than a
    late one.
    """
    return await anyio.to_thread.run_sync(work, limiter=limiter)

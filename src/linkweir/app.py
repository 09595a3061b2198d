"""Assembles the service: makes its components from the settings, and the ASGI application in front of them.

    app = create_app(Settings(data=Path("/var/lib/linkweir"), base_url="https://t.example.com/"))

Served by itself, the application starts and stops with its own lifespan. Mounted in another one it is best given a
place in that one's lifespan (`async with linkweir_lifespan(app)`), for a mount does not run it; without that it starts
with the first request.
"""

import socket
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from structlog.typing import FilteringBoundLogger

from linkweir import integrity
from linkweir.accounts.domain_checks import WAKE_SECONDS, DomainChecks
from linkweir.accounts.domains import TrackingHosts
from linkweir.accounts.idempotency import discard_abandoned
from linkweir.accounts.request_limits import RequestLimit
from linkweir.accounts.sign_in_limiter import SignInLimiter
from linkweir.accounts.skip_patterns import compile_skip_pattern
from linkweir.api import openapi_document as openapi
from linkweir.api import operations as api
from linkweir.api.v2.send_endpoints import send_without_http
from linkweir.background import Component, Heartbeat, PeriodicWorker, RefreshThread, ThreadSupervisor
from linkweir.clicks.click_event import RecordingPolicy
from linkweir.clicks.ingest.click_notifications import enqueue_notifications
from linkweir.clicks.ingest.ingest_worker import IngestWorker
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clicks.ingest.rebuild_worker import RebuildWorker
from linkweir.clicks.journal.carry_signals import CarrySignals
from linkweir.clicks.journal.dead_letter_retention import DeadLetterRetention
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.journal.interface import EventSource, Journal
from linkweir.clicks.journal.local_journal import LocalJournal
from linkweir.clicks.link_policy import LinkPolicyCache
from linkweir.clicks.transport.carrier import ClickCarrier
from linkweir.clicks.transport.transport_selection import make_click_transport
from linkweir.clock import MAX_SKEW_US, now
from linkweir.dashboard import routes as dashboard
from linkweir.db.database import Database
from linkweir.db.schema_upgrade import create_database, migrate
from linkweir.errors import DatabaseUnavailable, LinkweirError
from linkweir.first_start import ensure_default_account
from linkweir.html import Switches
from linkweir.key_rollout import KeyRollout, own_machine
from linkweir.machine_status import MachineHeartbeat
from linkweir.mail.delivery_worker import DeliveryWorker
from linkweir.mail.dkim_signing import DkimSigner
from linkweir.mail.retention_job import delete_expired
from linkweir.mail.submission import Submitter
from linkweir.mail.transport.transport_factory import create_transports
from linkweir.privacy_requests import build_classifier, build_privacy_requests
from linkweir.process_lock import ProcessLock
from linkweir.report_mails import send_reports
from linkweir.service_metrics import register_metrics
from linkweir.service_secrets import choose_keyring_source, make_vault, uses_master_key
from linkweir.settings import Settings
from linkweir.smtp import smtp_server as smtp
from linkweir.tracking_keyring import TrackingKeyRing
from linkweir.vault import Vault
from linkweir.web import (
    app_links,
    documentation_pages,
    error_responses,
    health,
    home_page,
    on_demand_tls,
    operator_pages,
    privacy_page,
)
from linkweir.web.memory_budget import MemoryBudget
from linkweir.web.middleware import RequestDispatcher
from linkweir.web.oidc_client import make_oidc_client
from linkweir.web.rate_limit import FileBuckets, RateLimit, TokenBuckets
from linkweir.web.services import AppServices
from linkweir.web.shared_rate_limit import SharedRateLimit
from linkweir.web.structured_logging import make_logger
from linkweir.webhooks.http_client import WebhookClient
from linkweir.webhooks.webhook_worker import WebhookWorker

REDIRECT_LOOKUP_THREADS = 4  # look up short links: an erasure may keep all threads of the API busy for seconds
STANDALONE_ROLES = {"redirect", "count"}  # of a machine that starts, and goes on, while the database is away
Role = Literal["all", "web", "background"]  # what a process does: everything, answer HTTP, or everything but that


def create_services(
    settings: Settings, log: FilteringBoundLogger, role: Role = "all", journal: Journal | None = None
) -> AppServices:
    """The components of one service. `journal` replaces the local one; whoever made it starts and stops it."""
    database = create_database(
        settings,
        connections=settings.threads + REDIRECT_LOOKUP_THREADS + 2,
        write_lock=threading.Lock(),
    )
    database.on_wal_lost = lambda: log.error("database.log_removed", database=database.name)
    vault = make_vault(settings, database)
    classifier = build_classifier(settings, log, vault)
    max_delay_us = 2 * max(classifier.notify_delay_us, classifier.correction_delay_us) + MAX_SKEW_US
    dead_letters = DeadLetterFile(settings.spool_path, log)
    carry_signals = CarrySignals(settings.spool_path) if settings.click_durable == "cluster" else None
    local_journal = LocalJournal(
        settings.spool_path,
        log,
        dead_letters=dead_letters.append,
        capacity=settings.journal_facts,
        wait=settings.click_wait,
        carry_signals=carry_signals,
    )
    dead_letter_retention = DeadLetterRetention(dead_letters, database)
    heartbeat = Heartbeat(settings.data)
    submitter = create_submitter(settings, database, log, heartbeat.require_recent if role == "web" else lambda: None)
    rollout = KeyRollout(own_machine(settings), is_shared=bool(settings.database))
    tracking_keyring = TrackingKeyRing(
        choose_keyring_source(settings, database), database, submitter.defaults, log, rollout
    )
    tracking_hosts = TrackingHosts(database, log)
    link_policy = LinkPolicyCache(database, log, compile_skip_pattern)
    bucket_store = FileBuckets(settings.data)
    events: EventSource = journal or local_journal
    transport = make_click_transport(settings, database, vault, log, dead_letters)
    click_worker = IngestWorker(
        database,
        transport or events,
        log,
        ingest=lambda connection, events: ingest_events(connection, events, classifier, database.now()),
        notify=lambda connection: enqueue_notifications(
            connection, database.now(), tracking_keyring.current, max_delay_us=max_delay_us
        ),
        dead_letters=dead_letters,
        is_idle=local_journal.is_idle if events is local_journal and transport is None else lambda: True,
        retry_seconds=settings.spool_retry,
        claim_seconds=0.0 if transport is None else transport.lease_seconds,
    )

    def make_limit(rate: float, burst: int, name: str) -> RateLimit:
        if not settings.database:
            return TokenBuckets(rate, burst, bucket_store, name)
        return SharedRateLimit(rate, burst, bucket_store, name, RequestLimit(database, rate, burst, name).take)

    services = AppServices(
        settings=settings,
        log=log,
        runs_workers=role != "web",
        database=database,
        vault=vault,
        tracking_keyring=tracking_keyring,
        tracking_hosts=tracking_hosts,
        classifier=classifier,
        recording_policy=RecordingPolicy(
            classifier.enricher.enrich,
            honor_opt_out=settings.heed_objections,
            truncate_ip=settings.shorten_addresses,
        ),
        dead_letters=dead_letters,
        local_journal=local_journal,
        journal=journal or local_journal,
        click_worker=click_worker,
        click_transport=transport,
        click_carrier=None
        if transport is None
        else ClickCarrier(
            events,
            transport,
            log,
            retry_seconds=settings.spool_retry,
            on_carried=click_worker.wake,
            carry_signals=carry_signals,
        ),
        link_policy=link_policy,
        rebuilder=RebuildWorker(database, log, now),
        submitter=submitter,
        delivery_worker=_create_delivery_worker(settings, database, vault, log),
        webhooks=_create_webhook_worker(settings, database, vault, log),
        privacy_requests=build_privacy_requests(
            settings, database, log, lambda: classifier, lambda: tracking_keyring.current
        ),
        limits=make_limit(settings.rate_limit, settings.rate_burst, "requests"),
        statistics_limits=make_limit(settings.statistics_rate, settings.statistics_burst, "statistics"),
        bucket_store=bucket_store,
        sign_in_limiter=SignInLimiter(database, database.now),
        process_lock=ProcessLock(settings.data),
        memory_budget=MemoryBudget(settings.max_incoming),
        operator_pages=operator_pages.OperatorPages(settings),
        oidc_client=make_oidc_client(settings) if role != "background" else None,
        heartbeat=heartbeat,
        machine_heartbeat=MachineHeartbeat(database, settings),
        retention_worker=PeriodicWorker(
            "retention",
            lambda is_stopping: delete_expired(database, database.now(), log, is_stopping),
            log,
            settings.retention_seconds,
        ),
        dead_letter_worker=PeriodicWorker(
            "dead-letters",
            lambda _is_stopping: dead_letter_retention.run(),
            log,
            settings.retention_seconds,
        ),
        report_mail_worker=PeriodicWorker(
            "report-mails",
            lambda is_stopping: send_reports(database, settings, database.now(), log, is_stopping),
            log,
            settings.retention_seconds,
        ),
        domain_worker=PeriodicWorker(
            "domain-checks",
            lambda is_stopping: DomainChecks(
                database,
                services.host_checker,
                services.add_tracking_host,
                settings.domain_check_seconds,
                log,
            ).check_due(is_stopping),
            log,
            min(settings.domain_check_seconds, WAKE_SECONDS),
        ),
        refresh_thread=RefreshThread(
            log, (tracking_keyring.refresh, tracking_hosts.refresh, link_policy.refresh, classifier.enricher.refresh)
        ),
        supervisor=ThreadSupervisor(log, lambda: health.write_heartbeat(services)),
        thread_limiter=anyio.CapacityLimiter(settings.threads),
        redirect_limiter=anyio.CapacityLimiter(REDIRECT_LOOKUP_THREADS),
    )
    local_journal.on_durable = (services.click_carrier or click_worker).wake
    register_metrics(services)
    services.lifecycle.components = _list_components(services)
    return services


def _list_components(services: AppServices) -> list[Component]:
    """Everything that starts and stops, in the order of the start."""
    has_role = services.settings.has_role
    redirects = has_role("redirect") and services.journal is services.local_journal
    components = [
        Component("database", lambda: prepare(services), services.database.close),
        Component("process-lock", lambda: _lock_process(services), services.process_lock.release),
        Component("rate-limits", lambda: None, services.bucket_store.close),
        Component("machine", lambda: None, lambda: _leave(services)),  # once its clicks are out of the journal
    ]
    if services.runs_workers:  # ports may be taken: before any thread runs
        components.append(Component("smtp-ports", lambda: smtp.listen(services), lambda: smtp.stop(services)))
    if services.journal is services.local_journal:
        components.append(Component("journal-reader", lambda: None, services.local_journal.close))
    if (transport := services.click_transport) is not None:
        components.append(Component("click-transport", lambda: None, transport.close))
    components.append(Component.from_thread("refresh", services.refresh_thread))
    if services.runs_workers and has_role("count"):
        components.append(Component.from_thread("clicks", services.click_worker))
    if services.runs_workers and redirects and services.click_carrier is not None:
        # stops before the ingest worker, and after the journal
        components.append(Component.from_thread("carrier", services.click_carrier))
    if redirects:  # stops before the ingest worker, which stores its last clicks
        components.append(Component.from_thread("journal", services.local_journal))
    if services.runs_workers:
        components += _list_workers(services)
    components.append(Component("supervisor", lambda: _supervise(services), services.supervisor.stop))
    return components


def _leave(services: AppServices) -> None:
    services.machine_heartbeat.close(services.local_journal.unacknowledged)


def _list_workers(services: AppServices) -> list[Component]:
    """The workers that the machine's roles want, but for that which reads the journal."""
    has_role = services.settings.has_role
    workers = [
        ("housekeeping", Component("rebuild", services.rebuilder.start, services.rebuilder.stop)),
        ("housekeeping", Component.from_thread("report-mails", services.report_mail_worker)),
        ("housekeeping", Component.from_thread("domain-checks", services.domain_worker)),
        ("deliver", Component.from_thread("worker", services.delivery_worker)),
        ("notify", Component.from_thread("webhooks", services.webhooks)),
    ]
    if not has_role("deliver"):  # which keeps house itself
        workers.append(("housekeeping", Component.from_thread("retention", services.retention_worker)))
    components = [component for role, component in workers if has_role(role)]
    if has_role("redirect", "count"):  # both set events aside
        components.append(Component.from_thread("dead-letters", services.dead_letter_worker))
    smtp_servers = Component("smtp", lambda: smtp.start(services), lambda: smtp.stop(services))
    return [*components, smtp_servers]


def prepare(services: AppServices) -> None:
    """Check the operator's files and the data folder, bring the database up to date and load the key ring. When that
    fails nothing is left open.
    """
    try:
        _prepare(services)
    except BaseException:
        services.database.close()
        raise


def _prepare(services: AppServices) -> None:
    settings = services.settings
    for path in (settings.apple_app_links, settings.android_app_links):
        if path is not None:
            app_links.load_app_links(path)
    services.operator_pages.load()
    for folder in (settings.data, settings.spool_path):  # its parents would get the usual mode
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _prepare_database(services)
    except DatabaseUnavailable as error:
        if not set(settings.roles) <= STANDALONE_ROLES:
            raise
        services.log.warning("service.database_away", error=str(error))
        services.tracking_keyring.load_without_database()


def _prepare_database(services: AppServices) -> None:
    settings = services.settings
    integrity.check_database(settings)
    migrate(services.database)
    integrity.check_keys(services.tracking_keyring.source, services.vault, services.database, services.log)
    if uses_master_key(settings):
        services.vault.seal(b"")  # its key is made in a transaction, for which one that needs it would wait for ever
    services.account = ensure_default_account(services.database, settings, services.tracking_keyring.load())


def _lock_process(services: AppServices) -> None:
    services.process_lock.acquire()
    if services.settings.has_role("api"):
        discard_abandoned(services.database, services.process_lock)


def _supervise(services: AppServices) -> None:
    threads = {each.name: each.thread for each in services.lifecycle.components if each.thread}
    threads |= {f"smtp-{number}": server for number, server in enumerate(services.smtp_servers)}
    services.supervisor.threads = threads
    services.heartbeat.begin_listening()
    services.supervisor.start()


def create_submitter(
    settings: Settings,
    database: Database,
    log: FilteringBoundLogger,
    require_delivery: Callable[[], None] = lambda: None,
) -> Submitter:
    """What accepts mail with the operator's settings, for the service and for a command beside it."""
    switches = Switches(opt_out=settings.opt_out, skip=settings.skip, outlook=settings.outlook, track_placeholders=True)
    return Submitter(database, settings.base_url, switches, settings.link_style, log, require_delivery=require_delivery)


def _create_delivery_worker(
    settings: Settings, database: Database, vault: Vault, log: FilteringBoundLogger
) -> DeliveryWorker:
    return DeliveryWorker(
        database,
        create_transports(settings),
        log,
        lease=settings.claim_seconds,
        first_wait=settings.retry_seconds,
        clock=database.now,
        concurrency=settings.delivery_connections,
        signer=DkimSigner(database, vault, log),
        retention_interval=settings.retention_seconds if settings.has_role("housekeeping") else None,
        hostname=settings.mail_hostname or socket.gethostname(),
    )


def _create_webhook_worker(
    settings: Settings, database: Database, vault: Vault, log: FilteringBoundLogger
) -> WebhookWorker:
    return WebhookWorker(
        database,
        vault,
        log,
        make_client=lambda: WebhookClient(
            timeout=settings.webhook_timeout,
            connections=settings.webhook_connections,
            allowed=settings.webhook_networks,
        ),
        connections=settings.webhook_connections,
        lease=settings.claim_seconds + settings.webhook_timeout,
        retry=settings.webhook_retry_seconds,
        clock=database.now,
    )


class LinkweirApp(Starlette):
    """The service as an ASGI application. `app.state.linkweir` is its AppServices."""

    @property
    def services(self) -> AppServices:
        """Its components."""
        services: AppServices = self.state.linkweir
        return services

    @property
    def account_id(self) -> uuid.UUID:
        """The id of the default account. Raises LinkweirError before the service has started."""
        if self.services.account is None:
            raise LinkweirError("the account is known once the service has started")
        return self.services.account

    async def send(self, message: Mapping[str, Any], *, account_id: uuid.UUID | None = None) -> list[dict[str, Any]]:
        """Send a message without a round trip over HTTP; return the result for each recipient.

        `message`: the fields of `POST …/messages` of API v2, with the same validation; attachments may have bytes as
        `data`. `account_id`: by default the default account. Each entry has `id`, `recipient`, `status` and `error`.
        Starts the service if nobody did. Raises ValidationError, NotFound (of the account), DatabaseUnavailable.
        """
        await self.services.ensure_started()
        account = account_id or self.account_id
        return await self.services.run_blocking(lambda: send_without_http(self.services, message, account))


def create_app(
    settings: Settings,
    log: FilteringBoundLogger | None = None,
    role: Role = "all",
    journal: Journal | None = None,
) -> LinkweirApp:
    """The application for these settings. Does no I/O yet."""
    services = create_services(
        settings, log or make_logger(settings.log_level, log_format=settings.log_format), role, journal
    )
    app = LinkweirApp(
        routes=[
            *health.ROUTES,
            *on_demand_tls.ROUTES,
            *app_links.ROUTES,
            *home_page.ROUTES,
            *([*openapi.ROUTES, *api.ROUTES] if settings.has_role("api") else []),
            *privacy_page.ROUTES,
            *([*documentation_pages.ROUTES, *dashboard.ROUTES] if settings.has_role("dashboard") else []),
        ],
        lifespan=linkweir_lifespan,
    )
    # not Starlette's own stack, in which a middleware that answers bugs would come before ours
    handled = ExceptionMiddleware(app.router, handlers=error_responses.EXCEPTION_HANDLERS)
    app.middleware_stack = RequestDispatcher(handled, services)
    app.router.redirect_slashes = False  # it would send people to whatever the Host header says
    app.state.linkweir = services
    return app


@asynccontextmanager
async def linkweir_lifespan(app: Starlette) -> AsyncIterator[None]:
    """Start and stop an application made here: for the lifespan of the application that it is mounted in."""
    services: AppServices = app.state.linkweir
    await anyio.to_thread.run_sync(services.start)
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(services.stop)

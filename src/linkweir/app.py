"""Constructs everything: settings -> store -> flows -> routes and workers. The only file that does.

    app = create_app(Settings(data=Path("/var/lib/linkweir"), base_url="https://t.example.com/"))

Served by itself, the application starts and stops with its own lifespan. Mounted inside another one it
is best given a place in that one's lifespan (`async with linkweir_lifespan(app)`), for a mount does not
run it; without that it starts with the first request.
"""

import atexit
import contextlib
import functools
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import anyio
from sqlalchemy import Connection
from starlette.applications import Starlette
from starlette.middleware import Middleware
from structlog.typing import FilteringBoundLogger

from linkweir import background, integrity
from linkweir.accounts import passwords
from linkweir.accounts.sign_in_limiter import SignInLimiter
from linkweir.accounts.skip_patterns import compile_skip_pattern
from linkweir.api import openapi_document as openapi
from linkweir.api import operations as api
from linkweir.background import DEAD_SECONDS, Heartbeat, ThreadSupervisor
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.ingest.classifier import ClickClassifier
from linkweir.clicks.ingest.ingest_worker import IngestWorker, drain_and_wait
from linkweir.clicks.ingest.notifications import enqueue_notifications
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clicks.ingest.rebuild_worker import RebuildWorker
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.journal.interface import Journal
from linkweir.clicks.journal.local_journal import LocalJournal
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.clicks.link_policy import LinkPolicyCache
from linkweir.clock import now
from linkweir.dashboard import routes as dashboard
from linkweir.db import (
    accounts_table,
    api_keys_table,
    delivery_queue_table,
    domains_table,
    outbox_table,
    smtp_credentials_table,
    users_table,
)
from linkweir.db.database import Database
from linkweir.db.schema_upgrade import migrate
from linkweir.errors import DatabaseUnavailable, KeyRingError, LinkweirError
from linkweir.html import Switches
from linkweir.mail.delivery_worker import DeliveryWorker
from linkweir.mail.dkim_signing import DkimSigner
from linkweir.mail.submission import Submitter
from linkweir.mail.transport import Transport, maildir
from linkweir.mail.transport.discard import DiscardTransport
from linkweir.mail.transport.maildir import MaildirTransport
from linkweir.mail.transport.smtp_relay import SmtpRelay
from linkweir.mail.transport.smtp_relay import parse_relay_url as relay_address
from linkweir.mail.transport.unavailable import UnavailableTransport
from linkweir.privacy import sealed_destinations
from linkweir.privacy.erasure import ExternalData, PrivacyRequests
from linkweir.privacy.erasure_lock import exclusive_erasure
from linkweir.settings import Settings
from linkweir.smtp import authenticator
from linkweir.smtp import smtp_server as smtp
from linkweir.tokens import KeyRing, keyring_file
from linkweir.vault import Vault
from linkweir.web import (
    app_links,
    authentication,
    documentation_pages,
    error_responses,
    health,
    on_demand_tls,
    operator_pages,
    privacy_page,
)
from linkweir.web.host_routing import HostRouting
from linkweir.web.json_logging import make_logger
from linkweir.web.memory_budget import MemoryBudget
from linkweir.web.metrics import Metrics
from linkweir.web.middleware import RedirectFastPath, RequestLogging
from linkweir.web.rate_limit import TokenBuckets
from linkweir.web.services import run_in_thread
from linkweir.webhooks.http_client import WebhookClient
from linkweir.webhooks.webhook_worker import WebhookWorker

T = TypeVar("T")
ERASURE_DRAIN_SECONDS = 10.0  # seconds that an erasure waits for clicks that are on their way
REDIRECT_LOOKUP_THREADS = (
    4  # threads that look up short links, beside those of the API: an erasure may keep all of these for seconds
)
FIRST_USER_EMAIL = "admin@localhost"
Role = Literal["all", "web", "background"]  # what a process does: everything, answer HTTP, or everything but that
KEYRING_POLL_SECONDS = 2.0  # seconds between looks at the key file


class Service:
    """The parts of one service. Constructing does no I/O; `start` and `stop` do, and may be called from any
    thread.

    `journal`: another one than the embedded, which then does not run; whoever made it starts and ends it.
    """

    def __init__(
        self, settings: Settings, log: FilteringBoundLogger, role: Role = "all", journal: Journal | None = None
    ) -> None:
        self.settings = settings
        self.runs_workers = role != "web"
        self.log = log
        self.account: uuid.UUID | None = None
        turn = threading.Lock()
        self.store = Database(
            settings.database,
            timeout=settings.store_wait,
            connections=settings.threads + REDIRECT_LOOKUP_THREADS + 2,
            write_lock=turn,
        )
        self.store.on_wal_lost = lambda: log.error("store.log_removed", database=str(settings.database))
        self.vault = Vault(settings.vault_path)
        self.classifier = understand = _build_classifier(settings, log)
        self.dead_letters = DeadLetterFile(settings.spool_path, log)
        self.local_journal = LocalJournal(
            settings.spool_path,
            log,
            dead_letters=self.dead_letters.append,
            capacity=settings.journal_facts,
            wait=settings.click_wait,
        )
        self._uses_local_journal = journal is None
        self.journal: Journal = journal or self.local_journal
        self.click_worker = IngestWorker(
            self.store,
            self.journal,
            log,
            ingest=lambda connection, facts: ingest_events(connection, facts, understand, now()),
            notify=lambda connection: enqueue_notifications(connection, now()),
            dead_letters=self.dead_letters,
            is_idle=self.local_journal.is_idle if self._uses_local_journal else lambda: True,
            retry_seconds=settings.spool_retry,
        )
        self.local_journal.on_durable = self.click_worker.wake
        self.link_policy = LinkPolicyCache(self.store, log, compile_skip_pattern)
        self.capture_options: dict[str, Any] = {
            "describe": understand.enricher.enrich,
            "heed_objections": settings.heed_objections,
            "shorten": settings.shorten_addresses,
        }
        self.rebuilder = RebuildWorker(self.store, log, now)
        self.delivery_worker = DeliveryWorker(
            self.store,
            _build_transports(settings),
            log,
            lease=settings.claim_seconds,
            first_wait=settings.retry_seconds,
            clock=now,
            concurrency=settings.delivery_connections,
            signer=DkimSigner(self.store, self.vault, log),
            retention_interval=settings.retention_seconds,
            hostname=settings.mail_hostname or socket.gethostname(),
        )
        switches = Switches(
            opt_out=settings.opt_out, skip=settings.skip, outlook=settings.outlook, track_placeholders=True
        )
        self.submitter = Submitter(
            self.store, settings.base_url, switches, settings.link_style, log, require_delivery=self._check_delivery
        )
        self.heartbeat = Heartbeat(settings.data)
        self.supervisor = ThreadSupervisor(log, self._write_heartbeat)
        self.privacy_requests = build_privacy_requests(
            settings, self.store, log, lambda: understand, lambda: self.keyring
        )
        self.webhooks = WebhookWorker(
            self.store,
            self.vault,
            log,
            make_client=lambda: WebhookClient(
                timeout=settings.webhook_timeout,
                connections=settings.webhook_connections,
                allowed=settings.webhook_networks,
            ),
            connections=settings.webhook_connections,
            lease=settings.claim_seconds + settings.webhook_timeout,
            retry=settings.webhook_retry_seconds,
            clock=now,
        )
        self.smtp_servers: list[smtp.SmtpServer] = []
        self.memory_budget = MemoryBudget(settings.max_incoming)
        self.limits = TokenBuckets(settings.rate_limit, settings.rate_burst)
        self.statistics_limits = TokenBuckets(settings.statistics_rate, settings.statistics_burst)
        self.operator_pages = operator_pages.OperatorPages(settings)
        self.sign_in_limiter = SignInLimiter(self.store, now)
        self.metrics = Metrics()
        self._register_metrics()
        self._thread_limiter = anyio.CapacityLimiter(settings.threads)
        self._redirect_limiter = anyio.CapacityLimiter(REDIRECT_LOOKUP_THREADS)
        self._state_lock = threading.Lock()
        self._state = "new"
        self._keyring: KeyRing | None = None
        self._keyring_fingerprint: tuple[int, int] | None = None
        self._next_keyring_check = 0.0

    def start(self) -> None:
        """Bring the store up to date, load the keys, start the workers; nothing when that was done before."""
        with self._state_lock:
            if self._state == "running":
                return
            self._prepare()
            if self.runs_workers:
                self._start_smtp()  # the one that can fail: before anything else runs
            self.link_policy.start()
            if self._uses_local_journal:
                self.local_journal.start()
            if self.runs_workers:
                self.rebuilder.start()
                self.delivery_worker.start()
                self.webhooks.start()
                self.click_worker.start()
            self._supervise()
            self._state = "running"
            atexit.register(self._stop_at_exit)
        self.log.info("service.started", account=str(self.account), link_style=self.settings.link_style)

    def prepare(self) -> None:
        """Bring the store up to date and load the keys for other processes; this one starts and keeps nothing open."""
        self._prepare()
        self.store.close()

    def _prepare(self) -> None:
        self._read_files()
        integrity.check_database(self.settings)
        migrate(self.store)
        integrity.check_keys(self.settings, self.store)
        self.settings.spool_path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._keyring = self._load_keyring()
        self.account = self._ensure_default_account(self._keyring)

    def _read_files(self) -> None:
        for path in (self.settings.apple_app_links, self.settings.android_app_links):
            if path is not None:
                app_links.load_app_links(path)
        self.operator_pages.load()

    def stop(self) -> None:
        """Finish what has begun and close the store; nothing when it does not run."""
        with self._state_lock:
            if self._state != "running":
                return
            self._state = "stopped"
            atexit.unregister(self._stop_at_exit)
            self.supervisor.stop()
            for server in self.smtp_servers:
                server.stop()
            self.rebuilder.stop()
            self.delivery_worker.stop()
            self.webhooks.stop()
            self.link_policy.stop()
            if self._uses_local_journal:
                self.local_journal.stop()
            self.click_worker.stop()
            if self._uses_local_journal:
                self.local_journal.close()
            self.store.close()
        self.log.info("service.stopped")

    def _start_smtp(self) -> None:
        self.smtp_servers = smtp.create_servers(self)
        for server in self.smtp_servers:
            server.start()

    def _supervise(self) -> None:
        threads: dict[str, background.RestartableThread] = {"gate": self.link_policy}
        if self._uses_local_journal:
            threads["journal"] = self.local_journal
        if self.runs_workers:
            threads |= {"worker": self.delivery_worker, "webhooks": self.webhooks, "clicks": self.click_worker}
            threads |= {f"smtp-{place}": one for place, one in enumerate(self.smtp_servers)}
        self.supervisor.threads = threads
        self.heartbeat = Heartbeat(self.settings.data)
        self.supervisor.start()

    def _write_heartbeat(self) -> None:
        if self.runs_workers:
            damage = {"database": f"damaged: {self.store.damage}"} if self.store.damage else {}
            self.heartbeat.write({**health.check_workers(self), **damage})

    def _check_delivery(self) -> None:
        """Raises StoreUnavailable where what is accepted now would lie there for long."""
        silence = 0.0 if self.runs_workers else self.heartbeat.read_latest()[0]
        if silence > DEAD_SECONDS:
            raise DatabaseUnavailable(
                f"nothing was delivered for {silence:.0f} seconds: the process that does is not there"
            )

    def _stop_at_exit(self) -> None:
        """For a host that never stops us; its standard error may be closed by then."""
        with contextlib.suppress(ValueError):
            self.stop()

    @property
    def running(self) -> bool:
        """Whether it has started and was not stopped."""
        return self._state == "running"

    async def ensure_started(self) -> None:
        """Start with the first request, if nobody did before; a service that was stopped stays stopped."""
        if self._state == "new":
            await anyio.to_thread.run_sync(self.start)
        if self._state != "running":
            raise LinkweirError("the service was stopped")

    async def run_blocking(self, work: Callable[[], T]) -> T:
        """Run blocking work off the event loop, a bounded number at a time."""
        return await run_in_thread(work, self._thread_limiter)

    async def run_redirect_lookup(self, work: Callable[[], T]) -> T:
        """The same for somebody who follows a link, in threads that nothing else keeps busy."""
        return await run_in_thread(work, self._redirect_limiter)

    @property
    def keyring(self) -> KeyRing:
        """The key ring as the key file has it now: a rotation is noticed within seconds, without a restart."""
        moment = time.monotonic()
        if self._keyring is None or moment >= self._next_keyring_check:
            self._next_keyring_check = moment + KEYRING_POLL_SECONDS
            self._reload_keyring()
        if self._keyring is None:
            raise KeyRingError("the key ring is not loaded")
        return self._keyring

    @property
    def tracking_host(self) -> str:
        """The service's own host for tracking links, without a port: what a CNAME may lead to."""
        return urlsplit(self.settings.base_url).hostname or ""

    def add_tracking_host(self, host: str) -> None:
        """Links live on this host too from now on: the key ring recognises them."""
        base_url = self.submitter.defaults.base_url_for(host)
        self._keyring = keyring_file.update(self.settings.key_path, lambda ring: ring.with_host(base_url))

    def _reload_keyring(self) -> None:
        try:
            seen = _file_fingerprint(self.settings)
            if seen != self._keyring_fingerprint:
                self._keyring, self._keyring_fingerprint = keyring_file.load(self.settings.key_path), seen
                self.log.info("keys.reloaded")
        except (KeyRingError, OSError) as error:
            self.log.error("keys.cannot_reload", error=str(error))  # links go on working with the ring at hand

    def _load_keyring(self) -> KeyRing:
        """The ring, which knows every host that links live on: domains' hosts follow a base URL that has changed."""
        path = self.settings.key_path
        ring = keyring_file.load_or_create(path, datetime.now(UTC), [self.settings.base_url])
        with self.store.read() as connection:
            hosts = [
                self.submitter.defaults.base_url_for(host) for host in domains_table.list_tracking_hosts(connection)
            ]

        def with_hosts(ring: KeyRing) -> KeyRing:
            return functools.reduce(KeyRing.with_host, (self.settings.base_url, *hosts), ring)

        if with_hosts(ring).hosts != ring.hosts:  # in turn with `linkweir keys rotate`, whose new key must not be lost
            ring = keyring_file.update(path, with_hosts)
        self._keyring_fingerprint = _file_fingerprint(self.settings)
        return ring

    def _ensure_default_account(self, keyring: KeyRing) -> uuid.UUID:
        """The first account, made when there is none; it owns the keys of the ring that nobody owns."""
        with self.store.write() as connection:
            account = accounts_table.get_default_account(connection)
            if account is None:
                account = uuid.uuid4()
                accounts_table.create(connection, account, "Linkweir", now())
            accounts_table.claim_link_keys(connection, {key.id: key.fingerprint for key in keyring.keys}, account)
            if self.settings.api_key:
                digest = authentication.key_digest(self.settings.api_key)
                if api_keys_table.get_by_digest(connection, digest) is None:
                    accounts_table.add_api_key(connection, account, label="settings", digest=digest, now=now(), hint="")
        return account

    def create_api_key(self, label: str, *, only_first: bool = False, replace: bool = False) -> str | None:
        """A new API key for the first account, returned this once; None when `only_first` and there is one already.

        `replacing`: earlier keys with this label open nothing from now on.
        """
        with self.store.write() as connection:
            account = accounts_table.get_default_account(connection)
            if account is None:
                raise LinkweirError("the service has not been started")
            if only_first and accounts_table.count_api_keys(connection, account):
                return None
            if replace:
                api_keys_table.delete_by_label(connection, account, label)
            return authentication.create_api_key(connection, account, label, now())[1]

    def create_first_smtp_credential(self) -> tuple[str, str] | None:
        """Username and password of a credential for the first account, returned this once; None when it has one."""
        with self.store.write() as connection:
            account = accounts_table.get_default_account(connection)
            if account is None or smtp_credentials_table.count(connection, account):
                return None
            username, password = authenticator.generate_username(), authenticator.generate_password()
            smtp_credentials_table.add(
                connection, authenticator.make_credential(account, "first", username, password, now())
            )
        return username, password

    def create_first_user(self) -> tuple[str, str] | None:
        """E-mail and password of a user of the dashboard, returned this once; None when the account has one."""
        with self.store.read() as connection:
            account = accounts_table.get_default_account(connection)
            if account is None or users_table.count(connection, account):
                return None
        password = passwords.generate_password()
        hashed = passwords.hash_password(password)
        with self.store.write() as connection:
            users_table.add(connection, account, FIRST_USER_EMAIL, hashed, now())
        return FIRST_USER_EMAIL, password

    def _register_metrics(self) -> None:
        clicks, worker, webhooks = self.click_worker, self.delivery_worker, self.webhooks
        if self._uses_local_journal:
            self._register_journal_metrics(self.local_journal)
        self.metrics.register_callbacks(
            counters=[
                ("linkweir_clicks_stored", "Clicks brought to the store", lambda: clicks.stored),
                ("linkweir_clicks_lost", "Clicks for which no disk had room", self._count_lost_clicks),
                ("linkweir_clicks_set_aside", "Clicks kept in aside.bad", lambda: self.dead_letters.count),
                ("linkweir_click_store_failures", "Failures to store", lambda: clicks.failures),
                ("linkweir_messages_delivered", "Messages delivered", lambda: worker.delivered),
                ("linkweir_delivery_failures", "Attempts that failed", lambda: worker.failed),
                ("linkweir_webhook_successes", "Webhook requests taken", lambda: webhooks.succeeded),
                ("linkweir_webhook_failures", "Attempts at webhooks that failed", lambda: webhooks.failed),
                ("linkweir_store_log_losses", "Times the database's log was removed", lambda: self.store.wal_losses),
                ("linkweir_thread_restarts", "Threads that ended and were started again", self._count_restarts),
                ("linkweir_webhooks_disabled", "Webhooks disabled", lambda: webhooks.disabled),
            ],
            gauges=[
                (
                    "linkweir_queue_messages",
                    "Messages waiting",
                    lambda: self._query_gauge(delivery_queue_table.count_waiting),
                ),
                (
                    "linkweir_webhooks_waiting",
                    "Webhook requests waiting",
                    lambda: self._query_gauge(outbox_table.count_waiting),
                ),
            ],
        )

    def _count_restarts(self) -> int:
        return self.supervisor.restarts

    def _count_lost_clicks(self) -> int:
        return self.local_journal.lost + self.metrics.unrecorded_clicks

    def _register_journal_metrics(self, journal: LocalJournal) -> None:
        self.metrics.register_callbacks(
            counters=[
                (
                    "linkweir_journal_files_gone",
                    "Files removed or cut while in use",
                    lambda: len(journal.segments.lost),
                ),
                ("linkweir_clicks_journaled", "Clicks made durable in the journal", lambda: journal.durable),
            ],
            gauges=[
                ("linkweir_clicks_waiting", "Clicks in the journal", lambda: journal.unacknowledged),
                ("linkweir_journal_filled", "Share of the journal's files in use", lambda: journal.fill_ratio),
            ],
        )

    def _query_gauge(self, size: Callable[[Connection], int]) -> float:
        try:
            with self.store.read() as connection:
                return size(connection)
        except LinkweirError:
            return float("nan")


def _build_classifier(settings: Settings, log: FilteringBoundLogger) -> ClickClassifier:
    """What clicks are understood with."""
    return ClickClassifier(
        Enricher(settings.mmdb, KnownNetworks.load(settings.networks), networks_path=settings.networks, log=log),
        notify_delay_us=int(settings.tell_seconds * 1_000_000),
        correction_delay_us=int(settings.correct_seconds * 1_000_000),
    )


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The store of a service's folder, brought up to date, for a command beside a service that runs."""
    store = Database(settings.database, timeout=settings.store_wait)
    try:
        migrate(store)
        yield store
    finally:
        store.close()


def build_privacy_requests(
    settings: Settings,
    store: Database,
    log: FilteringBoundLogger,
    get_classifier: Callable[[], ClickClassifier],
    get_keyring: Callable[[], KeyRing],
    *,
    wait_for_lock: bool = False,
) -> PrivacyRequests:
    """Export and erasure. `patient`: where another erasure is waited for, as a command does."""

    dead_letters = DeadLetterFile(settings.spool_path, log)

    def catch_up() -> bool:
        folder, facts = settings.spool_path, settings.journal_facts
        journal = LocalJournal(folder, log, dead_letters=dead_letters.append, capacity=facts, wait=settings.click_wait)

        def kept(connection: Connection, facts: Sequence[ClickEvent]) -> None:
            ingest_events(connection, facts, get_classifier(), now())

        worker = IngestWorker(
            store, journal, log, ingest=kept, dead_letters=dead_letters, retry_seconds=settings.spool_retry
        )
        return drain_and_wait(journal, worker, ERASURE_DRAIN_SECONDS)

    def leads(raw: bytes) -> Iterator[str]:
        return sealed_destinations.sealed_link_destinations(raw, get_keyring(), settings.base_url)

    traces = ExternalData(
        lock=lambda: exclusive_erasure(settings.data, wait=wait_for_lock),
        drain_journal=catch_up,
        redact_dead_letters=lambda numbers, addresses, named: dead_letters.redact_person(
            numbers, addresses, named.matches
        ),
        delete_maildir_copies=lambda messages: maildir.delete_messages(settings.maildir_path, messages),
        link_destinations=leads,
    )
    return PrivacyRequests(store, traces)


def open_privacy_requests(settings: Settings, store: Database) -> PrivacyRequests:
    """The same for a command, beside a service that runs or while none does."""
    log = make_logger("warning", sys.stderr)
    understand = functools.cache(lambda: _build_classifier(settings, log))
    ring = functools.cache(lambda: keyring_file.load(settings.key_path))
    return build_privacy_requests(settings, store, log, understand, ring, wait_for_lock=True)


def _build_transports(settings: Settings) -> dict[str, Transport]:
    """Where mail goes by its route."""
    way_back: Transport = UnavailableTransport(
        "LINKWEIR_FILTER_RETURN is not set: there is no way back to the mail server"
    )
    if settings.filter_return:
        way_back = _build_relay(f"smtp+plain://{settings.filter_return}", settings)
    return {"default": _build_transport(settings), "filter": way_back}


def _build_transport(settings: Settings) -> Transport:
    if settings.transport == "maildir":
        return MaildirTransport(settings.maildir_path)
    return DiscardTransport() if settings.transport == "discard" else _build_relay(settings.transport, settings)


def _build_relay(text: str, settings: Settings) -> SmtpRelay:
    return SmtpRelay(relay_address(text, "LINKWEIR_TRANSPORT"), hostname=settings.mail_hostname)


def _file_fingerprint(settings: Settings) -> tuple[int, int]:
    status = os.stat(settings.key_path)
    return status.st_mtime_ns, status.st_ino


def create_app(
    settings: Settings,
    log: FilteringBoundLogger | None = None,
    role: Role = "all",
    journal: Journal | None = None,
) -> Starlette:
    """The application for these settings; `app.state.linkweir` is its Service. Does no I/O yet."""
    service = Service(settings, log or make_logger(settings.log_level), role, journal)
    app = Starlette(
        routes=[
            *health.ROUTES,
            *on_demand_tls.ROUTES,
            *app_links.ROUTES,
            *operator_pages.ROUTES,
            *openapi.ROUTES,
            *api.ROUTES,
            *privacy_page.ROUTES,
            *documentation_pages.ROUTES,
            *dashboard.ROUTES,
        ],
        middleware=[Middleware(RequestLogging, services=service), Middleware(HostRouting, services=service)],
        exception_handlers=error_responses.EXCEPTION_HANDLERS,
        lifespan=linkweir_lifespan,
    )
    app.middleware_stack = RedirectFastPath(app.build_middleware_stack(), service)
    app.router.redirect_slashes = False  # it would send people to whatever the Host header says
    app.state.linkweir = service
    return app


@asynccontextmanager
async def linkweir_lifespan(app: Starlette) -> AsyncIterator[None]:
    """Start-up and shut-down of an application made here, for the lifespan of the one that it is mounted
    in.
    """
    service: Service = app.state.linkweir
    await anyio.to_thread.run_sync(service.start)
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(service.stop)

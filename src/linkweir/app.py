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

from linkweir import background, integrity, keyfile
from linkweir.background import DEAD_SECONDS, Heartbeat, Supervisor
from linkweir.click import leftover
from linkweir.click.aside import Aside
from linkweir.click.emptying import emptied
from linkweir.click.enrich import Enricher
from linkweir.click.fact import Fact
from linkweir.click.gate import GateKeeper
from linkweir.click.journal import Journal
from linkweir.click.keep import keep
from linkweir.click.local import LocalJournal
from linkweir.click.networks import Networks
from linkweir.click.rebuild import Rebuilder
from linkweir.click.spool import Spool
from linkweir.click.tell import tell
from linkweir.click.understand import Understand
from linkweir.click.worker import ClickWorker
from linkweir.edge import applinks, auth, documentation_pages, health, own_pages, privacy, problems, tls_ask
from linkweir.edge.access import Access, Shortcut
from linkweir.edge.attempts import Attempts
from linkweir.edge.dashboard import passwords
from linkweir.edge.dashboard import routes as dashboard
from linkweir.edge.hosts import Hosts
from linkweir.edge.limits import Limits
from linkweir.edge.logs import make_logger
from linkweir.edge.memory import Incoming
from linkweir.edge.metrics import Metrics
from linkweir.edge.openapi import document as openapi
from linkweir.edge.parts import now, run_bounded
from linkweir.edge.smtp import server as smtp
from linkweir.edge.smtp import signin
from linkweir.edge.v1 import sending as v1
from linkweir.edge.v2 import routes as v2
from linkweir.errors import KeyRingError, LinkweirError, StoreUnavailable
from linkweir.html import Switches
from linkweir.mail.deliver import DeliveryWorker
from linkweir.mail.patterns import skipping
from linkweir.mail.sign import Signer
from linkweir.mail.submit import Submitter
from linkweir.mail.transport import Transport, maildir
from linkweir.mail.transport.closed import Closed
from linkweir.mail.transport.discard import Discard
from linkweir.mail.transport.maildir import Maildir
from linkweir.mail.transport.relay import Relay
from linkweir.mail.transport.relay import address as relay_address
from linkweir.report import sealed
from linkweir.report.alone import alone
from linkweir.report.person import People, Traces
from linkweir.settings import Settings
from linkweir.store import accounts, api_keys, domains, outbox, queue, smtp_credentials, users
from linkweir.store.engine import Store
from linkweir.store.migrate import migrate
from linkweir.token import KeyRing
from linkweir.vault import Vault
from linkweir.webhook.sending import Sender
from linkweir.webhook.worker import WebhookWorker

T = TypeVar("T")
CATCH_UP = 10.0  # seconds that an erasure waits for clicks that are on their way
READERS = 4  # threads that look up short links, beside those of the API: an erasure may keep all of these for seconds
FIRST_USER = "admin@localhost"
Role = Literal["all", "web", "background"]  # what a process does: everything, answer HTTP, or everything but that
RING_LOOK = 2.0  # seconds between looks at the key file


class Service:
    """The parts of one service. Constructing does no I/O; `start` and `stop` do, and may be called from any
    thread.

    `journal`: another one than the embedded, which then does not run; whoever made it starts and ends it.
    """

    def __init__(
        self, settings: Settings, log: FilteringBoundLogger, role: Role = "all", journal: Journal | None = None
    ) -> None:
        self.settings = settings
        self.has_workers = role != "web"
        self.log = log
        self.account: uuid.UUID | None = None
        turn = threading.Lock()
        self.store = Store(
            settings.database, wait=settings.store_wait, connections=settings.threads + READERS + 2, turn=turn
        )
        self.store.lost_log = lambda: log.error("store.log_removed", database=str(settings.database))
        self.vault = Vault(settings.vault_path)
        self.understand = understand = _understand(settings, log)
        self.aside = Aside(settings.spool_path, log)
        self.embedded = LocalJournal(
            settings.spool_path,
            log,
            aside=self.aside.put,
            facts=settings.journal_facts,
            wait=settings.click_wait,
        )
        self._embeds = journal is None
        self.journal: Journal = journal or self.embedded
        self.clicks = ClickWorker(
            self.store,
            self.journal,
            Spool(settings.spool_path),
            log,
            keep=lambda connection, facts: keep(connection, facts, understand, now()),
            tell=lambda connection: tell(connection, now()),
            aside=self.aside.put,
            quiet=self.embedded.quiet if self._embeds else lambda: True,
            retry=settings.spool_retry,
        )
        self.embedded.written = self.clicks.wake
        self.gate = GateKeeper(self.store, log, skipping)
        self.recording: dict[str, Any] = {
            "describe": understand.enricher.describe,
            "heed_objections": settings.heed_objections,
            "shorten": settings.shorten_addresses,
        }
        self.rebuilder = Rebuilder(self.store, log, now)
        self.worker = DeliveryWorker(
            self.store,
            _routes(settings),
            log,
            lease=settings.claim_seconds,
            first_wait=settings.retry_seconds,
            clock=now,
            at_once=settings.delivery_connections,
            signer=Signer(self.store, self.vault, log),
            clean_every=settings.retention_seconds,
            hostname=settings.mail_hostname or socket.gethostname(),
        )
        switches = Switches(
            opt_out=settings.opt_out, skip=settings.skip, outlook=settings.outlook, track_placeholders=True
        )
        self.submitter = Submitter(
            self.store, settings.base_url, switches, settings.link_style, log, deliverable=self._check_delivery
        )
        self.heartbeat = Heartbeat(settings.data)
        self.supervisor = Supervisor(log, self._beat)
        self.people = people(settings, self.store, log, lambda: understand, lambda: self.ring)
        self.webhooks = WebhookWorker(
            self.store,
            self.vault,
            log,
            sender=lambda: Sender(
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
        self.incoming = Incoming(settings.max_incoming)
        self.limits = Limits(settings.rate_limit, settings.rate_burst)
        self.statistics_limits = Limits(settings.statistics_rate, settings.statistics_burst)
        self.own_pages = own_pages.OwnPages(settings)
        self.attempts = Attempts(self.store, now)
        self.metrics = Metrics()
        self._watch_figures()
        self._limiter = anyio.CapacityLimiter(settings.threads)
        self._readers_limiter = anyio.CapacityLimiter(READERS)
        self._gate = threading.Lock()
        self._state = "new"
        self._ring: KeyRing | None = None
        self._ring_seen: tuple[int, int] | None = None
        self._ring_look_at = 0.0

    def start(self) -> None:
        """Bring the store up to date, load the keys, start the workers; nothing when that was done before."""
        with self._gate:
            if self._state == "running":
                return
            self._prepare()
            if self.has_workers:
                self._start_smtp()  # the one that can fail: before anything else runs
            self.gate.start()
            if self._embeds:
                self.embedded.start()
            if self.has_workers:
                self.rebuilder.start()
                self.worker.start()
                self.webhooks.start()
                self.clicks.start()
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
        self._ring = self._load_ring()
        self.account = self._own_account(self._ring)

    def _read_files(self) -> None:
        for path in (self.settings.apple_app_links, self.settings.android_app_links):
            if path is not None:
                applinks.checked(path)
        self.own_pages.load()

    def stop(self) -> None:
        """Finish what has begun and close the store; nothing when it does not run."""
        with self._gate:
            if self._state != "running":
                return
            self._state = "stopped"
            atexit.unregister(self._stop_at_exit)
            self.supervisor.stop()
            for server in self.smtp_servers:
                server.stop()
            self.rebuilder.stop()
            self.worker.stop()
            self.webhooks.stop()
            self.gate.stop()
            if self._embeds:
                self.embedded.stop()
            self.clicks.stop()
            if self._embeds:
                self.embedded.close()
            self.store.close()
        self.log.info("service.stopped")

    def _start_smtp(self) -> None:
        self.smtp_servers = smtp.servers(self)
        for server in self.smtp_servers:
            server.start()

    def _supervise(self) -> None:
        threads: dict[str, background.Running] = {"gate": self.gate}
        if self._embeds:
            threads["journal"] = self.embedded
        if self.has_workers:
            threads |= {"worker": self.worker, "webhooks": self.webhooks, "clicks": self.clicks}
            threads |= {f"smtp-{place}": one for place, one in enumerate(self.smtp_servers)}
        self.supervisor.threads = threads
        self.heartbeat = Heartbeat(self.settings.data)
        self.supervisor.start()

    def _beat(self) -> None:
        if self.has_workers:
            damage = {"database": f"damaged: {self.store.damage}"} if self.store.damage else {}
            self.heartbeat.write({**health.of_workers(self), **damage})

    def _check_delivery(self) -> None:
        """Raises StoreUnavailable where what is accepted now would lie there for long."""
        silence = 0.0 if self.has_workers else self.heartbeat.latest()[0]
        if silence > DEAD_SECONDS:
            raise StoreUnavailable(
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

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run blocking work off the event loop, a bounded number at a time."""
        return await run_bounded(work, self._limiter)

    async def for_reader(self, work: Callable[[], T]) -> T:
        """The same for somebody who follows a link, in threads that nothing else keeps busy."""
        return await run_bounded(work, self._readers_limiter)

    @property
    def ring(self) -> KeyRing:
        """The key ring as the key file has it now: a rotation is noticed within seconds, without a restart."""
        moment = time.monotonic()
        if self._ring is None or moment >= self._ring_look_at:
            self._ring_look_at = moment + RING_LOOK
            self._look_at_ring()
        if self._ring is None:
            raise KeyRingError("the key ring is not loaded")
        return self._ring

    @property
    def tracking_host(self) -> str:
        """The service's own host for tracking links, without a port: what a CNAME may lead to."""
        return urlsplit(self.settings.base_url).hostname or ""

    def add_tracking_host(self, host: str) -> None:
        """Links live on this host too from now on: the key ring recognises them."""
        base_url = self.submitter.house.links_at(host)
        self._ring = keyfile.update(self.settings.key_path, lambda ring: ring.with_host(base_url))

    def _look_at_ring(self) -> None:
        try:
            seen = _stamp(self.settings)
            if seen != self._ring_seen:
                self._ring, self._ring_seen = keyfile.load(self.settings.key_path), seen
                self.log.info("keys.reloaded")
        except (KeyRingError, OSError) as error:
            self.log.error("keys.cannot_reload", error=str(error))  # links go on working with the ring at hand

    def _load_ring(self) -> KeyRing:
        """The ring, which knows every host that links live on: domains' hosts follow a base URL that has changed."""
        path = self.settings.key_path
        ring = keyfile.load_or_create(path, datetime.now(UTC), [self.settings.base_url])
        with self.store.read() as connection:
            hosts = [self.submitter.house.links_at(host) for host in domains.tracking_hosts(connection)]

        def with_hosts(ring: KeyRing) -> KeyRing:
            return functools.reduce(KeyRing.with_host, (self.settings.base_url, *hosts), ring)

        if with_hosts(ring).hosts != ring.hosts:  # in turn with `linkweir keys rotate`, whose new key must not be lost
            ring = keyfile.update(path, with_hosts)
        self._ring_seen = _stamp(self.settings)
        return ring

    def _own_account(self, ring: KeyRing) -> uuid.UUID:
        """The first account, made when there is none; it owns the keys of the ring that nobody owns."""
        with self.store.write() as connection:
            account = accounts.first(connection)
            if account is None:
                account = uuid.uuid4()
                accounts.create(connection, account, "Linkweir", now())
            accounts.claim_link_keys(connection, {key.id: key.fingerprint for key in ring.keys}, account)
            if self.settings.api_key:
                digest = auth.digest(self.settings.api_key)
                if api_keys.by_digest(connection, digest) is None:
                    accounts.add_api_key(connection, account, label="settings", digest=digest, now=now(), hint="")
        return account

    def new_api_key(self, label: str, *, only_first: bool = False, replacing: bool = False) -> str | None:
        """A new API key for the first account, returned this once; None when `only_first` and there is one already.

        `replacing`: earlier keys with this label open nothing from now on.
        """
        with self.store.write() as connection:
            account = accounts.first(connection)
            if account is None:
                raise LinkweirError("the service has not been started")
            if only_first and accounts.count_api_keys(connection, account):
                return None
            if replacing:
                api_keys.remove_labelled(connection, account, label)
            return auth.add_key(connection, account, label, now())[1]

    def first_smtp_credential(self) -> tuple[str, str] | None:
        """Username and password of a credential for the first account, returned this once; None when it has one."""
        with self.store.write() as connection:
            account = accounts.first(connection)
            if account is None or smtp_credentials.count(connection, account):
                return None
            username, password = signin.new_username(), signin.new_password()
            smtp_credentials.add(connection, signin.credential(account, "first", username, password, now()))
        return username, password

    def first_user(self) -> tuple[str, str] | None:
        """E-mail and password of a user of the dashboard, returned this once; None when the account has one."""
        with self.store.read() as connection:
            account = accounts.first(connection)
            if account is None or users.count(connection, account):
                return None
        password = passwords.new()
        hashed = passwords.hashed(password)
        with self.store.write() as connection:
            users.add(connection, account, FIRST_USER, hashed, now())
        return FIRST_USER, password

    def _watch_figures(self) -> None:
        clicks, worker, webhooks = self.clicks, self.worker, self.webhooks
        if self._embeds:
            self._watch_journal(self.embedded)
        self.metrics.watch(
            counters=[
                ("linkweir_clicks_stored", "Clicks brought to the store", lambda: clicks.stored),
                ("linkweir_clicks_drained", "Clicks brought from old spool files", lambda: clicks.drained),
                ("linkweir_clicks_lost", "Clicks for which no disk had room", self._lost),
                ("linkweir_clicks_set_aside", "Clicks kept in aside.bad", lambda: self.aside.count),
                ("linkweir_click_store_failures", "Failures to store", lambda: clicks.failures),
                ("linkweir_messages_delivered", "Messages delivered", lambda: worker.delivered),
                ("linkweir_delivery_failures", "Attempts that failed", lambda: worker.failed),
                ("linkweir_webhook_successes", "Webhook requests taken", lambda: webhooks.succeeded),
                ("linkweir_webhook_failures", "Attempts at webhooks that failed", lambda: webhooks.failed),
                ("linkweir_store_log_losses", "Times the database's log was removed", lambda: self.store.log_losses),
                ("linkweir_thread_restarts", "Threads that ended and were started again", self._restarts),
                ("linkweir_webhooks_disabled", "Webhooks disabled", lambda: webhooks.disabled),
            ],
            gauges=[
                ("linkweir_queue_messages", "Messages waiting", lambda: self._count(queue.size)),
                ("linkweir_webhooks_waiting", "Webhook requests waiting", lambda: self._count(outbox.waiting)),
            ],
        )

    def _restarts(self) -> int:
        return self.supervisor.restarts

    def _lost(self) -> int:
        return self.embedded.lost + self.metrics.unrecorded

    def _watch_journal(self, journal: LocalJournal) -> None:
        self.metrics.watch(
            counters=[
                (
                    "linkweir_journal_files_gone",
                    "Files removed or cut while in use",
                    lambda: len(journal.segments.gone),
                ),
                ("linkweir_clicks_journaled", "Clicks made durable in the journal", lambda: journal.kept),
            ],
            gauges=[
                ("linkweir_clicks_waiting", "Clicks in the journal", lambda: journal.waiting),
                ("linkweir_journal_filled", "Share of the journal's files in use", lambda: journal.filled),
            ],
        )

    def _count(self, size: Callable[[Connection], int]) -> float:
        try:
            with self.store.read() as connection:
                return size(connection)
        except LinkweirError:
            return float("nan")


def _understand(settings: Settings, log: FilteringBoundLogger) -> Understand:
    """What clicks are understood with."""
    return Understand(
        Enricher(settings.mmdb, Networks.load(settings.networks), listed=settings.networks, log=log),
        tell_wait=int(settings.tell_seconds * 1_000_000),
        correct_wait=int(settings.correct_seconds * 1_000_000),
    )


@contextmanager
def opened_store(settings: Settings) -> Iterator[Store]:
    """The store of a service's folder, brought up to date, for a command beside a service that runs."""
    store = Store(settings.database, wait=settings.store_wait)
    try:
        migrate(store)
        yield store
    finally:
        store.close()


def people(
    settings: Settings,
    store: Store,
    log: FilteringBoundLogger,
    understand: Callable[[], Understand],
    ring: Callable[[], KeyRing],
    *,
    patient: bool = False,
) -> People:
    """Export and erasure. `patient`: where another erasure is waited for, as a command does."""

    def catch_up() -> bool:
        aside, spool = Aside(settings.spool_path, log).put, Spool(settings.spool_path)
        folder, facts = settings.spool_path, settings.journal_facts
        journal = LocalJournal(folder, log, aside=aside, facts=facts, wait=settings.click_wait)

        def kept(connection: Connection, facts: Sequence[Fact]) -> None:
            keep(connection, facts, understand(), now())

        worker = ClickWorker(store, journal, spool, log, keep=kept, aside=aside, retry=settings.spool_retry)
        return emptied(journal, spool, worker, CATCH_UP)

    def leads(raw: bytes) -> Iterator[str]:
        return sealed.destinations(raw, ring(), settings.base_url)

    traces = Traces(
        alone=lambda: alone(settings.data, patient=patient),
        catch_up=catch_up,
        scrub=lambda numbers, addresses, named: leftover.blot(settings.spool_path, numbers, addresses, named.is_in),
        forget_mail=lambda messages: maildir.forget(settings.maildir_path, messages),
        leads=leads,
    )
    return People(store, traces)


def people_of_folder(settings: Settings, store: Store) -> People:
    """The same for a command, beside a service that runs or while none does."""
    log = make_logger("warning", sys.stderr)
    understand = functools.cache(lambda: _understand(settings, log))
    ring = functools.cache(lambda: keyfile.load(settings.key_path))
    return people(settings, store, log, understand, ring, patient=True)


def _routes(settings: Settings) -> dict[str, Transport]:
    """Where mail goes by its route."""
    way_back: Transport = Closed("LINKWEIR_FILTER_RETURN is not set: there is no way back to the mail server")
    if settings.filter_return:
        way_back = _relay(f"smtp+plain://{settings.filter_return}", settings)
    return {"default": _transport(settings), "filter": way_back}


def _transport(settings: Settings) -> Transport:
    if settings.transport == "maildir":
        return Maildir(settings.maildir_path)
    return Discard() if settings.transport == "discard" else _relay(settings.transport, settings)


def _relay(text: str, settings: Settings) -> Relay:
    return Relay(relay_address(text, "LINKWEIR_TRANSPORT"), hostname=settings.mail_hostname)


def _stamp(settings: Settings) -> tuple[int, int]:
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
            *tls_ask.ROUTES,
            *applinks.ROUTES,
            *own_pages.ROUTES,
            *openapi.ROUTES,
            *v1.ROUTES,
            *v2.ROUTES,
            *privacy.ROUTES,
            *documentation_pages.ROUTES,
            *dashboard.ROUTES,
        ],
        middleware=[Middleware(Access, service=service), Middleware(Hosts, service=service)],
        exception_handlers=problems.HANDLERS,
        lifespan=linkweir_lifespan,
    )
    app.middleware_stack = Shortcut(app.build_middleware_stack(), service)
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

"""Assembles export and erasure of a person's data, for a service and for commands."""

import functools
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Connection
from structlog.typing import FilteringBoundLogger

from linkweir.clicks.classify.traffic_history import TrafficHistory
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.ingest.ingest_worker import IngestFunction, IngestWorker, drain_and_wait, wait_until_stored
from linkweir.clicks.ingest.message_clicks import ClickClassifier
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clicks.ingest.verdict_memory import KEY_PURPOSE, VerdictMemory
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.journal.local_journal import LocalJournal
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.clicks.transport.carrier import ClickCarrier
from linkweir.clicks.transport.transport_selection import make_click_transport
from linkweir.db.database import Database
from linkweir.errors import ClickTransportUnavailable
from linkweir.machine_status import wait_until_drained
from linkweir.mail.transport import maildir
from linkweir.privacy import sealed_destinations
from linkweir.privacy.erasure import ExternalData, PrivacyRequests
from linkweir.privacy.erasure_lock import exclusive_erasure
from linkweir.service_secrets import choose_keyring_source, make_vault
from linkweir.settings import Settings
from linkweir.tokens import KeyRing
from linkweir.vault import Vault
from linkweir.web.structured_logging import make_logger

DRAIN_SECONDS = 10.0  # that an erasure waits for clicks that are still in the journal


def build_classifier(settings: Settings, log: FilteringBoundLogger, vault: Vault) -> ClickClassifier:
    """The classifier that the settings describe."""
    history = TrafficHistory(lambda common: log.warning("click.evidence_hidden", signals=sorted(common)))
    return ClickClassifier(
        Enricher(settings.mmdb, KnownNetworks.load(settings.networks), networks_path=settings.networks, log=log),
        notify_delay_us=int(settings.tell_seconds * 1_000_000),
        correction_delay_us=int(settings.correct_seconds * 1_000_000),
        history=history,
        # of SQLite's clicks one process at a time is the worker, and remembers them itself
        memory=make_verdict_memory(vault) if settings.database else None,
    )


def make_verdict_memory(vault: Vault) -> VerdictMemory:
    """The memory that all who have the database and the vault's key share. Does no I/O."""
    return VerdictMemory(lambda: vault.derive_key(KEY_PURPOSE))


def build_privacy_requests(
    settings: Settings,
    database: Database,
    log: FilteringBoundLogger,
    get_classifier: Callable[[], ClickClassifier],
    get_keyring: Callable[[], KeyRing],
    *,
    wait_for_lock: bool = False,
) -> PrivacyRequests:
    """Export and erasure over all that holds personal data; `wait_for_lock`: wait for another erasure to end."""

    dead_letters = DeadLetterFile(settings.spool_path, log)
    vault = make_vault(settings, database)

    def ingest(connection: Connection, events: Sequence[ClickEvent]) -> int:
        return ingest_events(connection, events, get_classifier(), database.now())

    def link_destinations(raw: bytes) -> Iterator[str]:
        return sealed_destinations.sealed_link_destinations(raw, get_keyring(), settings.base_url)

    external_data = ExternalData(
        lock=lambda: exclusive_erasure(settings.data, wait=wait_for_lock),
        wait_for_machines=lambda: _wait_for_machines(settings, database),
        drain_journal=lambda: _drain_clicks(settings, database, log, dead_letters, ingest),
        redact_dead_letters=lambda numbers, addresses, named: dead_letters.redact_person(
            numbers, addresses, named.matches
        ),
        delete_maildir_copies=lambda messages: maildir.delete_messages(settings.maildir_path, messages),
        link_destinations=link_destinations,
        hash_messages=lambda messages: _hash_messages(vault, messages),
    )
    return PrivacyRequests(database, external_data)


def _hash_messages(vault: Vault, messages: Sequence[uuid.UUID]) -> list[int]:
    """What verdicts remember messages by; nothing without a key, which is not made for this."""
    if not vault.has_key():
        return []
    memory = make_verdict_memory(vault)
    return [memory.hash_message(message) for message in messages]


def _wait_for_machines(settings: Settings, database: Database) -> list[str]:
    """Wait for the other machines' clicks, where there can be others; return the names of those that are silent."""
    return wait_until_drained(settings, database, DRAIN_SECONDS) if settings.database else []


def _drain_clicks(
    settings: Settings,
    database: Database,
    log: FilteringBoundLogger,
    dead_letters: DeadLetterFile,
    ingest: IngestFunction,
) -> bool:
    """Wait until all clicks of this machine, and those in the transport, are stored; False when that takes too long, or
    the transport is away. Where no service runs that does it, this does.
    """
    retry = settings.spool_retry
    journal = LocalJournal(
        settings.spool_path,
        log,
        dead_letters=dead_letters.append,
        capacity=settings.journal_facts,
        wait=settings.click_wait,
    )
    transport = make_click_transport(settings, database, make_vault(settings, database), log, dead_letters)
    source = transport or journal
    worker = IngestWorker(database, source, log, ingest=ingest, dead_letters=dead_letters, retry_seconds=retry)
    if transport is None:
        return drain_and_wait(journal, worker, DRAIN_SECONDS)
    carrier = ClickCarrier(journal, transport, log, retry_seconds=retry)
    try:
        return drain_and_wait(journal, carrier, DRAIN_SECONDS) and wait_until_stored(transport, worker, DRAIN_SECONDS)
    except ClickTransportUnavailable as error:
        log.error("click.transport_away", error=str(error))
        return False
    finally:
        transport.close()


def open_privacy_requests(settings: Settings, database: Database) -> PrivacyRequests:
    """The same for a command, whether a service runs or not."""
    if settings.database:  # a machine from which commands are given may have no folder yet, where the lock is
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = make_logger("warning", sys.stderr)
    get_classifier = functools.cache(lambda: build_classifier(settings, log, make_vault(settings, database)))
    get_keyring = functools.cache(lambda: choose_keyring_source(settings, database).load())
    return build_privacy_requests(settings, database, log, get_classifier, get_keyring, wait_for_lock=True)

"""Data export and erasure of one person.

A person is an address, in any letter case. Erasure deletes every message to it with its content, events, attempts,
clicks, links and requests to webhooks. Waiting mails are not delivered any more, and their copies in the Maildir outbox
are deleted too. In data of others the address is redacted (`privacy.mentions`), and what the journal and the database's
log still hold is overwritten. Aggregates stay, for they single out nobody; along links, destinations, recipients'
domains and attributes, which may, the person no longer counts. Short links of the person answer 410; sealed ones still
redirect. This module does not know how files and journals are cleaned.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson

from linkweir.clock import DAY_US
from linkweir.db import person_data, verdict_memory_table
from linkweir.db.database import CopyLocation, Database, WriteMode
from linkweir.errors import RateLimited
from linkweir.privacy.erasure_lock import RETRY_SECONDS
from linkweir.privacy.mentions import LinkDestinations, PersonMentions, no_link_destinations
from linkweir.privacy.person_matcher import PersonMatcher
from linkweir.privacy.row_json import row_to_json
from linkweir.translation import gettext_noop

MAX_VACUUM_BYTES: Final = 256 << 20  # of a database that is written anew while writers wait: a few seconds
BATCH_MESSAGES: Final = 200  # messages in one transaction, so that nobody waits long for their turn
MARKED_US: Final = 30 * DAY_US  # longer than verdicts remember anything: for how long a message is to be forgotten
MessageIds = Sequence[uuid.UUID]
AccountId = uuid.UUID | None


@dataclass(frozen=True, slots=True)
class ExternalData:
    """What lies outside the database.

    `lock`: be the only erasure, or raise RateLimited. `wait_for_machines`: wait until other machines have handed over
    the clicks that came before now, and name those that have not. `drain_journal`: see clicks that are on their way
    stored, False when they are not for too long. `redact_dead_letters`: overwrite what was set aside of the journal and
    belongs to messages with these numbers, to clicks from these IP addresses, or names this person.
    `delete_maildir_copies`: remove these messages from the outbox on disk, how many there were. `link_destinations`:
    where links in a mail lead that do not show it. `hash_messages`: what verdicts remember these
    messages by.
    """

    lock: Callable[[], AbstractContextManager[None]]
    drain_journal: Callable[[], bool]
    redact_dead_letters: Callable[[Sequence[int], set[str], PersonMatcher], object]
    delete_maildir_copies: Callable[[MessageIds], int]
    wait_for_machines: Callable[[], list[str]] = list
    link_destinations: LinkDestinations = no_link_destinations
    hash_messages: Callable[[MessageIds], list[int]] = lambda _messages: []


COPY_LABELS: Final = {
    CopyLocation.TABLES: gettext_noop("the files of the database's tables"),
    CopyLocation.WRITE_AHEAD_LOG: gettext_noop("the database's log"),
    CopyLocation.LOG_ARCHIVE: gettext_noop("the archive of that log"),
    CopyLocation.REPLICAS: gettext_noop("replicas of the database"),
}


@dataclass(slots=True)
class ErasureReport:
    """What was deleted: rows by table, files of mail, and mentions of the person elsewhere: others' stored mails, links
    and texts, remembered responses, and aggregates by a value that held the address.

    `overwritten`: no old copy is left in the database's files, and no click in the journal. `remaining_copies`: where
    the database or its server may hold copies of what was deleted. `pending_machines`: those that were silent and may
    hold clicks of the person; what comes from them later is stored without personal data. `unfinished`: another try
    would do more.
    """

    rows: Counter[str] = field(default_factory=lambda: Counter(messages=0))
    mails: int = 0
    contents_of_others: int = 0
    links_of_others: int = 0
    texts_of_others: int = 0
    replies: int = 0
    sums: int = 0
    overwritten: bool = False
    remaining_copies: list[CopyLocation] = field(default_factory=list)
    pending_machines: list[str] = field(default_factory=list)
    unfinished: bool = False

    def finish(self, copies: Set[CopyLocation], lasting: Set[CopyLocation], *, caught_up: bool) -> Self:
        """Set where copies are left, some of them for good, and whether all clicks of before were stored."""
        self.remaining_copies = sorted(copies)
        self.overwritten = caught_up and not copies
        self.unfinished = not caught_up or not copies <= lasting
        return self


class PrivacyRequests:
    """Export and erasure, for one account or (None) for all."""

    def __init__(self, database: Database, external_data: ExternalData) -> None:
        self._database = database
        self._external_data = external_data

    def export(self, email: str, account: AccountId = None) -> Iterator[bytes]:
        """Yield all data of a person as one JSON object, in pieces: one message is in memory at a time. `named`: the
        destinations that hold the address, wherever they are.
        """
        self._external_data.drain_journal()
        with self._database.read() as connection:
            messages = person_data.list_messages_to(connection, email, account)
        yield b'{"object":"recipient","email":' + orjson.dumps(email) + b',"messages":['
        for index, message in enumerate(messages):
            with self._database.read() as connection:
                rows = person_data.list_rows_of_message(connection, message)
            record = {
                **row_to_json(message),
                **{name: [row_to_json(row) for row in some] for name, some in rows.items()},
            }
            yield (b"," if index else b"") + orjson.dumps(record)
        yield (
            b'],"named":'
            + orjson.dumps(PersonMentions(self._database, PersonMatcher(email), account).destinations())
            + b"}"
        )

    def erase(
        self,
        email: str,
        now: int,
        account: AccountId = None,
        *,
        limit: int | None = MAX_VACUUM_BYTES,
        full_scan: bool = False,
    ) -> ErasureReport:
        """Delete all data of a person. Raises RateLimited, DatabaseUnavailable; what was deleted until then stays
        deleted, and the next try finishes it.

        `limit`: a larger database (in bytes) is not rewritten now, so fragments of deleted rows may be left in it;
        None: it is, whatever its size, and others wait. `full_scan`: search all rows also for somebody who is neither
        the recipient of a message nor named by a link, an aggregate or a response; otherwise such an erasure is cheap.
        """
        with self._external_data.lock(), self._database.try_job("erasure") as acquired:
            if not acquired:  # another machine's
                raise RateLimited(RETRY_SECONDS)
            pending = self._external_data.wait_for_machines()
            caught_up = self._external_data.drain_journal() and not pending
            mentions = PersonMentions(
                self._database, PersonMatcher(email), account, self._external_data.link_destinations
            )
            done = ErasureReport(pending_machines=pending)
            with self._database.read() as connection:
                known = full_scan or person_data.has_data(connection, email, account)
            if not known and not mentions.any_indexed():
                lasting = self._database.lasting_copies(limit)
                return done.finish(lasting, lasting, caught_up=caught_up)
            with self._database.write(WriteMode.EXCLUSIVE) as connection:
                person_data.mark_erasure_started(connection, email, account, now)
            self._erase_messages(email, now, account, done)
            with self._database.write(WriteMode.CONCURRENT) as connection:
                verdict_memory_table.delete_marked(connection)
            mentions.redact_all(done)
            self._external_data.redact_dead_letters([], set(), mentions.matcher)
            copies, lasting = self._database.vacuum(limit), self._database.lasting_copies(limit)
            if copies <= lasting:  # else this is to be tried again
                with self._database.write(WriteMode.EXCLUSIVE) as connection:
                    person_data.mark_erasure_done(connection, email, account)
            return done.finish(copies, lasting, caught_up=caught_up)

    def _erase_messages(self, email: str, now: int, account: AccountId, report: ErasureReport) -> None:
        with self._database.read() as connection:
            messages = person_data.list_messages_to(connection, email, account)
        for start in range(0, len(messages), BATCH_MESSAGES):
            self._erase_batch(messages[start : start + BATCH_MESSAGES], now, PersonMatcher(email), report)

    def _erase_batch(
        self, some: Sequence[Mapping[Any, Any]], now: int, matcher: PersonMatcher, report: ErasureReport
    ) -> None:
        """First what can be found by these rows only."""
        ids = [message["id"] for message in some]
        with self._database.read() as connection:
            addresses = person_data.list_client_ips(connection, ids)
        self._external_data.redact_dead_letters([message["number"] for message in some], addresses, matcher)
        report.mails += self._external_data.delete_maildir_copies(ids)
        hashes = self._external_data.hash_messages(ids)
        with self._database.write(WriteMode.EXCLUSIVE) as connection:
            report.rows.update(person_data.erase(connection, some, now))
            verdict_memory_table.mark_messages(connection, hashes, now, now + MARKED_US)
        report.mails += self._external_data.delete_maildir_copies(ids)  # one that was delivered meanwhile

"""The shared inbox: groups of click events in a table of the database, which any worker may take.

A claim is a lease. Whoever stores a group's events deletes it after the commit; if that never happens, another worker
takes it when the lease has ended, and finds by the events' ids what is stored already.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.journal.interface import EventBatch, JournalCursor
from linkweir.clicks.transport.event_group import MAX_GROUP_EVENTS, open_group, seal_group
from linkweir.clock import DAY_US, SECOND_US
from linkweir.db import click_inbox_table
from linkweir.db.database import Database, WriteMode
from linkweir.db.portable_sql import read_clock
from linkweir.errors import VaultError
from linkweir.vault import Vault

MAX_UNREADABLE_US = DAY_US  # that a group of no use to anybody may stay: there is data of people in it
MAX_CLAIMED_GROUPS = 1000  # at once
LEASE_SECONDS = 120.0  # for one batch, which takes a worker about a second


@dataclass(frozen=True, slots=True)
class InboxCursor:
    """The groups of one batch."""

    groups: tuple[uuid.UUID, ...]


class ClickInbox:
    """Threads and processes may share it. A claim lasts `lease_seconds`. A group that this machine's vault key does not
    open, or that is damaged, stays for a day, is logged and blocks nothing: another machine may have the right key.
    """

    def __init__(
        self, database: Database, vault: Vault, log: FilteringBoundLogger, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self._lease_us = int(lease_seconds * SECOND_US)
        self._database = database
        self._vault = vault
        self._log = log
        self._worker = uuid.uuid4()
        self._group_size = float(MAX_GROUP_EVENTS)  # of the groups that were claimed last

    def send(self, events: Sequence[ClickEvent]) -> None:
        """Bring events into the inbox: they are durable there when this returns. Raises DatabaseUnavailable,
        VaultError.
        """
        parts = [events[start : start + MAX_GROUP_EVENTS] for start in range(0, len(events), MAX_GROUP_EVENTS)]
        groups = [(uuid.uuid4(), len(part), seal_group(part, self._vault)) for part in parts]
        with self._database.write(WriteMode.CONCURRENT) as connection:
            click_inbox_table.add(connection, groups, read_clock(connection))

    def read_from(self, cursor: JournalCursor | None, limit: int) -> EventBatch:
        """Claim at most `limit` events that nobody has claimed, but at least a group; `cursor` is None. Raises
        DatabaseUnavailable.
        """
        assert cursor is None
        with self._database.write(WriteMode.CONCURRENT) as connection:
            at = read_clock(connection)
            claimed = click_inbox_table.claim(
                connection, self._guess_groups(limit), limit, worker=self._worker, now=at, until=at + self._lease_us
            )
        if claimed:
            self._group_size = sum(count for _, count, _, _ in claimed) / len(claimed)
        events: list[ClickEvent] = []
        opened = []
        for group, _, created_at, data in claimed:
            try:
                events += open_group(data, self._vault)
                opened.append(group)
            except (VaultError, ValueError) as error:
                expired = created_at < at - MAX_UNREADABLE_US
                self._log.error("click.group_unreadable", group=str(group), reason=str(error), deleted=expired)
                if expired:
                    self.acknowledge(InboxCursor((group,)))
        return EventBatch(events, InboxCursor(tuple(opened)) if opened else None)

    def _guess_groups(self, limit: int) -> int:
        """How many groups to look at: they are small while few readers come, and others may claim the rest."""
        return max(1, min(MAX_CLAIMED_GROUPS, int(limit / self._group_size)))

    def acknowledge(self, cursor: JournalCursor) -> None:
        """The events of these groups are stored: delete them. Raises DatabaseUnavailable."""
        assert isinstance(cursor, InboxCursor)
        with self._database.write(WriteMode.CONCURRENT) as connection:
            click_inbox_table.delete_groups(connection, cursor.groups)

    def count_waiting(self) -> int:
        """How many events are in it. Raises DatabaseUnavailable."""
        with self._database.read() as connection:
            return click_inbox_table.count_events(connection)

    def find_end(self) -> int:
        """The time behind everything that is in it now (microseconds since 1970, by the database's clock). Raises
        DatabaseUnavailable.
        """
        with self._database.read() as connection:
            return read_clock(connection)

    def has_before(self, position: int) -> bool:
        """Whether events that came before a time are still in it. Raises DatabaseUnavailable."""
        with self._database.read() as connection:
            return click_inbox_table.count_events(connection, position) > 0

    @property
    def lease_seconds(self) -> float:
        """How long a claim lasts."""
        return self._lease_us / SECOND_US

    @property
    def concern(self) -> None:
        """Nothing: the database looks after what it holds."""

    def close(self) -> None:
        """Nothing to do: a lease ends by itself."""

"""Overwrites the dead letters of this machine that are old, or belong to messages that were erased on any machine.

An erasure overwrites those of the machine that it runs on. The others find in the database which messages were erased,
and by their numbers the lines that say, or hold in damaged bytes, which message they belong to.
"""

import time
from typing import Final

from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clock import DAY_US, now
from linkweir.db import person_data
from linkweir.db.database import Database

MAX_RETENTION_US: Final = 30 * DAY_US  # the longest that personal data is kept, by the outside contract
EXPIRY_INTERVAL_SECONDS: Final = 3600.0  # between looks at what is old


class DeadLetterRetention:
    """Of the file of one machine, whose lines are read again only when it or the erased messages have changed."""

    def __init__(self, dead_letters: DeadLetterFile, database: Database) -> None:
        self._dead_letters = dead_letters
        self._database = database
        self._expire_at = 0.0
        self._seen: object = None

    def run(self) -> None:
        """Overwrite what is due. Raises OSError, DatabaseUnavailable."""
        if time.monotonic() >= self._expire_at:
            self._dead_letters.redact_older_than(now() - MAX_RETENTION_US)
            self._expire_at = time.monotonic() + EXPIRY_INTERVAL_SECONDS
        if (changed_at := self._dead_letters.changed_at()) is None:
            return
        with self._database.read() as connection:
            numbers = person_data.list_erased_numbers(connection, now() - MAX_RETENTION_US)
        erased = frozenset(numbers)
        if erased and self._seen != (changed_at, erased):
            self._dead_letters.redact_person(numbers)
            self._seen = (self._dead_letters.changed_at(), erased)

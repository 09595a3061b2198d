"""Requests of accounts, counted over all machines that share a database."""

import hashlib
from typing import Final

from linkweir.clock import SECOND_US
from linkweir.db import rate_limits_table
from linkweir.db.database import Database, WriteMode

PRUNE_CALLS: Final = 256  # between two removals of limits that nobody uses


class RequestLimit:
    """`rate` requests a second, `burst` at once, for each key of the limit called `name`. Threads may share it."""

    def __init__(self, database: Database, rate: float, burst: int, name: str) -> None:
        self._database = database
        self._interval = max(1, round(SECOND_US / rate))
        self._burst = burst
        self._name = name
        self._calls = 0

    def take(self, key: object, count: int) -> tuple[int, float]:
        """Take up to `count` requests. Returns how many, and if there is none, the seconds until there is. Raises
        DatabaseUnavailable.
        """
        digest = hashlib.sha256(f"{self._name}:{key}".encode()).digest()
        self._calls += 1
        with self._database.write(WriteMode.CONCURRENT) as connection:
            if self._calls % PRUNE_CALLS == 0:
                rate_limits_table.delete_unused(connection)
            taken, wait = rate_limits_table.take(
                connection, digest, interval=self._interval, burst=self._burst, count=count
            )
        return taken, wait / SECOND_US

"""Makes the sums of clicks anew from the clicks: after a migration, or when somebody doubts them.

Verdicts are taken as they are stored. May run beside a service that counts, and be interrupted at any time: whoever
comes next begins again.
"""

import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection
from structlog.typing import FilteringBoundLogger

from linkweir.errors import StoreUnavailable
from linkweir.store import rebuild
from linkweir.store.engine import Store

T = TypeVar("T")
Progress = Callable[[str, int], bool]  # what is under way, about how many clicks it has done; False to stop
TRIES = 20  # of one part, when others keep the store busy
PAUSE = 0.5  # seconds between them


def rebuild_all(store: Store, now: int, progress: Progress) -> bool:
    """Make all of them anew; `now` in microseconds since 1970. False when `progress` wished to stop.

    Raises StoreUnavailable.
    """

    def begin(connection: Connection) -> list[uuid.UUID]:
        rebuild.begin(connection, now)
        return rebuild.accounts_of(connection)

    accounts = _patiently(store, begin)
    done = (
        _messages(store, progress)
        and _others(store, progress)
        and all(_hours(store, account, progress) for account in accounts)
        and _longer(store, progress)
    )
    if done:
        _patiently(store, rebuild.end)
    return done


def _messages(store: Store, progress: Progress) -> bool:
    return _parts(store, "messages", progress, None, rebuild.message_part)


def _others(store: Store, progress: Progress) -> bool:
    return _parts(store, "links minted elsewhere", progress, None, rebuild.other_part)


def _hours(store: Store, account: uuid.UUID, progress: Progress) -> bool:
    return _parts(store, "hours", progress, 0, lambda connection, start: rebuild.hours_part(connection, account, start))


def _longer(store: Store, progress: Progress) -> bool:
    return _parts(store, "longer times", progress, 0, rebuild.axis_part)


def _parts(store: Store, what: str, progress: Progress, start: T, part: Callable[[Connection, T], T | None]) -> bool:
    """One part after the other, each in a transaction, from `start` until one says that it was the last."""
    done = 0
    while True:
        following = _patiently(store, partial(_one, part, start))
        done += rebuild.PART
        if not progress(what, done):
            return False
        if following is None:
            return True
        start = following


def _one(part: Callable[[Connection, T], T | None], start: T, connection: Connection) -> T | None:
    return part(connection, start)


def _patiently(store: Store, work: Callable[[Connection], T]) -> T:
    for tried in range(TRIES):
        try:
            with store.write() as connection:
                return work(connection)
        except StoreUnavailable:
            if tried == TRIES - 1:
                raise
            time.sleep(PAUSE)
    raise AssertionError("unreachable")


class Rebuilder:
    """A thread that makes the sums anew beside a service, when a migration wants it or somebody did not end."""

    def __init__(self, store: Store, log: FilteringBoundLogger, clock: Callable[[], int]) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._going = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if it is wanted. Raises StoreUnavailable."""
        with self._store.read() as connection:
            wanted = rebuild.wanted(connection)
        if wanted:
            self._going = True
            # daemon: a host that never stops us must still be able to exit; the next start begins again
            self._thread = threading.Thread(target=self._run, name="linkweir-rebuild", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the part that is under way."""
        self._going = False
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        self._log.info("sums.rebuilding")
        try:
            if rebuild_all(self._store, self._clock(), self._progress):
                self._log.info("sums.rebuilt")
        except Exception:
            self._log.exception("sums.cannot_rebuild")  # the mark stands: the next start tries again

    def _progress(self, what: str, clicks: int) -> bool:
        self._log.info("sums.rebuilding", part=what, clicks=clicks)
        return self._going

"""Removes what was kept long enough: content first, then everything that ties a message to a person.

Links outlive it all: a sealed one carries its destination, and the rows of short ones stay.
"""

import time
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from linkweir.store import replies, retention
from linkweir.store.engine import Store

TRIES, PAUSE = 20, 0.25  # to find a moment, and seconds between them
BATCH = 200  # messages in one transaction, so that nobody waits long for their turn


def sweep(store: Store, now: int, log: FilteringBoundLogger, stopping: Callable[[], bool] = lambda: False) -> None:
    """Remove all that is due at `now` (microseconds since 1970), or what there is time for until `stopping`.

    Raises StoreUnavailable.
    """
    contents = people = 0
    while not stopping() and (removed := _step(store, now, retention.drop_contents)):
        contents += removed
    while not stopping() and (removed := _step(store, now, retention.drop_messages)):
        people += removed
    others = 0
    for drop in (retention.drop_strangers, replies.drop_expired):
        while not stopping() and (removed := _step(store, now, drop)):
            others += removed
    if contents or people:
        log.info("retention.removed", contents=contents, messages=people)
    if contents or people or others:
        _empty_log(store, stopping)


def _empty_log(store: Store, stopping: Callable[[], bool]) -> None:
    """Removed is removed when the database's log does not hold it any more either; nobody has to wait for that."""
    for _ in range(TRIES):
        if stopping() or store.empty_log():
            return
        time.sleep(PAUSE)


def _step(store: Store, now: int, drop: retention.Drop) -> int:
    with store.write() as connection:
        return drop(connection, now, BATCH)

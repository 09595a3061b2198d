"""Removes what was kept long enough: content first, then everything that ties a message to a person.

Links outlive it all: a sealed one carries its destination, and the rows of short ones stay.
"""

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from linkweir.store import replies, retention
from linkweir.store.engine import Store

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
    for drop in (retention.drop_strangers, replies.drop_expired):
        while not stopping() and _step(store, now, drop):
            pass
    if contents or people:
        log.info("retention.removed", contents=contents, messages=people)


def _step(store: Store, now: int, drop: retention.Drop) -> int:
    with store.write() as connection:
        return drop(connection, now, BATCH)

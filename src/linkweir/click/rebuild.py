"""Makes the sums of clicks anew from the clicks: after a migration, or when somebody doubts them.

Verdicts are taken as they are stored. May run beside a service that counts, and be interrupted at any time: whoever
comes next begins again.
"""

from collections.abc import Callable

from linkweir.store import rebuild
from linkweir.store.engine import Store

Progress = Callable[[str, int], None]  # what is under way, and about how many clicks it has done


def rebuild_if_wanted(store: Store, now: int, progress: Progress) -> bool:
    """Make them anew when a migration wants it or somebody before did not end. Raises StoreUnavailable."""
    with store.read() as connection:
        wanted = rebuild.wanted(connection)
    if wanted:
        rebuild_all(store, now, progress)
    return wanted


def rebuild_all(store: Store, now: int, progress: Progress) -> None:
    """Make all of them anew; `now` in microseconds since 1970. Raises StoreUnavailable."""
    with store.write() as connection:
        rebuild.begin(connection, now)
        accounts = rebuild.accounts_of(connection)
    _messages(store, progress)
    _others(store, progress)
    done = 0
    for account in accounts:
        start: int | None = 0
        while start is not None:
            with store.write() as connection:
                start = rebuild.hours_part(connection, account, start)
            done += rebuild.PART
            progress("hours", done)
    with store.write() as connection:
        rebuild.end(connection)


def _messages(store: Store, progress: Progress) -> None:
    after, done = None, 0
    while done == 0 or after is not None:
        with store.write() as connection:
            after = rebuild.message_part(connection, after)
        done += rebuild.PART
        progress("messages", done)


def _others(store: Store, progress: Progress) -> None:
    after, done = None, 0
    while done == 0 or after is not None:
        with store.write() as connection:
            after = rebuild.other_part(connection, after)
        done += rebuild.PART
        progress("links minted elsewhere", done)

"""Sees that every click that was followed until now is stored, and that nothing of it is left in the journal's files:
for an export to have them all, and for an erasure to leave none.

A service that runs brings them to the store by itself, and is waited for. Where none runs that is done here.
"""

import time
from typing import Final

from linkweir.clicks.ingest.ingest_worker import IngestWorker
from linkweir.clicks.journal.legacy_spool import LegacySpool
from linkweir.clicks.journal.local_journal import LocalJournal
from linkweir.clicks.journal.reader import wait_until_wiped

TAKEOVER_POLL_SECONDS: Final = 0.5  # seconds between attempts to take over: the service may end meanwhile
SPOOL_POLL_SECONDS: Final = 0.05


def drain_and_wait(journal: LocalJournal, spool: LegacySpool, worker: IngestWorker, timeout_seconds: float) -> bool:
    """Wait until it is so; False when some were still waiting after so many seconds. `journal` and `worker` are the
    caller's own and not started. Raises StoreUnavailable, OSError.
    """
    until = time.monotonic() + timeout_seconds
    try:
        worker.drain()  # nothing where the service does it
        while spool.pending_files():
            if time.monotonic() > until:
                return False
            time.sleep(SPOOL_POLL_SECONDS)
            worker.drain()
        while not wait_until_wiped(journal.segments, min(until, time.monotonic() + TAKEOVER_POLL_SECONDS)):
            if time.monotonic() > until:
                return False
            worker.drain()
        return True
    finally:
        journal.close()

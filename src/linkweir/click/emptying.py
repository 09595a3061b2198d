"""Sees that every click that was followed until now is stored, and that nothing of it is left in the journal's files:
for an export to have them all, and for an erasure to leave none.

A service that runs brings them to the store by itself, and is waited for. Where none runs that is done here.
"""

import time
from typing import Final

from linkweir.click.local import LocalJournal
from linkweir.click.reading import scrubbed
from linkweir.click.spool import Spool
from linkweir.click.worker import ClickWorker

LOOK: Final = 0.5  # seconds between attempts to take over: the service may end meanwhile
SPOOL_LOOK: Final = 0.05


def emptied(journal: LocalJournal, spool: Spool, worker: ClickWorker, seconds: float) -> bool:
    """Wait until it is so; False when some were still waiting after so many seconds. `journal` and `worker` are the
    caller's own and not started. Raises StoreUnavailable, OSError.
    """
    until = time.monotonic() + seconds
    try:
        worker.catch_up()  # nothing where the service does it
        while spool.waiting():
            if time.monotonic() > until:
                return False
            time.sleep(SPOOL_LOOK)
            worker.catch_up()
        while not scrubbed(journal.segments, min(until, time.monotonic() + LOOK)):
            if time.monotonic() > until:
                return False
            worker.catch_up()
        return True
    finally:
        journal.close()

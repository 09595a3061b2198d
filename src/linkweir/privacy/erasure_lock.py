"""Lock: one erasure at a time over all processes of a data folder, and a pause after one that took long.

An erasure reads whole tables and rewrites the database, while writers wait. A key that may erase could request one
after the other; so others get a time to retry, and at least half of the time is left to everybody else.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from linkweir.durable_files import open_lock_file, try_lock
from linkweir.errors import DatabaseUnavailable, RateLimited

LOCK_FILE: Final = "erasing.lock"
RETRY_SECONDS: Final = 2.0  # seconds until a refused one may come again
SHORT_ERASURE_SECONDS: Final = 1.0  # seconds: one that took no longer needs no pause
MAX_COOLDOWN_SECONDS: Final = 30.0  # seconds of pause
POLL_SECONDS: Final = 0.05  # seconds between two looks of one that waits


@contextlib.contextmanager
def exclusive_erasure(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Be the only one. `wait`: wait for it, and take no pauses: for a command, which nobody can send thousands of.
    Raises RateLimited while another one is at it or a pause lasts, DatabaseUnavailable.
    """
    try:
        descriptor = open_lock_file(folder / LOCK_FILE)
    except OSError as error:
        raise DatabaseUnavailable(str(error)) from error
    try:
        while not try_lock(descriptor):
            if not wait:
                raise RateLimited(RETRY_SECONDS)
            time.sleep(POLL_SECONDS)
        if not wait and (left := _cooldown_left(descriptor)) > 0:
            raise RateLimited(left)
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
            _set_cooldown(descriptor, min(took, MAX_COOLDOWN_SECONDS) if took > SHORT_ERASURE_SECONDS else 0.0)
    finally:
        os.close(descriptor)


def _set_cooldown(descriptor: int, seconds: float) -> None:
    """Note for all processes until when nobody begins, by the only clock that they share."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{time.time():.3f} {seconds:.3f}".encode(), 0)


def _cooldown_left(descriptor: int) -> float:
    """Return the seconds that are left; none after the clock was set back, or when the file is cut off."""
    try:
        since, seconds = map(float, os.pread(descriptor, 100, 0).split())
    except ValueError:
        return 0.0
    passed = time.time() - since
    return seconds - passed if 0 <= passed < seconds else 0.0

"""Rate limit of an account's requests: a token bucket each, in the memory of this process."""

import threading
import time
from collections import OrderedDict

from linkweir.errors import RateLimited

MAX_BUCKETS = 10_000  # buckets that are kept; the one unused longest goes first, and it is full by then


class TokenBuckets:
    """`rate` requests a second, `burst` at once. Threads may share it."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._lock = threading.Lock()
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def consume(self, key: object) -> None:
        """One request. Raises RateLimited with the seconds after which the next one is possible."""
        moment = time.monotonic()
        with self._lock:
            left, at = self._buckets.pop(key, (float(self._burst), moment))
            left = min(self._burst, left + (moment - at) * self._rate)
            allowed = left >= 1
            self._buckets[key] = (left - 1 if allowed else left, moment)
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        if not allowed:
            raise RateLimited((1 - left) / self._rate)

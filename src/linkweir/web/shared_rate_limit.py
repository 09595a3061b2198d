"""Rate limit of an account's requests over all machines that share a database.

A machine takes a share of what is left, a tenth of a second's allowance, and spends it without asking anybody. A share
that is not spent within a second is void: an account never gets more than its limit, and a share less for each machine
that it no longer uses. When nothing is left, that is remembered until there is something: requests that are refused
cost the database nothing.
"""

import math
import time
from collections.abc import Callable
from typing import Final

from linkweir.errors import RateLimited
from linkweir.web.rate_limit import Bucket, BucketStore

SHARE_SECONDS: Final = 0.1  # of the allowance that a machine takes at once
SHARE_LIFETIME_SECONDS: Final = 1.0  # until what was not spent of it is void
TakeFunction = Callable[[object, int], tuple[int, float]]  # key and count; how many were taken, or seconds to wait


class SharedRateLimit:
    """`rate` requests a second, `burst` at once, for each key of the limit called `name`. Threads may share it.
    `store` has what the processes of this machine know; `take` asks the database.
    """

    def __init__(self, rate: float, burst: int, store: BucketStore, name: str, take: TakeFunction) -> None:
        self._max_wait = 1 / rate
        self._share = max(1, min(burst // 4, math.ceil(rate * SHARE_SECONDS)))
        self._store = store
        self._name = name
        self._take = take

    def try_consume(self, key: object) -> bool:
        """One request of this machine's share; False when that is spent, and `consume` has to be asked. Raises
        RateLimited when it is known that there is none, with the seconds after which there is.
        """
        has_request, wait = False, 0.0

        def spend(bucket: Bucket | None) -> Bucket:
            nonlocal has_request, wait
            left, at = bucket or (0.0, 0.0)
            silence = time.monotonic() - at
            wait = -silence if left == 0 and 0 < -silence <= self._max_wait else 0.0
            has_request = left >= 1 and 0 <= silence < SHARE_LIFETIME_SECONDS
            return (left - 1 if has_request else left), at

        self._store.exchange(self._to_bytes(key), spend)
        if wait:
            raise RateLimited(wait)
        return has_request

    def consume(self, key: object) -> None:
        """One request, and a share with it. Raises RateLimited, DatabaseUnavailable."""
        taken, wait = self._take(key, self._share)

        def add(bucket: Bucket | None) -> Bucket:
            moment = time.monotonic()
            if not taken:
                return 0.0, moment + wait  # a moment to come: nothing is left until then
            left, at = bucket or (0.0, 0.0)
            is_valid = 0 <= moment - at < SHARE_LIFETIME_SECONDS
            return (left if is_valid else 0.0) + taken - 1, moment

        self._store.exchange(self._to_bytes(key), add)
        if not taken:
            raise RateLimited(wait)

    def _to_bytes(self, key: object) -> bytes:
        return f"shared {self._name}:{key}".encode()

"""How often people may fail to sign in to the dashboard: counted in the store, for all processes of a data folder.

Failures count, successes do not. One network (IPv4 address, IPv6 /64: what one household or host has) may fail ten
times at once, then once in 30 s. One user may be failed at 30 times from networks that they have not signed in from,
then once in 20 s: whoever guesses from many networks gets nowhere, and cannot keep the user out of where they work.
Users that do not exist are counted in the same way.
"""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from linkweir.edge.client import network_of
from linkweir.errors import TooMany
from linkweir.store import sign_ins
from linkweir.store.engine import Store
from linkweir.store.sign_ins import Limit

SECOND = 1_000_000  # microseconds
FROM_ONE_NETWORK = (30 * SECOND, 10)  # the interval and how many at once
AT_ONE_USER = (20 * SECOND, 30)
AT_ONE_PASSWORD = (60 * SECOND, 10)  # by somebody who is signed in already


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that may be made; it counts as failed until `Attempts.succeeded` hears otherwise."""

    network: str
    limits: tuple[Limit, ...]


class Attempts:
    """Asks before each attempt, and takes it back when it was good; `clock` in microseconds since 1970."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def sign_in(self, where: str | None, email: str) -> Attempt:
        """Somebody at an address is about to try. Raises TooMany, StoreUnavailable."""
        network = network_of(where)
        with self._store.read() as connection:
            known = sign_ins.is_known(connection, email, _place(network), self._clock())
        from_there = Limit(_key("network", network), *FROM_ONE_NETWORK)
        return self._spent(network, (from_there,) if known else (from_there, Limit(user_key(email), *AT_ONE_USER)))

    def password(self, user: uuid.UUID) -> Attempt:
        """A user who is signed in is about to name their password. Raises TooMany, StoreUnavailable."""
        return self._spent("", (Limit(_key("password", user.hex), *AT_ONE_PASSWORD),))

    def _spent(self, network: str, limits: tuple[Limit, ...]) -> Attempt:
        """Counted as failed beforehand: many at once cannot all slip through."""
        with self._store.read() as connection:  # a flood that is refused does not keep writers waiting
            _refuse(connection, limits, self._clock())
        with self._store.write() as connection:
            _refuse(connection, limits, self._clock())
            sign_ins.spend(connection, limits, self._clock())
        return Attempt(network, limits)

    def succeeded(self, connection: Connection, attempt: Attempt, user: uuid.UUID) -> None:
        """It was the right password: the attempt does not count, and the network is known from now on."""
        sign_ins.give_back(connection, attempt.limits)
        if attempt.network:
            sign_ins.remember(connection, user, _place(attempt.network), self._clock())


def user_key(email: str) -> bytes:
    """What failures at a user are counted by."""
    return _key("user", email)


def _place(network: str) -> bytes:
    return _key("place", network)


def _key(kind: str, name: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{name}".encode("utf-8", "replace")).digest()


def _refuse(connection: Connection, limits: tuple[Limit, ...], now: int) -> None:
    if wait := sign_ins.wait(connection, limits, now):
        raise TooMany(wait / SECOND)

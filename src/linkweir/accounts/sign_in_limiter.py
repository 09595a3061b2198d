"""Rate limit of failed sign-ins to the dashboard and over SMTP, stored in the database for all processes and machines.

Failures count, successes do not. One network (IPv4 address, IPv6 /64: what one household or host has) may fail ten
times at once, then once in 30 s. Sign-ins as one user may fail 30 times from networks that the user has not signed in
from, then once in 20 s: guessing from many networks gets nowhere, and cannot lock the user out. Users that do not exist
are counted in the same way.
"""

import hashlib
import ipaddress
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from linkweir.clock import SECOND_US
from linkweir.db import sign_in_limits_table
from linkweir.db.database import Database
from linkweir.db.sign_in_limits_table import SignInLimit
from linkweir.errors import RateLimited

NETWORK_LIMIT = (30 * SECOND_US, 10)  # the interval and how many at once
USER_LIMIT = (20 * SECOND_US, 30)
RESET_LIMIT = (300 * SECOND_US, 5)  # mails with a reset link, by network and by address
SMTP_LIMIT = (60 * SECOND_US, 10)  # failures over SMTP, by network
PASSWORD_CHANGE_LIMIT = (60 * SECOND_US, 10)  # by somebody who is signed in already


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """One attempt that may be made; it counts as failed until `Attempts.succeeded` hears otherwise."""

    network: str
    limits: tuple[SignInLimit, ...]


class SignInLimiter:
    """Consumes a token before each attempt and refunds it after a success; `clock` in microseconds since 1970."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    def begin_sign_in(self, address: str | None, email: str) -> SignInAttempt:
        """Somebody at an address is about to try. Raises RateLimited, DatabaseUnavailable."""
        network = rate_limit_network(address)
        with self._database.read() as connection:
            known = sign_in_limits_table.has_signed_in_from(connection, email, _network_key(network), self._clock())
        from_there = SignInLimit(_hash_key("network", network), *NETWORK_LIMIT)
        return self._spend(network, (from_there,) if known else (from_there, SignInLimit(user_key(email), *USER_LIMIT)))

    def begin_password_change(self, user: uuid.UUID) -> SignInAttempt:
        """A user who is signed in is about to name their password. Raises RateLimited, DatabaseUnavailable."""
        return self._spend("", (SignInLimit(_hash_key("password", user.hex), *PASSWORD_CHANGE_LIMIT),))

    def spend_reset_request(self, address: str | None, email: str) -> None:
        """Somebody asks for a mail with which to reset a password. Raises RateLimited, DatabaseUnavailable."""
        keys = (_hash_key("reset network", rate_limit_network(address)), _hash_key("reset user", email))
        self._spend("", tuple(SignInLimit(key, *RESET_LIMIT) for key in keys))

    def require_smtp_sign_in(self, network: str) -> None:
        """Somebody in a network is about to try over SMTP. Raises RateLimited, DatabaseUnavailable. Nothing is written:
        mail programs sign in with each mail.
        """
        with self._database.read() as connection:
            _raise_if_limited(connection, (_smtp_limit(network),), self._clock())

    def record_smtp_failure(self, network: str) -> None:
        """That was a wrong password. Raises DatabaseUnavailable."""
        with self._database.write() as connection:
            sign_in_limits_table.consume(connection, (_smtp_limit(network),), self._clock())

    def _spend(self, network: str, limits: tuple[SignInLimit, ...]) -> SignInAttempt:
        """Counted as failed beforehand: many at once cannot all slip through."""
        with self._database.read() as connection:  # a flood that is refused does not keep writers waiting
            _raise_if_limited(connection, limits, self._clock())
        with self._database.write() as connection:
            _raise_if_limited(connection, limits, self._clock())
            sign_in_limits_table.consume(connection, limits, self._clock())
        return SignInAttempt(network, limits)

    def record_success(self, connection: Connection, attempt: SignInAttempt, user: uuid.UUID) -> None:
        """It was the right password: the attempt does not count, and the network is known from now on."""
        sign_in_limits_table.refund(connection, attempt.limits)
        if attempt.network:
            sign_in_limits_table.remember_network(connection, user, _network_key(attempt.network), self._clock())


def rate_limit_network(ip: str | None) -> str:
    """Return the network of one household or host: an IPv4 address, the /64 of an IPv6 address; "" when unknown."""
    if ip is None:
        return ""
    parsed = ipaddress.ip_address(ip)
    return ip if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


def user_key(email: str) -> bytes:
    """Return the key that failures of sign-ins as a user are counted by."""
    return _hash_key("user", email)


def _smtp_limit(network: str) -> SignInLimit:
    return SignInLimit(_hash_key("smtp network", network), *SMTP_LIMIT)


def _network_key(network: str) -> bytes:
    return _hash_key("place", network)


def _hash_key(kind: str, name: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{name}".encode("utf-8", "replace")).digest()


def _raise_if_limited(connection: Connection, limits: tuple[SignInLimit, ...], now: int) -> None:
    if wait := sign_in_limits_table.get_wait(connection, limits, now):
        raise RateLimited(wait / SECOND_US)

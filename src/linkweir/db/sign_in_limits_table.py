"""Statements on failed attempts to sign in, and on places that users have signed in from: shared by all processes.

A limit is one moment: when all that was tried is forgotten. Each attempt puts it one interval further, and it may lie
no further ahead than so many intervals (a leaky bucket, written as GCRA). Refuses to know addresses: keys are digests.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from linkweir.clock import DAY_US
from linkweir.db.schema import sign_in_limits, sign_in_networks, users

MAX_LIMITS: Final = 20_000  # limits; beyond them those go that would be forgotten soonest
MAX_NETWORKS_PER_USER: Final = 20  # of one user, the latest
NETWORK_RETENTION_US: Final = 90 * DAY_US  # microseconds after which a place is no longer known


@dataclass(frozen=True, slots=True)
class SignInLimit:
    """`burst` attempts at once, then one each `interval` (microseconds), for whoever `key` stands for."""

    key: bytes
    interval: int
    burst: int

    def wait_us(self, free_at: int, now: int) -> int:
        """Microseconds until one more may be made; 0 for now."""
        return max(0, self.next_free_at(free_at, now) - now - self.burst * self.interval)

    def next_free_at(self, free_at: int, now: int) -> int:
        """When all is forgotten after one more. A clock that was set back locks nobody out for longer."""
        return min(max(free_at, now), now + self.burst * self.interval) + self.interval


def get_wait(connection: Connection, limits: Sequence[SignInLimit], now: int) -> int:
    """Microseconds until all of these allow one more attempt."""
    free_at = _load_free_at(connection, limits)
    return max((limit.wait_us(free_at.get(limit.key, 0), now) for limit in limits), default=0)


def consume(connection: Connection, limits: Sequence[SignInLimit], now: int) -> None:
    """One attempt at each of them."""
    free_at = _load_free_at(connection, limits)
    for limit in limits:
        values = {"free_at": limit.next_free_at(free_at.get(limit.key, 0), now)}
        if limit.key in free_at:
            connection.execute(update(sign_in_limits).where(sign_in_limits.c.key == limit.key).values(**values))
        else:
            connection.execute(insert(sign_in_limits).values(key=limit.key, **values))
    _prune(connection, now)


def refund(connection: Connection, limits: Sequence[SignInLimit]) -> None:
    """The attempt was a good one: it does not count. Failures before it do."""
    for limit in limits:
        mine = update(sign_in_limits).where(sign_in_limits.c.key == limit.key)
        connection.execute(mine.values(free_at=sign_in_limits.c.free_at - limit.interval))


def reset(connection: Connection, key: bytes) -> None:
    """Forget all failures at once."""
    connection.execute(delete(sign_in_limits).where(sign_in_limits.c.key == key))


def _load_free_at(connection: Connection, limits: Sequence[SignInLimit]) -> dict[bytes, int]:
    has_key = sign_in_limits.c.key.in_([limit.key for limit in limits])
    return {row.key: row.free_at for row in connection.execute(select(sign_in_limits).where(has_key))}


def _prune(connection: Connection, now: int) -> None:
    connection.execute(delete(sign_in_limits).where(sign_in_limits.c.free_at <= now))
    count = connection.scalar(select(func.count()).select_from(sign_in_limits)) or 0
    if count > MAX_LIMITS:
        soonest = select(sign_in_limits.c.key).order_by(sign_in_limits.c.free_at).limit(count - MAX_LIMITS)
        connection.execute(delete(sign_in_limits).where(sign_in_limits.c.key.in_(soonest)))


def has_signed_in_from(connection: Connection, email: str, network: bytes, now: int) -> bool:
    """Whether the user with this e-mail address has signed in from there lately."""
    statement = (
        select(sign_in_networks.c.at)
        .join(users, users.c.id == sign_in_networks.c.user_id)
        .where(
            users.c.email == email,
            sign_in_networks.c.place == network,
            sign_in_networks.c.at > now - NETWORK_RETENTION_US,
        )
    )
    return connection.scalar(statement) is not None


def remember_network(connection: Connection, user: uuid.UUID, network: bytes, now: int) -> None:
    """The user has signed in from there."""
    mine = sign_in_networks.c.user_id == user
    connection.execute(delete(sign_in_networks).where(mine, sign_in_networks.c.place == network))
    connection.execute(delete(sign_in_networks).where(sign_in_networks.c.at <= now - NETWORK_RETENTION_US))
    connection.execute(insert(sign_in_networks).values(user_id=user, place=network, at=now))
    latest = (
        select(sign_in_networks.c.place).where(mine).order_by(sign_in_networks.c.at.desc()).limit(MAX_NETWORKS_PER_USER)
    )
    connection.execute(delete(sign_in_networks).where(mine, sign_in_networks.c.place.not_in(latest)))

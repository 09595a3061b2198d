"""The limit of an account's requests over machines that share a database, with an own clock and a take of its own."""

import pytest

from linkweir.errors import RateLimited
from linkweir.web import shared_rate_limit
from linkweir.web.rate_limit import MemoryBuckets
from linkweir.web.shared_rate_limit import SHARE_LIFETIME_SECONDS, SharedRateLimit


class Server:
    """What machines take from: so many requests are left. `calls` counts the times."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.calls = 0

    def take(self, _key: object, count: int) -> tuple[int, float]:
        """As the database does."""
        self.calls += 1
        taken = min(count, self.left)
        self.left -= taken
        return taken, 0.0 if taken else 0.01


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def monotonic(self) -> float:
        """As `time` has it."""
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the limit."""
    clock = Clock()
    monkeypatch.setattr(shared_rate_limit, "time", clock)
    return clock


def make_machine(server: Server) -> SharedRateLimit:
    """A hundred a second, so ten are taken at once."""
    return SharedRateLimit(100.0, 200, MemoryBuckets(), "requests", server.take)


def count_allowed(machine: SharedRateLimit, tries: int) -> int:
    """How many of so many requests are allowed, as the service asks."""
    allowed = 0
    for _ in range(tries):
        try:
            if not machine.try_consume("account"):
                machine.consume("account")
            allowed += 1
        except RateLimited:
            continue
    return allowed


def test_machines_share_what_is_left(clock: Clock) -> None:
    """Together they get all of it and no more; the database is asked once for ten, and once by each machine when there
    is nothing left.
    """
    del clock
    server = Server(200)
    machines = [make_machine(server), make_machine(server)]
    assert sum(count_allowed(machine, 5) for _ in range(100) for machine in machines) == 200
    assert server.calls == 20 + 2


def test_what_is_refused_is_asked_for_again_when_there_may_be_some(clock: Clock) -> None:
    """Not before, and then without delay."""
    server = Server(0)
    machine = make_machine(server)
    assert count_allowed(machine, 50) == 0
    assert server.calls == 1
    with pytest.raises(RateLimited) as refused:
        machine.try_consume("account")
    assert refused.value.retry_after == pytest.approx(0.01)
    clock.moment += 0.02
    server.left = 1
    assert count_allowed(machine, 50) == 1
    assert server.calls == 3


def test_a_share_that_is_not_spent_is_void(clock: Clock) -> None:
    """After a second it would be more than the limit; and a mark of before the machine's last start means nothing."""
    server = Server(25)
    machine = make_machine(server)
    assert count_allowed(machine, 1) == 1
    clock.moment += SHARE_LIFETIME_SECONDS - 0.1
    assert (count_allowed(machine, 1), server.calls) == (1, 1)
    clock.moment += 0.2
    assert (count_allowed(machine, 1), server.calls, server.left) == (1, 2, 5)
    clock.moment = 10.0
    assert (count_allowed(machine, 1), server.calls, server.left) == (1, 3, 0)


def test_a_small_limit_is_taken_one_at_a_time(clock: Clock) -> None:
    """One a second, one at once: no machine keeps any for itself."""
    del clock
    server = Server(3)
    machine = SharedRateLimit(1.0, 1, MemoryBuckets(), "statistics", server.take)
    assert (count_allowed(machine, 2), server.left, server.calls) == (2, 1, 2)

"""Tests of linkweir.webhooks.connection_shares."""

import uuid

from linkweir.webhooks.connection_shares import ConnectionShares

CONNECTIONS = 20


def fill_connections(
    scheduler: ConnectionShares, webhooks: int, *, failing: bool = False, slow: bool = False
) -> list[int]:
    """As many requests as there is room for, to each of some new webhooks in turn."""
    taken = []
    for _ in range(webhooks):
        webhook = uuid.uuid4()
        count = scheduler.free_slots(webhook, failing=failing, slow=slow)
        for _ in range(count):
            scheduler.acquire(webhook, slow=failing or slow)
        taken.append(count)
    return taken


def test_one_webhook_has_at_most_a_quarter() -> None:
    """A webhook with much to be told gets a quarter of the connections, a failing one a single one."""
    assert fill_connections(ConnectionShares(CONNECTIONS), 1) == [5]
    assert fill_connections(ConnectionShares(CONNECTIONS), 1, failing=True) == [1]


def test_further_connections_are_given_from_the_first_half_only() -> None:
    """When half of the connections are taken, each further webhook still finds one."""
    assert fill_connections(ConnectionShares(CONNECTIONS), 13) == [5, 5] + [1] * 10 + [0]


def test_laggards_together_have_half() -> None:
    """However many webhooks fail or are slow, the other half is left for those that answer."""
    for lag in ({"failing": True}, {"slow": True}):
        shares = ConnectionShares(CONNECTIONS)
        assert sum(fill_connections(shares, 50, **lag)) == 10
        assert sum(fill_connections(shares, 50)) == 10
        assert shares.is_full


def test_what_is_given_back_is_free_again() -> None:
    """A request that ended leaves no trace, also in a copy that was made before."""
    shares, webhook = ConnectionShares(1), uuid.uuid4()
    shares.acquire(webhook, slow=True)
    before = shares.copy()
    shares.release(webhook, slow=True)
    assert (shares.free_slots(webhook, failing=True), before.free_slots(webhook, failing=True)) == (1, 0)

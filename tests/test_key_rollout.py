"""When a new signing key begins to mint: by what one process knows of its machine and the others."""

from datetime import UTC, datetime, timedelta

import pytest

from linkweir.key_rollout import KeyRollout, choose_for_command, with_current
from linkweir.tokens import KeyRing, Tracker, open_link

NOW = datetime.now(UTC)  # when the tests were collected: long before the last one runs
LONG_AGO = NOW - timedelta(days=30)
OLD = KeyRing.generate(LONG_AGO, ["https://t.example/c/"])
NEW = OLD.rotate(NOW)


def rotate_now() -> KeyRing:
    """A ring whose newest key was made this moment."""
    return OLD.rotate(datetime.now(UTC))


class Watch:
    """A process, its clock, and the machines that it sees. `others`: each machine's key and heartbeat."""

    def __init__(self, ring: KeyRing = OLD, *, is_shared: bool = True) -> None:
        self.moment = 1000.0
        self.ring = ring
        self.others: dict[str, tuple[int, int]] = {}
        self.roles = ["redirect"]
        self.rollout = KeyRollout(("own", "/data"), is_shared=is_shared, get_moment=lambda: self.moment)
        self.refresh()

    def refresh(self, seconds: float = 0.0) -> int:
        """Let time go by, and look; the key that mints then."""
        self.moment += seconds
        rows = [
            {"host": host, "folder": "/data", "roles": self.roles, "key_id": key, "seen_at": seen_at}
            for host, (key, seen_at) in self.others.items()
        ]
        self.rollout.observe_machines(rows)
        self.rollout.observe_ring(self.ring)
        return self.rollout.choose(self.ring).current.id

    def follow(self, seconds: float) -> int:
        """The same with a look every two seconds, while all machines send heartbeats."""
        minting = 0
        for _ in range(int(seconds // 2)):
            self.others = {host: (key, seen_at + 1) for host, (key, seen_at) in self.others.items()}
            minting = self.refresh(2)
        return minting


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_new_key_waits_for_the_processes_of_its_own_machine(is_shared: bool) -> None:
    """They look every two seconds: after six all of them have it. Until then the old key mints, and both open."""
    watch = Watch(is_shared=is_shared)
    watch.ring = NEW
    assert [watch.refresh(), watch.refresh(5.9), watch.refresh(0.2)] == [1, 1, 2]
    assert watch.rollout.settled_key_id == 2


def test_a_process_that_starts_waits_for_others_only_if_the_key_is_new() -> None:
    """A ring's first key, and one that is older than a minute, mint at once."""
    assert Watch(rotate_now()).refresh() == 1
    assert Watch(rotate_now()).refresh(7) == 2
    assert Watch(OLD.rotate(NOW - timedelta(minutes=2))).refresh() == 2
    assert Watch(KeyRing.generate(NOW)).refresh() == 1


def test_a_new_key_waits_for_every_machine_that_redirects() -> None:
    """The slowest decides; machines with other roles do not count."""
    watch = Watch()
    watch.others = {"b": (1, 0), "c": (1, 0)}
    watch.ring = NEW
    assert watch.follow(120) == 1
    watch.others["b"] = (2, 0)
    assert watch.follow(120) == 1
    watch.others["c"] = (2, 0)
    assert watch.refresh() == 2
    watch.others["d"] = (1, 0)  # one that was given an older ring
    assert watch.refresh() == 1
    watch.roles = ["deliver"]
    assert watch.refresh() == 2


def test_a_silent_machine_does_not_keep_others_waiting() -> None:
    """After a minute without a new heartbeat it is left out, whatever its clock says; when it is back it counts."""
    watch = Watch()
    far_ahead = 1 << 60
    watch.others = {"b": (1, far_ahead)}
    watch.ring = NEW
    assert [watch.refresh(), watch.refresh(59), watch.refresh(2)] == [1, 1, 2]
    watch.others = {"b": (1, 7)}
    assert watch.refresh() == 1


def test_a_machine_may_be_behind_when_it_has_not_looked_or_another_is_ahead() -> None:
    """For 15 seconds after a look nothing can have been missed, unless another machine has a newer key: a silent one
    is waited for four times as long. A machine that shares nothing is never behind.
    """
    watch = Watch()
    assert not watch.rollout.may_be_behind
    watch.moment += 14.9
    assert not watch.rollout.may_be_behind
    watch.moment += 0.2
    assert watch.rollout.may_be_behind
    watch.others = {"b": (2, 0)}
    watch.refresh()
    assert watch.rollout.may_be_behind
    watch.ring = NEW
    watch.refresh()
    assert not watch.rollout.may_be_behind
    assert KeyRollout(("own", "/data"), is_shared=True).may_be_behind
    assert not KeyRollout(("own", "/data"), is_shared=False).may_be_behind


def test_a_ring_with_an_older_current_key_opens_all_links() -> None:
    """It mints with that key; links of all keys open. An id that is too small gives the oldest key."""
    third = NEW.rotate(NOW)
    for newest, expected in ((0, 1), (1, 1), (2, 2), (3, 3), (9, 3)):
        chosen = with_current(third, newest)
        assert chosen.current.id == expected
        link = Tracker(chosen, "https://t.example/c/", message=1).mint("https://example.com/", 0)
        assert open_link(OLD if expected == 1 else third, link).key_id == expected
        minted = Tracker(third, "https://t.example/c/", message=1).mint("https://example.com/", 0)
        assert open_link(chosen, minted).key_id == 3
    assert with_current(third, 3) is third


def test_a_command_goes_by_all_heartbeats() -> None:
    """It cannot tell silent machines from others, so all of them count, and a key that is a minute old."""
    row = {"host": "b", "folder": "/data", "roles": ["redirect"], "seen_at": 0}
    old = OLD.rotate(NOW - timedelta(minutes=2))
    assert choose_for_command(rotate_now(), []).current.id == 1
    assert choose_for_command(old, []).current.id == 2
    assert choose_for_command(old, [{**row, "key_id": 1}]).current.id == 1
    assert choose_for_command(old, [{**row, "key_id": 1, "roles": ["api"]}]).current.id == 2

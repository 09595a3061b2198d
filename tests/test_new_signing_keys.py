"""A new signing key on several machines with one database: it mints when all that redirect have it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from linkweir import key_rollout
from linkweir.tokens import KeyRing, Tracker
from tests.database_proxy import DatabaseProxy
from tests.databases import make_database_url, use_dialect
from tests.test_service_secrets import BASE_URL, make_master_key
from tests.web.running_service import RunningService, wait_until

MINTING_ROLES = ("api", "dashboard", "deliver", "count", "notify", "housekeeping")


@pytest.fixture
def shared() -> Iterator[dict[str, Any]]:
    """What all machines are started with."""
    with use_dialect("postgresql"):
        yield {
            "database": make_database_url(),
            "master_key": make_master_key(),
            "base_url": BASE_URL,
            "click_transport": "postgresql",
            "store_wait": 1.0,
        }


def rotate(machine: RunningService) -> KeyRing:
    """The ring with a new key, as `linkweir keys rotate` makes it."""
    return machine.components.tracking_keyring.source.update(lambda ring: ring.rotate(datetime.now(UTC)))


def mint_path(ring: KeyRing, key_id: int) -> str:
    """The path of a link that is signed with this key of the ring."""
    tracker = Tracker(key_rollout.with_current(ring, key_id), base_url=BASE_URL, message=7)
    return tracker.mint("https://example.com/", 0).removeprefix("https://t.example.com")


def get_status(machine: RunningService, path: str) -> tuple[int, bool]:
    """How a machine answers a link, and whether it says when to come back."""
    answer = machine.reader.get(path)
    return answer.status_code, "retry-after" in answer.headers


def test_a_key_mints_when_the_machine_that_redirects_has_it(tmp_path: Path, shared: dict[str, Any]) -> None:
    """While that machine does not look at the ring, links are signed with the old key, for as long as it sends
    heartbeats; once it has the new key they are signed with that one, and it answers them.
    """
    with (
        RunningService(tmp_path / "minting", roles=MINTING_ROLES, **shared) as minting,
        RunningService(tmp_path / "redirecting", roles=("redirect",), **shared) as redirecting,
    ):
        rollout = minting.components.tracking_keyring._rollout
        wait_until(lambda: len(rollout._machines) == 1)
        redirecting.components.refresh_thread.stop()
        rotate(minting)
        wait_until(lambda: minting.components.tracking_keyring.settled_key_id == 2)
        seen_at = rollout._machines[0]["seen_at"]
        wait_until(lambda: rollout._machines[0]["seen_at"] > seen_at)  # it was heard again since
        (entry,) = minting.send()
        link = minting.delivered_links(entry["id"])[0].removeprefix("https://t.example.com")
        assert minting.components.keyring.current.id == 1
        assert get_status(redirecting, link) == (302, False)
        redirecting.components.refresh_thread.start()
        wait_until(lambda: minting.components.keyring.current.id == 2)
        (entry,) = minting.send()
        link = minting.delivered_links(entry["id"])[0].removeprefix("https://t.example.com")
        assert get_status(redirecting, link) == (302, False)


def test_a_machine_that_may_have_missed_a_key_asks_to_come_back(
    tmp_path: Path, shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link of a key that a machine does not know is 404 while it looks at the ring, since such a key does not mint
    yet. Cut from the database for longer than it may be without a look, it answers 503 to that link; a forged link of a
    known key stays 404, and known links 302. When it is silent for long the new key mints without it, and once it is
    back it knows that key.
    """
    monkeypatch.setattr(key_rollout, "FRESH_SECONDS", 4.0)
    monkeypatch.setattr(key_rollout, "SILENCE_SECONDS", 16.0)
    with (
        DatabaseProxy(shared["database"]) as proxy,
        RunningService(tmp_path / "minting", roles=MINTING_ROLES, **shared) as minting,
        RunningService(tmp_path / "far", roles=("redirect",), **{**shared, "database": proxy.url}) as far,
    ):
        old = minting.components.keyring
        later = old.rotate(datetime.now(UTC))
        wait_until(lambda: not far.components.tracking_keyring.may_be_behind)
        wait_until(lambda: get_status(far, mint_path(later, 2)) == (404, False))
        with proxy.cut():
            wait_until(lambda: get_status(far, mint_path(later, 2)) == (503, True))
            assert get_status(far, mint_path(KeyRing.generate(), 1)) == (404, False)
            assert get_status(far, mint_path(old, 1)) == (302, False)
            rotated = rotate(minting)
            wait_until(lambda: minting.components.keyring.current.id == 2)
            assert get_status(far, mint_path(rotated, 2)) == (503, True)
        wait_until(lambda: get_status(far, mint_path(rotated, 2)) == (302, False))
        wait_until(lambda: get_status(far, mint_path(rotated.rotate(), 3)) == (404, False))


def test_machines_with_rings_of_their_operator_wait_for_each_other(tmp_path: Path, shared: dict[str, Any]) -> None:
    """Where the operator gives each machine the ring, one after the other, the new key mints when the last one has it;
    a machine that sees from others that it is behind answers 503.
    """
    del shared["master_key"]
    old = KeyRing.generate(datetime.now(UTC), [BASE_URL])
    new = old.rotate(datetime.now(UTC))
    vault_key = "dGVzdC12YXVsdC1rZXktdGVzdC12YXVsdC1rZXktMDA="

    def run(name: str, ring: KeyRing, roles: tuple[str, ...]) -> RunningService:
        settings = {"key_ring": ring.to_json().decode(), "vault_key": vault_key, "roles": roles}
        return RunningService(tmp_path / name, **settings, **shared)

    def key_of(machine: RunningService) -> Callable[[], int]:
        return lambda: machine.components.keyring.current.id

    with run("b", old, ("redirect",)) as behind, run("minting", new, MINTING_ROLES) as minting:
        with run("c", new, ("redirect",)):
            wait_until(lambda: len(minting.components.tracking_keyring._rollout._machines) == 2)
            wait_until(lambda: get_status(behind, mint_path(new, 2)) == (503, True))
            assert key_of(minting)() == 1
        behind.components.stop()
        with run("b", new, ("redirect",)) as renewed:
            wait_until(lambda: key_of(minting)() == 2)
            assert get_status(renewed, mint_path(new, 2)) == (302, False)

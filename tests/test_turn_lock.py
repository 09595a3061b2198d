"""Tests of tests.turn_lock."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.turn_lock import TurnLock
from tests.web.running_service import WAIT_SECONDS


@pytest.fixture
def locks(tmp_path: Path) -> Iterator[list[TurnLock]]:
    """Three workers' locks on the same files."""
    for name in ("queue", "turn"):
        (tmp_path / name).touch()
    with contextlib.ExitStack() as stack:
        made = [TurnLock(tmp_path / "queue", tmp_path / "turn") for _ in range(3)]
        for lock in made:
            stack.callback(lock.close)
        yield made


def start(lock: TurnLock, *, exclusive: bool) -> threading.Thread:
    """Wait for a turn in a thread."""
    thread = threading.Thread(target=lock.acquire, kwargs={"exclusive": exclusive}, daemon=True)
    thread.start()
    return thread


def turns(locks: list[TurnLock]) -> list[bool | None]:
    """Who has a turn, and whether it is exclusive."""
    return [lock.is_exclusive for lock in locks]


def test_turns_beside_others_wait_for_nobody(locks: list[TurnLock]) -> None:
    """Any number of tests run at the same time."""
    for lock in locks:
        start(lock, exclusive=False).join(WAIT_SECONDS)
    assert turns(locks) == [False] * 3


def test_an_exclusive_turn_waits_for_all_and_holds_up_the_next(locks: list[TurnLock]) -> None:
    """An exclusive turn begins when the running tests have ended, and tests that come later begin after it."""
    locks[0].acquire(exclusive=False)
    exclusive = start(locks[1], exclusive=True)
    exclusive.join(0.2)
    assert turns(locks) == [False, None, None]
    later = start(locks[2], exclusive=False)
    later.join(0.2)
    assert turns(locks) == [False, None, None]
    locks[0].release()
    exclusive.join(WAIT_SECONDS)
    assert turns(locks) == [None, True, None]
    locks[1].release()
    later.join(WAIT_SECONDS)
    assert turns(locks) == [None, None, False]

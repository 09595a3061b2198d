"""Signals between the carrier and redirects that wait for it, in several processes of a machine."""

import multiprocessing
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.clicks.journal.carry_signals import CarrySignals
from linkweir.clicks.journal.local_journal import AppendBatch, HeldBatch
from tests.web.running_service import WAIT_SECONDS


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[CarrySignals, CarrySignals]]:
    """The signals as the carrier has them, and as another process has them."""
    carrier, redirect = CarrySignals(tmp_path), CarrySignals(tmp_path)
    yield carrier, redirect
    carrier.close()
    redirect.close()


def test_a_mark_is_read_by_others(pair: tuple[CarrySignals, CarrySignals]) -> None:
    """None is 0; the last one counts, and outlasts whoever wrote it."""
    carrier, redirect = pair
    assert redirect.read_mark() == 0
    for moment in (7, 1 << 60):
        carrier.publish_mark(moment)
        assert redirect.read_mark() == moment
    carrier.close()
    assert redirect.read_mark() == 1 << 60


def test_a_mark_of_before_the_wait_counts_for_nobody() -> None:
    """One that a machine left that was started long ago may be larger than any moment of today; only one that changes
    while a redirect waits says anything, if it is not older than the wait.
    """
    held = HeldBatch(AppendBatch(), moment=1000, mark=5000)
    assert [held.is_carried(mark) for mark in (5000, 999, 1000, 5001)] == [False, False, True, True]


def _ring(folder: Path) -> None:
    CarrySignals(folder).set()


def test_another_process_ends_the_wait(pair: tuple[CarrySignals, CarrySignals], tmp_path: Path) -> None:
    """Also when it rang before the wait began, and not again once that was heard."""
    carrier, _ = pair
    context = multiprocessing.get_context("fork")
    carrier.clear()
    for _ in range(2):
        began = time.monotonic()
        process = context.Process(target=_ring, args=(tmp_path,))
        process.start()
        carrier.wait(WAIT_SECONDS)
        process.join()
        assert time.monotonic() - began < WAIT_SECONDS
        carrier.clear()
    began = time.monotonic()
    carrier.wait(0.2)
    assert time.monotonic() - began >= 0.2


def test_a_folder_that_is_removed_or_replaced_fails_nobody(
    pair: tuple[CarrySignals, CarrySignals], tmp_path: Path
) -> None:
    """Without the folder signals get lost; with a new one they are there again."""
    carrier, redirect = pair
    carrier.publish_mark(1)
    redirect.set()
    shutil.rmtree(tmp_path)
    for signals in pair:
        signals.set()
        signals.clear()
        signals.publish_mark(2)
        assert signals.read_mark() == 0
    began = time.monotonic()
    carrier.wait(0.1)
    assert time.monotonic() - began >= 0.1
    tmp_path.mkdir()
    carrier.publish_mark(3)
    assert redirect.read_mark() == 3
    threading.Thread(target=redirect.set).start()
    carrier.wait(WAIT_SECONDS)
    assert time.monotonic() - began < WAIT_SECONDS

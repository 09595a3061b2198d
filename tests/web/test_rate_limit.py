"""Tests of linkweir.web.rate_limit: one limit over all processes, and what becomes of it when its file is unusable."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from linkweir.durable_files import open_lock_file, try_lock
from linkweir.errors import RateLimited
from linkweir.web import rate_limit
from linkweir.web.rate_limit import BucketStore, FileBuckets, MemoryBuckets, TokenBuckets
from tests.web.running_service import WAIT_SECONDS

CONSUMER_SCRIPT = """
import sys
from pathlib import Path
from linkweir.errors import RateLimited
from linkweir.web.rate_limit import FileBuckets, TokenBuckets
buckets = TokenBuckets(1e-6, 100, FileBuckets(Path(sys.argv[1])))
allowed = 0
for _ in range(80):
    try:
        buckets.consume("account")
        allowed += 1
    except RateLimited:
        pass
print(allowed)
"""
MAKERS: list[Callable[[Path], BucketStore]] = [lambda _: MemoryBuckets(), FileBuckets]


def count_allowed(buckets: TokenBuckets, key: str, tries: int) -> int:
    """How many of so many requests are allowed."""
    allowed = 0
    for _ in range(tries):
        try:
            buckets.consume(key)
            allowed += 1
        except RateLimited:
            continue
    return allowed


@pytest.mark.parametrize("make_store", MAKERS)
def test_a_burst_and_then_the_rate(tmp_path: Path, make_store: Callable[[Path], BucketStore]) -> None:
    """A burst is allowed at once, then as many as the rate gives; limits and keys do not share their requests."""
    store = make_store(tmp_path)
    buckets = TokenBuckets(1e-6, 5, store, "requests")
    assert count_allowed(buckets, "a", 9) == 5
    assert count_allowed(buckets, "b", 9) == 5
    assert count_allowed(TokenBuckets(1e-6, 3, store, "statistics"), "a", 9) == 3
    quick = TokenBuckets(20.0, 1, store, "quick")
    assert count_allowed(quick, "a", 1) == 1
    time.sleep(0.06)
    assert count_allowed(quick, "a", 1) == 1
    store.close()


def test_processes_share_a_limit(tmp_path: Path) -> None:
    """Of 240 requests that three processes take at the same time, exactly the burst of 100 is allowed."""
    children = [
        subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-c", CONSUMER_SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    assert sum(int(child.communicate(timeout=WAIT_SECONDS)[0]) for child in children) == 100


def test_a_stopped_process_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another one keeps the file locked, this process counts in its memory, and waits once only."""
    monkeypatch.setattr(rate_limit, "RETRY_SECONDS", 3600.0)
    holder = open_lock_file(tmp_path / rate_limit.FILE_NAME)
    assert try_lock(holder)
    try:
        buckets = TokenBuckets(1e-6, 5, FileBuckets(tmp_path))
        assert count_allowed(buckets, "a", 9) == 5
        monkeypatch.setattr(rate_limit, "try_lock", lambda _: pytest.fail("it waits again"))
        assert count_allowed(buckets, "a", 100) == 0
    finally:
        os.close(holder)


def test_without_a_folder_the_limit_holds(tmp_path: Path) -> None:
    """Where the file cannot be made the limit is that of the process."""
    assert count_allowed(TokenBuckets(1e-6, 5, FileBuckets(tmp_path / "missing")), "a", 9) == 5


def test_a_moment_of_before_the_last_start_counts_as_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket whose moment lies ahead, as after the machine was started again, is full."""
    buckets = TokenBuckets(1e-6, 5, FileBuckets(tmp_path))
    assert count_allowed(buckets, "a", 9) == 5
    moment = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: moment - 1000)
    assert count_allowed(buckets, "a", 9) == 5


def test_many_keys_have_room(tmp_path: Path) -> None:
    """Five thousand accounts are remembered, and the file does not grow beyond its size."""
    store = FileBuckets(tmp_path)
    buckets = TokenBuckets(1e-6, 1, store)
    assert sum(count_allowed(buckets, str(number), 1) for number in range(5000)) == 5000
    assert sum(count_allowed(buckets, str(number), 1) for number in range(5000)) == 0
    store.close()
    size = rate_limit._SETS * rate_limit._SET_BYTES
    assert (tmp_path / rate_limit.FILE_NAME).stat().st_size <= size

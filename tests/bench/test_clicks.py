"""Does the benchmark of redirects check what it measures?"""

import shutil

import pytest
from bench import clicks
from bench.clicks import Compared
from bench.how.wrk import Run

from tests.conftest import missing


def test_ratios_compare_best_with_best_and_pairs() -> None:
    """The judged figure takes each one's best round, the other is the median of rounds side by side."""
    ours = [Run(1, 100.0, 0.1, 0.4), Run(1, 50.0, 0.1, 0.2), Run(1, 60.0, 0.1, 0.9)]
    bare = [Run(1, 200.0, 0.1, 0.1), Run(1, 100.0, 0.1, 0.2), Run(1, 60.0, 0.1, 0.3)]
    found = Compared(ours, bare)
    assert found.rate == (0.5, 0.5)
    assert found.p99 == (2.0, 3.0)


def test_a_round_against_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """One short round asks both, follows links to their destinations, and finds every click recorded."""
    if shutil.which("wrk") is None:
        missing("wrk is not installed")
    monkeypatch.setattr(clicks, "SECONDS", 1)
    found = clicks.measure(1, 1, connections=4)
    assert min(found.ours[0].requests, found.bare[0].requests) > 50

"""Does the benchmark of redirects check what it measures?"""

import shutil

import pytest
from bench import redirect_load
from bench.harness.wrk import WrkResult
from bench.redirect_load import Comparison

from linkweir.benchmark.rewriting_engine import EngineNotInstalledError
from tests.conftest import skip_or_fail


def test_ratios_compare_best_with_best_and_pairs() -> None:
    """The judged figure takes each one's best round, the other is the median of rounds side by side."""
    ours = [WrkResult(1, 100.0, 0.1, 0.4), WrkResult(1, 50.0, 0.1, 0.2), WrkResult(1, 60.0, 0.1, 0.9)]
    bare = [WrkResult(1, 200.0, 0.1, 0.1), WrkResult(1, 100.0, 0.1, 0.2), WrkResult(1, 60.0, 0.1, 0.3)]
    result = Comparison(ours, bare)
    assert result.rate == (0.5, 0.5)
    assert result.p99 == (2.0, 3.0)


def test_a_round_against_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """One short round asks both, follows links to their destinations, and finds every click recorded."""
    if shutil.which("wrk") is None:
        skip_or_fail("wrk is not installed")
    monkeypatch.setattr(redirect_load, "RUN_SECONDS", 1)
    try:
        result = redirect_load.measure(2, 1, connections=4)
    except EngineNotInstalledError as reason:
        skip_or_fail(str(reason))
    assert min(result.linkweir[0].requests, result.baseline[0].requests) > 50

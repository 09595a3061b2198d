"""Do the figures of PostgreSQL come from the same work on both sides, and is the answer checked?"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bench import counting_cost, database_load, database_outage, worker_scaling
from bench.counting_cost import CountingCosts
from bench.database_load import LoadSize
from bench.worker_scaling import WorkerCosts

from linkweir.benchmark import EngineNotInstalledError, WrongAnswerError
from tests.conftest import skip_or_fail


@contextmanager
def _skip_what_is_missing() -> Iterator[None]:
    try:
        yield
    except EngineNotInstalledError as reason:
        skip_or_fail(str(reason))


def test_ratios_compare_whole_runs_and_pairs() -> None:
    """Worker and server together are compared with SQLite; two workers with one, best with best."""
    costs = CountingCosts([100.0, 300.0], [100.0, 200.0], [50.0, 450.0], 400.0, 600.0, 500.0)
    assert list(costs.ratio) == pytest.approx([2.0, (1.5 + 650 / 300) / 2])
    workers = WorkerCosts({1: [10.0, 20.0], 2: [12.0, 30.0]}, {1: [1.0, 1.0], 2: [1.0, 1.0]}, {1: [8.0], 2: [4.0]})
    assert list(workers.ratio) == pytest.approx([1.2, 1.35])
    assert workers.speedup == 2.0


def test_counting_costs_time_on_both_databases() -> None:
    """Both databases take processor time and room for every batch, PostgreSQL's server by itself, too."""
    with _skip_what_is_missing():
        costs = counting_cost.measure_counting(300)
    assert min(*costs.sqlite, *costs.worker, *costs.server) > 0
    assert 0 < costs.packed_bytes <= costs.postgresql_bytes


def test_a_sum_that_differs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clicks that one database has not counted end the run with an error."""
    count = counting_cost.count_events

    def count_some(database: object, events: list[object], classifier: object) -> None:
        lacks = type(database).__name__ == "PostgresqlDatabase"
        count(database, events[1:] if lacks else events, classifier)  # type: ignore[arg-type]

    monkeypatch.setattr(counting_cost, "count_events", count_some)
    with _skip_what_is_missing(), pytest.raises((WrongAnswerError, AssertionError)):
        counting_cost.measure_counting(60)


def test_workers_share_the_inbox() -> None:
    """One worker and two store each click once, and both take time of themselves and of the server."""
    with _skip_what_is_missing():
        costs = worker_scaling.measure_workers(300, 1)
    assert all(costs.total[number][0] > costs.server[number][0] > 0 for number in worker_scaling.WORKER_NUMBERS)


def test_redirects_go_on_without_the_database() -> None:
    """One short round finds every redirect in the journals, of both machines."""
    if shutil.which("wrk") is None:
        skip_or_fail("wrk is not installed")
    with _skip_what_is_missing():
        result = database_outage.measure_outage(1)
    assert all(result.runs[state][0].requests > 20 for state in database_outage.STATES)


def test_transports_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """What goes in comes out, and both directions are printed beside the goal."""
    with _skip_what_is_missing():
        for part in (database_load.print_inbox, database_load.print_stream):
            part(LoadSize(0, 600, 1))
    printed = capsys.readouterr().out
    assert printed.count("600 events") == 4
    assert "goal at least 30,000" in printed
    assert "goal at least 20,000" in printed

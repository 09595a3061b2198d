"""Does the guard bark? Measures are made up here; nothing is timed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from bench import regression_guard, thread_scaling
from bench.ratios import Measure, Ratio
from bench.thresholds import Threshold, list_thresholds

from linkweir.benchmark import EngineNotInstalledError, WrongAnswerError


def make_measure(*values: float) -> Measure:
    """A measure that gives these values one after the other."""
    left = list(values)
    return lambda rounds: Ratio(left.pop(0), 1.0, f"{rounds} rounds")


def make_failing_measure(error: Exception) -> Measure:
    """A measure that raises."""

    def measure(rounds: int) -> Ratio:
        raise error

    return measure


def make_threshold(measure: Callable[[int], Ratio], *, at_least: bool = True) -> Threshold:
    """A goal of 4 with a floor of 2 (or, for at most, a goal of 2 and a floor of 4)."""
    return Threshold("speed", 4.0 if at_least else 2.0, 2.0 if at_least else 4.0, measure, at_least=at_least)


def test_a_slow_ratio_fails_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the floor in each of three tries: exit code 1, and the ratio is named on standard error."""
    assert regression_guard.main([], [make_threshold(make_measure(1.9, 1.8, 1.7))]) == 1
    captured = capsys.readouterr()
    assert "failing: speed" in captured.err
    assert "broken" in captured.out


def test_a_good_ratio_passes() -> None:
    """At or above the floor: exit code 0."""
    assert regression_guard.main([], [make_threshold(make_measure(2.0)), make_threshold(make_measure(5.0))]) == 0


def test_a_noisy_first_try_is_repeated_with_more_rounds() -> None:
    """Tries below the floor do not count when a later, longer one is above it."""
    for values in ((1.0, 3.0), (1.0, 1.5, 3.0)):
        judged = regression_guard.check_threshold(make_threshold(make_measure(*values)), 10)
        assert (judged.status, judged.value, judged.detail) == ("kept", 3.0, "40 rounds")


def test_upper_bounds_are_compared_in_reverse() -> None:
    """For a cost, above the floor is broken, below the goal is met."""
    slow = make_threshold(make_measure(5.0, 4.5, 4.6), at_least=False)
    assert regression_guard.check_threshold(slow, 1).status == "broken"
    assert regression_guard.check_threshold(make_threshold(make_measure(1.5), at_least=False), 1).goal_met


def test_a_missed_goal_above_the_floor_passes_and_is_reported() -> None:
    """Between floor and goal the guard passes and the line says that the goal is missed."""
    judged = regression_guard.check_threshold(make_threshold(make_measure(3.0)), 1)
    assert (judged.status, judged.goal_met) == ("kept", False)
    assert "goal >= 4 missed" in str(judged)


def test_a_wrong_answer_is_broken_however_fast() -> None:
    """What gives the wrong answer fails, with the reason."""
    judged = regression_guard.check_threshold(make_threshold(make_failing_measure(WrongAnswerError("nonsense"))), 1)
    assert (judged.status, judged.detail) == ("broken", "wrong answer: nonsense")


def test_a_missing_peer_is_skipped_unless_all_is_required() -> None:
    """Without the peer the guard passes with the reason; with --require-all it fails."""
    missing = make_threshold(make_failing_measure(EngineNotInstalledError("peer is not installed here")))
    assert regression_guard.check_threshold(missing, 1).detail == "peer is not installed here"
    assert regression_guard.main([], [missing]) == 0
    assert regression_guard.main(["--require-all"], [missing]) == 1


def test_the_json_is_complete(tmp_path: Path) -> None:
    """The file tells the outcome, the machine, and for each ratio its value, bounds and state."""
    target = tmp_path / "made" / "guard.json"
    regression_guard.main(
        ["--json", str(target)], [make_threshold(make_measure(1.0, 1.5, 1.2)), make_threshold(make_measure(5.0))]
    )
    record = json.loads(target.read_text())
    assert record["ok"] is False
    assert [(each["status"], each["value"], each["floor"]) for each in record["ratios"]] == [
        ("broken", 1.5, 2.0),
        ("kept", 5.0, 2.0),
    ]
    assert record["machine"]["python"]


def test_every_goal_has_a_floor_with_margin() -> None:
    """No floor is stricter than its goal, and no two goals have the same name."""
    result = list_thresholds()
    assert all(each.is_met(each.goal, each.floor) for each in result)
    assert len({each.name for each in result}) == len(result)


@pytest.mark.parametrize(
    ("plain", "ours", "is_busy"),
    [(1.9, 1.2, False), (1.9, 1.85, False), (1.5, 1.9, False), (1.5, 1.1, True), (1.75, 1.5, True), (1.75, 1.2, False)],
)
def test_a_busy_core_is_not_taken_for_slow_threads(plain: float, ours: float, is_busy: bool) -> None:
    """A low speed-up is put down to the machine only if plain C, in turns with it, reaches little more."""
    works: dict[str, thread_scaling.TimeThreads] = {
        "plain C": lambda threads: threads / (plain if threads == 2 else 1),
        "work": lambda threads: threads / (ours if threads == 2 else 1),
    }
    found = thread_scaling.measure_speedups(works, "plain C", rounds=2)
    assert (found["work"].best, found["work"].paired) == pytest.approx((ours, ours))
    assert thread_scaling.is_core_busy(found["work"], found["plain C"]) is is_busy

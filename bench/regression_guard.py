"""`python -m bench.regression_guard [--quick] [--json FILE] [--require-all]`: are the promised ratios still kept?

Everything is measured in this run on this machine; no stored time is compared with. A ratio on the wrong side
of its floor is measured up to twice more with more rounds, and if it stays there the exit code is 1 and the ratio is
named. A goal whose peer is not installed is skipped with the reason, unless `--require-all`.

The JSON file: {"ok": bool, "machine": {...}, "versions": {...}, "ratios": [{"name", "value", "paired",
"goal", "floor", "at_least", "unit", "status": "kept" | "broken" | "skipped", "goal_met", "detail"}]}.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.baselines import NoCompilerError
from bench.ratios import Ratio
from bench.thresholds import Threshold, list_thresholds
from linkweir.benchmark import EngineNotInstalledError
from linkweir.benchmark.machine import describe_machine, list_versions

ROUNDS = 75
QUICK_ROUNDS = 25
RETRY_FACTOR = 4  # times as many rounds for a further try
MAX_RETRIES = 2  # a neighbour on the machine slows one side for seconds; what is slow itself stays slow


@dataclass(frozen=True, slots=True)
class GuardResult:
    """One goal after measuring. `value` and `paired` are None when it was skipped."""

    name: str
    status: str
    value: float | None
    paired: float | None
    goal: float
    floor: float
    at_least: bool
    unit: str
    goal_met: bool
    detail: str

    def __str__(self) -> str:
        if self.value is None:
            return f"skipped  {self.name}: {self.detail}"
        sign = ">=" if self.at_least else "<="
        mark = "" if self.goal_met else f", goal {sign} {self.goal:g} missed"
        numbers = f"{self.value:.3g} {self.unit}".rstrip()
        return f"{self.status:8} {self.name}: {numbers} (floor {sign} {self.floor:g}{mark}) [{self.detail}]"


def check_threshold(threshold: Threshold, rounds: int) -> GuardResult:
    """Measure one goal, and again with more rounds while it is on the wrong side, up to MAX_RETRIES times."""
    try:
        result = threshold.measure(rounds)
        for _ in range(MAX_RETRIES):
            if threshold.is_met(result.value, threshold.floor):
                break
            result = _choose_better(threshold, result, threshold.measure(rounds * RETRY_FACTOR))
    except (EngineNotInstalledError, NoCompilerError) as reason:
        return _make_result(threshold, "skipped", None, str(reason))
    except AssertionError as error:
        return _make_result(threshold, "broken", Ratio(0.0, 0.0, ""), f"wrong answer: {error}")
    status = "kept" if threshold.is_met(result.value, threshold.floor) else "broken"
    return _make_result(threshold, status, result, result.detail)


def list_failures(results: Iterable[GuardResult], *, require_all: bool = False) -> list[str]:
    """Names of the goals that make the guard fail."""
    bad = ("broken", "skipped") if require_all else ("broken",)
    return [each.name for each in results if each.status in bad]


def _choose_better(goal: Threshold, first: Ratio, second: Ratio) -> Ratio:
    return max(first, second, key=lambda ratio: ratio.value if goal.at_least else -ratio.value)


def _make_result(goal: Threshold, status: str, result: Ratio | None, detail: str) -> GuardResult:
    return GuardResult(
        name=goal.name,
        status=status,
        value=result.value if result else None,
        paired=result.paired if result else None,
        goal=goal.goal,
        floor=goal.floor,
        at_least=goal.at_least,
        unit=goal.unit,
        goal_met=status == "kept" and result is not None and goal.is_met(result.value, goal.goal),
        detail=detail,
    )


def main(arguments: list[str], thresholds: Sequence[Threshold] | None = None) -> int:
    """Judge every goal (or those given), print a line for each, write the JSON; 1 if any fails."""
    parser = argparse.ArgumentParser(prog="python -m bench.regression_guard", description="Judge the promised ratios.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, 100 MB streamed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here")
    parser.add_argument("--require-all", action="store_true", help="a skipped goal fails too")
    options = parser.parse_args(arguments)
    judgements = []
    for goal in list_thresholds(quick=options.quick) if thresholds is None else thresholds:
        judgements.append(check_threshold(goal, QUICK_ROUNDS if options.quick else ROUNDS))
        print(judgements[-1], flush=True)
    bad = list_failures(judgements, require_all=options.require_all)
    if options.json:
        write_json(options.json, judgements, ok=not bad)
    counts = [sum(each.status == status for each in judgements) for status in ("kept", "broken", "skipped")]
    print("guards: {} kept, {} broken, {} skipped".format(*counts))
    if bad:
        print("failing: " + "; ".join(bad), file=sys.stderr)
    return 1 if bad else 0


def write_json(target: Path, results: list[GuardResult], *, ok: bool) -> None:
    """The result in the form that the module's text describes."""
    ratios = [asdict(each) for each in results]
    record = {"ok": ok, "machine": describe_machine(), "versions": list_versions(), "ratios": ratios}
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

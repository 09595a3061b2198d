"""`python -m bench [--quick] [--json FILE]`: one table of what every engine does with every case, on this
machine.

`python -m bench classification` measures verdicts instead: see `bench.classification.command`.

Floors first, then Linkweir, then its peers. Megabytes of input per second in the best of many interleaved
rounds.
"""

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench import ratios, streaming_memory
from bench.baselines import NoCompilerError, count_bytes
from bench.cases import Case, list_cases
from bench.harness.markdown_table import EngineRow, format_engine_table, format_environment
from bench.harness.sample_tracker import make_tracker
from linkweir.benchmark import Work, WrongAnswerError, check_output, load_engines, repeat, run_interleaved
from linkweir.benchmark.machine import describe_machine, list_versions
from linkweir.benchmark.workload import sweep_work

ROUNDS = 40
QUICK_ROUNDS = 10
GIGABYTE = 1_000_000_000


def baselines(example: Case) -> dict[str, Work]:
    """What the machine can do with the same bytes; without a C compiler no copy."""
    document = example.document
    works: dict[str, Work] = {
        "*libc `memchr` sweep for `<`*": sweep_work([document]),
        '*`bytes.count(b"<")`*': lambda loops: count_bytes(document, loops),
    }
    try:
        return {"*memory copy*": ratios.copy_work(example.name)} | works
    except NoCompilerError as reason:
        print(reason, file=sys.stderr)
        return works


def linkweir_forms(example: Case) -> dict[str, Work]:
    """The forms of Linkweir that are not engines among others; each checked before it is timed."""
    import linkweir

    minting, document = make_tracker(), example.document
    plan = linkweir.Plan(document)
    result = [link.destination for link in linkweir.scan(document) if link.outcome is linkweir.Outcome.TRACKED]
    if result != example.destinations or plan.render(minting) != example.expected_output(minting.mint):
        raise WrongAnswerError(f"scan or render of {example.name}")
    return {
        "scan in C": ratios.scan_work(example.name),
        "`scan`, every link an object": repeat(lambda: list(linkweir.scan(document))),
        "`Plan.render`, sealed links": repeat(lambda: plan.render(minting)),
        "`rewrite`, sealed links": ratios.sealed_links_work(example),
    }


def measure_all(rounds: int) -> list[EngineRow]:
    """Every floor and engine on every case; what is compared within a case is interleaved."""
    rows: dict[str, EngineRow] = {}
    contestants, reasons = load_engines()
    for reason in reasons:
        print("left out:", reason, file=sys.stderr)
    for example in list_cases():
        works = baselines(example) | linkweir_forms(example)
        for contestant in contestants:
            name = _label(contestant.name)
            works[name] = repeat(partial(contestant.constant, example.document))
            row = rows.setdefault(name, EngineRow(name, checked=True))
            verdict = check_output(contestant, example)
            if not verdict.is_correct:
                row.faults[example.name] = str(verdict)
        for name, samples in run_interleaved(works, rounds=rounds).items():
            row = rows.setdefault(name, EngineRow(name, checked=name in linkweir_names(works)))
            row.speeds[example.name] = len(example.document) / samples.best / 1e6
    return _sort_rows(rows)


def linkweir_names(works: dict[str, Work]) -> set[str]:
    """Our own forms: their answers were checked before they were timed."""
    return {name for name in works if not name.startswith("*")}


def _label(name: str) -> str:
    return {
        "linkweir.rewrite": "`rewrite`, constant",
        "linkweir.Rewriter, 64 KiB chunks": "`Rewriter`, constant, 64 KiB chunks",
    }.get(name, name)


def _sort_rows(rows: dict[str, EngineRow]) -> list[EngineRow]:
    """Floors, ours, peers; each group as it was first met."""
    peers = {contestant.name for contestant in load_engines()[0]}
    return sorted(rows.values(), key=lambda row: (not row.name.startswith("*"), row.name in peers))


def extra_figures(*, quick: bool) -> list[str]:
    """The figures that are no megabytes per second of a case."""
    sealed, short = (ratios.mint_to_hash(style, QUICK_ROUNDS) for style in ("sealed", "short"))
    stream = streaming_memory.measure_in_subprocess(GIGABYTE // 10 if quick else GIGABYTE, QUICK_ROUNDS)
    return [
        f"Minting: {sealed.detail} ({sealed.value:.2f} times); {short.detail.partition(',')[0]}.",
        f"Streaming {stream['bytes'] / 1e9:.1f} GB: {stream['megabytes_per_second']:,.0f} MB/s with "
        f"{stream['extra_mebibytes']:.1f} MiB of extra memory, "
        f"{stream['of_single_call']:.2f} of the speed of one call.",
    ]


def main(arguments: list[str]) -> int:
    """Print the table and the notes; write them as JSON too if asked."""
    if arguments[:1] == ["classification"]:
        from bench.classification import command

        return command.main(arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure every engine on every case.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, 100 MB streamed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    options = parser.parse_args(arguments)
    rows = measure_all(QUICK_ROUNDS if options.quick else ROUNDS)
    said = extra_figures(quick=options.quick)
    print(
        format_environment(describe_machine(), list_versions()),
        format_engine_table(rows, [each.name for each in list_cases()]),
        *said,
        sep="\n\n",
    )
    if options.json:
        record: dict[str, Any] = {"machine": describe_machine(), "versions": list_versions(), "notes": said}
        record["rows"] = [asdict(row) for row in rows]
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How cost grows on hostile input: `python -m bench.complexity [--quick]` prints a table.

Each engine gets each family at a quarter, a half and the whole size, in a process of its own that is ended
after a few seconds: a pattern that takes minutes can't be interrupted otherwise. The exponent is that of the
size: 1.0 is linear, 2.0 quadratic. It comes from the smallest and the largest size measured, best of several
runs each.
"""

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.cases.scaling_families import FAMILIES, InputFamily
from linkweir.benchmark.engine_registry import PEER_LOADERS, load_engine
from linkweir.benchmark.rewriting_engine import CONSTANT, Engine, EngineNotInstalledError

MAX_SECONDS = 5.0  # seconds for one engine on one family
LINKWEIR = "linkweir.rewrite"


@dataclass(frozen=True, slots=True)
class Scaling:
    """Seconds at each size that was reached within the cap, and the exponent (None with fewer than two)."""

    engine: str
    family: str
    seconds: dict[int, float]
    failure: str = ""

    @property
    def exponent(self) -> float | None:
        """log(time ratio) / log(size ratio) between the smallest and the largest size."""
        if len(self.seconds) < 2:
            return None
        small, large = min(self.seconds), max(self.seconds)
        return math.log(self.seconds[large] / self.seconds[small]) / math.log(large / small)

    def __str__(self) -> str:
        if self.failure:
            return self.failure
        if len(self.seconds) < 3:
            return f"> {MAX_SECONDS:.0f} s"
        return f"{self.seconds[max(self.seconds)] * 1000:.1f} ms, n^{self.exponent:.2f}"


def measure_scaling(name: str, family: InputFamily, *, share: float = 1.0, cap: float = MAX_SECONDS) -> Scaling:
    """One engine on one family, in its own process."""
    command = [sys.executable, "-m", "bench.complexity", "--one", name, family.name, str(share)]
    root = Path(__file__).parent.parent
    with subprocess.Popen(  # noqa: S603 - ourselves
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root
    ) as process:
        try:
            out, _ = process.communicate(timeout=cap)
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
    seconds: dict[int, float] = {}
    unable = ""
    for line in out.splitlines():
        record = json.loads(line)
        if "unable" in record:
            unable = record["unable"]
        else:
            size = record["size"]
            seconds[size] = min(record["seconds"], seconds.get(size, math.inf))
    return Scaling(name, family.name, seconds, unable)


def measure_in_process(name: str, family: InputFamily, share: float) -> None:
    """Measure in this process, a JSON line per run: what was measured before a kill is not lost."""
    try:
        contestant = load_engine(name)
    except EngineNotInstalledError as reason:
        print(json.dumps({"unable": str(reason)}), flush=True)
        return
    if family.chunk and contestant.chunks is None:
        print(json.dumps({"unable": "cannot stream"}), flush=True)
        return
    if family.tag_limit and not contestant.is_linkweir:
        print(json.dumps({"unable": "no such limit"}), flush=True)
        return
    documents = {size: family.make(size) for size in family.sizes(share)}
    runs = 0
    while runs < 7:  # round by round, so that a slow second does not fall on one size alone
        for size, document in documents.items():
            start = time.process_time()
            try:
                _run(contestant, family, document)
            except Exception as error:
                print(json.dumps({"unable": f"refuses ({type(error).__name__})"}), flush=True)
                return
            print(json.dumps({"size": size, "seconds": time.process_time() - start}), flush=True)
        runs += 1


def _run(contestant: Engine, family: InputFamily, document: bytes) -> None:
    if family.tag_limit:
        _run_with_limit(family.pieces(document), family.tag_limit)
    elif family.chunk and contestant.chunks:
        contestant.chunks(family.pieces(document))
    else:
        contestant.constant(document)


def _run_with_limit(pieces: Iterable[bytes], limit: int) -> None:
    import linkweir

    rewriter = linkweir.Rewriter(lambda destination, index: CONSTANT, switches=linkweir.Switches(tag_limit=limit))
    for piece in pieces:
        rewriter.feed(piece)
    rewriter.close()


def format_table(results: dict[tuple[str, str], Scaling]) -> str:
    """Families down, engines across: time at the largest size and the exponent."""
    names = list(dict.fromkeys(name for name, _ in results))
    families = list(dict.fromkeys(family for _, family in results))
    lines = ["| input | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    lines += [f"| {family} | " + " | ".join(str(results[name, family]) for name in names) + " |" for family in families]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """The table, or with `--one` a single measurement for `grow`."""
    if arguments[:1] == ["--one"]:
        family = next(family for family in FAMILIES if family.name == arguments[2])
        measure_in_process(arguments[1], family, float(arguments[3]))
        return 0
    share = 0.25 if "--quick" in arguments else 1.0
    results = {
        (name, family.name): measure_scaling(name, family, share=share)
        for family in FAMILIES
        for name in [LINKWEIR, *PEER_LOADERS]
    }
    print(format_table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Instructions per byte of the scanner, counted by callgrind: `python -m bench.callgrind`.

Not time, but the same on a busy machine as on an idle one, so a small step back shows. Needs valgrind, and symbols
in the extension. What is counted: scanning and judging (`lw_scan_feed`, `lw_classify`), not the Python around them.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.cases import load_case
from bench.cases.catalogue import CASE_FACTORIES
from linkweir.benchmark import EngineNotInstalledError

COUNTED_FUNCTIONS = ("lw_scan_feed", "lw_classify")
PASSES = 3
_COLLECTED_PATTERN = re.compile(r"Collected : (\d+)")


def instructions_per_byte(name: str) -> float:
    """Instructions per byte of that case. Raises EngineNotInstalledError without valgrind or symbols."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise EngineNotInstalledError("valgrind is not installed here")
    with tempfile.TemporaryDirectory() as folder:
        toggles = [f"--toggle-collect={function}" for function in COUNTED_FUNCTIONS]
        options = ["--tool=callgrind", "--collect-atstart=no", *toggles, f"--callgrind-out-file={folder}/out"]
        command = [valgrind, *options, sys.executable, "-m", "bench.callgrind", "--scan", name]
        root = Path(__file__).parent.parent
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)  # noqa: S603
    match = _COLLECTED_PATTERN.search(done.stderr)
    count = int(match[1]) if match else 0
    if count == 0:
        raise EngineNotInstalledError("callgrind saw nothing of the scanner: no symbols in the extension")
    return count / PASSES / len(load_case(name).document)


def run_scan(name: str) -> None:
    """What runs under valgrind."""
    from linkweir import _html

    rules = _html.NativeOptions()
    for _ in range(PASSES):
        _html.count_outcomes(load_case(name).document, rules)


def main(arguments: list[str]) -> int:
    """A table of all cases."""
    if arguments[:1] == ["--scan"]:
        run_scan(arguments[1])
        return 0
    print("| case | instructions per byte |\n| --- | ---: |")
    for name in CASE_FACTORIES:
        print(f"| {name} | {instructions_per_byte(name):.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

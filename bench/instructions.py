"""Instructions per byte of the scanner, counted by callgrind: `python -m bench.instructions`.

Not time, but the same on a busy machine as on an idle one, so a small step back shows. Needs valgrind, and symbols
in the extension. What is counted: scanning and judging (`lw_scan_feed`, `lw_judge`), not the Python around them.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.what import case
from bench.what.cases import MAKERS
from bench.who import MissingError

COUNTED = ("lw_scan_feed", "lw_judge")
PASSES = 3
_COLLECTED = re.compile(r"Collected : (\d+)")


def per_byte(name: str) -> float:
    """Instructions per byte of that case. Raises MissingError without valgrind or symbols."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise MissingError("valgrind is not installed here")
    with tempfile.TemporaryDirectory() as folder:
        toggles = [f"--toggle-collect={function}" for function in COUNTED]
        options = ["--tool=callgrind", "--collect-atstart=no", *toggles, f"--callgrind-out-file={folder}/out"]
        command = [valgrind, *options, sys.executable, "-m", "bench.instructions", "--scan", name]
        root = Path(__file__).parent.parent
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)  # noqa: S603
    found = _COLLECTED.search(done.stderr)
    count = int(found[1]) if found else 0
    if count == 0:
        raise MissingError("callgrind saw nothing of the scanner: no symbols in the extension")
    return count / PASSES / len(case(name).document)


def scan(name: str) -> None:
    """What runs under valgrind."""
    from linkweir import _html

    rules = _html.NativeOptions()
    for _ in range(PASSES):
        _html.count_outcomes(case(name).document, rules)


def main(arguments: list[str]) -> int:
    """A table of all cases."""
    if arguments[:1] == ["--scan"]:
        scan(arguments[1])
        return 0
    print("| case | instructions per byte |\n| --- | ---: |")
    for name in MAKERS:
        print(f"| {name} | {per_byte(name):.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Processes whose wall clock is wrong, while their steady clocks are right: a library that is loaded before all others.

What sleeps and waits goes by the steady clocks, so that such a process runs as any other does.
"""

import subprocess
import sys
from pathlib import Path

from tests.c.toolchain import build_program, find_compilers, skip_or_fail

_SOURCE = Path(__file__).with_suffix(".c")
_READ_CLOCKS = "import time; a = time.monotonic(); time.sleep(0.1); print(time.time(), time.monotonic() - a)"


def make_clock_environment(folder: Path, offset_seconds: int) -> dict[str, str]:
    """The variables of a process whose clock is ahead by so many seconds; a negative number: behind. Skips the test
    where there is no compiler.
    """
    if not find_compilers():
        skip_or_fail("no C compiler")
    library = folder / "shifted_clock.so"
    if not library.exists():
        build_program(find_compilers()[0], [_SOURCE], library, "-shared", "-fPIC")
    return {"LD_PRELOAD": str(library), "CLOCK_OFFSET_SECONDS": str(offset_seconds)}


def read_clocks(environment: dict[str, str]) -> tuple[float, float]:
    """What a Python with this environment takes for the time, and for the length of a sleep of 0.1 seconds."""
    command = [sys.executable, "-c", _READ_CLOCKS]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603
    wall, slept = map(float, printed.split())
    return wall, slept

"""Runs wrk (Debian: `apt-get install wrk`), which can ask faster than any server in Python answers."""

import re
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from linkweir.benchmark import EngineNotInstalledError

HEADERS = (  # what a browser sends, in short
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0",
    "Accept: text/html,application/xhtml+xml",
    "Accept-Language: en",
    "Accept-Encoding: gzip",
)
UNIT_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True, slots=True)
class WrkResult:
    """One run: requests a second, seconds that half and 99 of 100 requests took at most, and wrk's own processor
    time in seconds.
    """

    requests: int
    rate: float
    p50: float
    p99: float
    own_seconds: float = 0.0


def run(url: str, paths: Sequence[str], *, connections: int, seconds: int, pause: int = 0) -> WrkResult:
    """Ask for each path in turn, on each connection after a pause of so many milliseconds. AssertionError for any
    answer but 2xx and 3xx, EngineNotInstalledError without wrk.
    """
    tool = shutil.which("wrk")
    if tool is None:
        raise EngineNotInstalledError("wrk is not installed here")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "paths.lua"
        listed = ",".join(f'"{path}"' for path in paths)
        script.write_text(
            f"local p = {{{listed}}}\nlocal i = 0\n"
            "request = function() i = i % #p + 1; return wrk.format('GET', p[i]) end\n"
            + (f"delay = function() return {pause} end\n" if pause else "")
        )
        words = [word for header in HEADERS for word in ("-H", header)]
        command = [tool, "-t1", f"-c{connections}", f"-d{seconds}", "--latency", *words, "-s", str(script), url]
        before = _read_own_seconds()
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert "Non-2xx" not in text, text
    assert "Socket errors" not in text, text
    return WrkResult(
        int(_parse(r"(\d+) requests in", text)),
        float(_parse(r"Requests/sec: +(\S+)", text)),
        _parse_seconds(_parse(r" 50% +(\S+)", text)),
        _parse_seconds(_parse(r" 99% +(\S+)", text)),
        _read_own_seconds() - before,
    )


def _read_own_seconds() -> float:
    """Processor time of children that have ended: wrk is the only one that does during a run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _parse(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match[1]


def _parse_seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * UNIT_SECONDS[unit]

"""A gigabyte through the streaming rewriter: how much memory it takes, and how its speed compares with one
call.

`python -m bench.streaming_memory [BYTES ROUNDS]` prints JSON. The caller starts it as a process of its own, so that
nobody else's memory is counted. Resident memory comes from /proc, whose high-water mark is reset first.
"""

import contextlib
import ctypes
import gc
import json
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from bench.cases.stream import DocumentStream
from linkweir.benchmark import compute_ratio, repeat, run_interleaved
from linkweir.benchmark.case import Case
from linkweir.benchmark.rewriting_engine import CONSTANT

GIGABYTE_BYTES = 1_000_000_000
SLICE_BYTES = 64_000_000  # enough for a steady speed, little enough to be measured several times


class StreamingResult(TypedDict):
    """What one gigabyte (or so) told. `of_single_call`: share of the speed of one call, best with best."""

    bytes: int
    seconds: float
    megabytes_per_second: float
    extra_mebibytes: float
    right: bool
    of_single_call: float
    of_single_call_paired: float


def measure(size: int, rounds: int) -> StreamingResult:
    """Stream `size` bytes in this process and report memory, speed and whether the answer was right.

    `rounds`: how often the speed is then compared with that of one call.
    """
    import linkweir

    stream = DocumentStream(size)
    before = _reset_peak()
    start = time.perf_counter()
    produced, tracked = _stream_through(linkweir, stream)
    seconds = time.perf_counter() - start
    extra = _peak_kib() - before
    fair, paired = _compare_with_single_call(linkweir, rounds)
    return {
        "bytes": stream.size,
        "seconds": seconds,
        "megabytes_per_second": stream.size / seconds / 1e6,
        "extra_mebibytes": extra / 1024,
        "right": (produced, tracked) == (stream.output_size(CONSTANT.encode()), stream.links),
        "of_single_call": fair,
        "of_single_call_paired": paired,
    }


@cache
def measure_in_subprocess(size: int, rounds: int) -> StreamingResult:
    """The same in a fresh process, once for the same arguments. Raises CalledProcessError with its output
    when that fails."""
    command = [sys.executable, "-m", "bench.streaming_memory", str(size), str(rounds)]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)  # noqa: S603
    result: StreamingResult = json.loads(done.stdout)
    return result


def _link(_destination: str, _index: int) -> str:
    return CONSTANT


def _stream_through(linkweir: Any, stream: DocumentStream) -> tuple[int, int]:
    rewriter = linkweir.Rewriter(_link)
    produced = 0
    for chunk in stream.chunks():
        produced += len(rewriter.feed(chunk))
    produced += len(rewriter.close())
    return produced, rewriter.counts[linkweir.Outcome.TRACKED]


def _compare_with_single_call(linkweir: Any, rounds: int) -> tuple[float, float]:
    """Speed of streaming as a share of the speed of one call on the same megabyte of newsletter, over and
    over."""
    stream = DocumentStream(SLICE_BYTES)
    whole: Case = stream.block
    samples = run_interleaved(
        {
            "one call": lambda loops: _rewrite_repeatedly(linkweir, whole.document, loops * stream.repeats),
            "stream": repeat(lambda: _stream_through(linkweir, stream)),
        },
        rounds=rounds,
    )
    return compute_ratio(samples["one call"], samples["stream"])


def _rewrite_repeatedly(linkweir: Any, document: bytes, times: int) -> None:
    for _ in range(times):
        linkweir.rewrite(document, _link)


def _reset_peak() -> int:
    # Give back what making the documents left free in the heap: the stream must not live on that uncounted.
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _peak_kib()


def _peak_kib() -> int:
    """Highest resident memory since the reset, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError("no VmHWM in /proc/self/status")


if __name__ == "__main__":
    size, rounds = map(int, sys.argv[1:3]) if len(sys.argv) == 3 else (GIGABYTE_BYTES, 7)
    print(json.dumps(measure(size, rounds)))

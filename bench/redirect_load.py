"""Redirects with durable recording beside a bare Starlette redirect on `uvicorn[standard]` (uvloop, httptools), in the
same run.

`python -m bench.redirect_load [--rounds N] [--connections N]`. wrk loads both in turn, with one worker process and with
two; every request is for another link. Compared are the best rounds, and beside that the median of the paired ones.
Answers are checked: each Location beforehand, each status under load, and at the end that every redirect is recorded.
`--sustained`: see bench.sustained_load.
"""

import argparse
import importlib.util
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import sustained_load
from bench.engines import EngineNotInstalledError
from bench.harness import wrk
from bench.harness.service_process import ServiceProcess
from bench.harness.wrk import WrkResult
from bench.ratios import Ratio, WrongAnswerError
from linkweir.durable_files import write_durably
from linkweir.tokens import Tracker, keyring_file

LINKS = 3000
RUN_SECONDS = 2
CONNECTIONS = 64
JOURNAL_CAPACITY = 500_000  # room in the journal: what is measured is recording, not losing


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rounds of both, in pairs."""

    linkweir: list[WrkResult]
    baseline: list[WrkResult]

    @property
    def rate(self) -> tuple[float, float]:
        """Our requests a second as a share of the bare ones: best with best, and the median of the pairs."""
        paired = [item.rate / other.rate for item, other in zip(self.linkweir, self.baseline, strict=True)]
        return max(item.rate for item in self.linkweir) / max(item.rate for item in self.baseline), statistics.median(
            paired
        )

    @property
    def p99(self) -> tuple[float, float]:
        """Our 99th percentile over the bare one, the same way."""
        paired = [item.p99 / other.p99 for item, other in zip(self.linkweir, self.baseline, strict=True)]
        return min(item.p99 for item in self.linkweir) / min(item.p99 for item in self.baseline), statistics.median(
            paired
        )


def measure(workers: int | None, rounds: int, connections: int = CONNECTIONS) -> Comparison:
    """Rounds in turn; `workers` None is one process that does everything."""
    words = [] if workers is None else ["--workers", str(workers)]
    facts = str(JOURNAL_CAPACITY)
    with serve_baseline(workers or 1) as other, ServiceProcess(*words, LINKWEIR_JOURNAL_FACTS=facts) as service:
        paths = _create_links(service)
        result = Comparison([], [])
        for turn in range(rounds):
            for ours in (True, False) if turn % 2 else (False, True):
                run = wrk.run(service.url if ours else other, paths, connections=connections, seconds=RUN_SECONDS)
                (result.linkweir if ours else result.baseline).append(run)
                _wait_until_stored(service)  # what is still being stored must not weigh on the bare one
        _check(service, sum(item.requests for item in result.linkweir))
    return result


def _create_links(service: ServiceProcess) -> list[str]:
    """Paths of links that lead to different places, after each of some has been followed there."""
    ring = keyring_file.load(service.data / "keys.json")
    destinations = [f"https://example.com/shop/item-{number}?id={number}&utm_source=mail" for number in range(LINKS)]
    paths = []
    for number, destination in enumerate(destinations):
        link = Tracker(ring, "http://x/c/", message=2**61 + number).mint(destination, number % 50)
        paths.append(link.removeprefix("http://x"))
    for number in range(0, LINKS, 100):
        answer = service.client.get(paths[number])
        if (answer.status_code, answer.headers["location"]) != (302, destinations[number]):
            raise WrongAnswerError(f"{paths[number]}: {answer}")
    return paths


def _check(service: ServiceProcess, requests: int) -> None:
    """Every redirect that wrk saw is in the journal or the database, and none was lost."""
    time.sleep(3)  # other processes' figures
    text = service.client.get("/metrics").text
    figures = {name: _read_metric(text, f"linkweir_clicks_{name}_total") for name in ("journaled", "lost", "late")}
    if figures["lost"] or figures["late"] or figures["journaled"] < requests:
        raise WrongAnswerError(f"{requests} redirects: {figures}")


def _wait_until_stored(service: ServiceProcess) -> None:
    """Wait until all clicks are in the database."""
    for _ in range(600):
        if _read_metric(service.client.get("/metrics").text, "linkweir_clicks_waiting") == 0:
            return
        time.sleep(0.2)
    raise WrongAnswerError("the clicks are not stored within two minutes")


def _read_metric(text: str, name: str) -> float:
    match = re.search(rf"(?m)^{name} (\S+)$", text)
    return float(match[1]) if match else -1.0


@contextmanager
def serve_baseline(workers: int) -> Iterator[str]:
    """The bare application in as many processes; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "bench.harness.bare_redirect_app:app",
        "--port",
        str(port),
        "--no-access-log",
    ]
    for package in ("uvloop", "httptools"):
        if importlib.util.find_spec(package) is None:
            raise EngineNotInstalledError(f"{package} is not installed here, which uvicorn[standard] has")
    command += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning", "--workers", str(workers)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent)  # noqa: S603 - our own
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{url}/c/x")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def fsync_seconds() -> float:
    """Seconds that this disk takes to make one click durable: the median of 200."""
    times = []
    with tempfile.TemporaryFile() as file:
        write_durably(file.fileno(), bytes(1 << 20), 0)
        for number in range(200):
            began = time.perf_counter()
            write_durably(file.fileno(), bytes(300), 512 * number)
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def measure_rate(workers: int, rounds: int) -> Ratio:
    """Requests a second as a share of the bare ones, for the guard."""
    result = measure(workers, max(3, rounds // 10))
    best, paired = result.rate
    slow, _ = result.p99
    return Ratio(
        best, paired, f"{max(item.rate for item in result.linkweir):.0f} requests/s, p99 {slow:.2f} times the bare one"
    )


def main(arguments: list[str]) -> int:
    """Print a line for each number of processes."""
    parser = argparse.ArgumentParser(prog="python -m bench.redirect_load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--sustained", action="store_true", help="answering and storing at the same time, instead")
    parser.add_argument("--seconds", type=int, default=30, help="of each load that is sustained")
    options = parser.parse_args(arguments)
    if options.sustained:
        return sustained_load.print_report(options.seconds)
    print(f"one flush takes {fsync_seconds() * 1e3:.2f} ms")
    for workers in (None, 1, 2):
        result = measure(workers, options.rounds, options.connections)
        name = (
            "one process for everything" if workers is None else f"{workers} worker{'s' * (workers > 1)} and background"
        )
        print(name)
        for who, runs in (("bare", result.baseline), ("ours", result.linkweir)):
            best = max(runs, key=lambda run: run.rate)
            print(
                f"  {who}: {best.rate:6.0f} requests/s, p50 {best.p50 * 1e3:5.1f} ms, p99 {best.p99 * 1e3:5.1f} ms;"
                f" median {statistics.median(run.rate for run in runs):6.0f} requests/s"
            )
        (best_rate, rate_paired), (best_p99, p99_paired) = result.rate, result.p99
        print(
            f"  ratio {best_rate:.2f} (median of pairs {rate_paired:.2f}), p99 {best_p99:.2f} ({p99_paired:.2f})",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Redirects with durable recording beside a bare Starlette redirect on `uvicorn[standard]` (uvloop, httptools), in the
same run.

`python -m bench.redirect_load [--rounds N] [--connections N]`. wrk loads all in turn, with one process that answers and
with two (beside which ours has one in the background, of low priority); every request is for another link. Compared are
the best rounds, and beside that the median of the paired ones. One connection that asks in sequence is measured too,
and the distance to granian where it is installed. Answers are checked: each Location beforehand, each status under
load, and at the end that every redirect is recorded. wrk runs on the same processors; what it takes of them is printed.
`--sustained`: see bench.sustained_load.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench import sustained_load
from bench.harness import redirect_peers, wrk
from bench.harness.redirect_peers import RedirectPeer
from bench.harness.service_process import ServiceProcess, read_tree_seconds
from bench.harness.wrk import WrkResult
from bench.ratios import Ratio
from linkweir.benchmark import EngineNotInstalledError, WrongAnswerError
from linkweir.durable_files import write_durably
from linkweir.tokens import Tracker, keyring_file

LINKS = 3000
RUN_SECONDS = 2
CONNECTIONS = 64
JOURNAL_CAPACITY = 500_000  # room in the journal: what is measured is recording, not losing


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rounds of both, in pairs; `granian`: those of the same application on granian, none where it is missing.

    `cpu_seconds`: processor time of all our processes, and of all of the bare one, during their rounds.
    """

    linkweir: list[WrkResult]
    baseline: list[WrkResult]
    granian: list[WrkResult] = field(default_factory=list)
    cpu_seconds: dict[str, float] = field(default_factory=dict)

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


def measure(workers: int, rounds: int, connections: int = CONNECTIONS, *, with_granian: bool = False) -> Comparison:
    """Rounds in turn, with so many processes that answer. Raises EngineNotInstalledError."""
    result = Comparison([], [])
    with ExitStack() as stack:
        bare = stack.enter_context(redirect_peers.serve_uvicorn(workers))
        granian = stack.enter_context(redirect_peers.serve_granian(workers)) if with_granian else None
        settings = {"LINKWEIR_JOURNAL_FACTS": str(JOURNAL_CAPACITY)}
        service = stack.enter_context(ServiceProcess("--workers", str(workers), **settings))
        paths = create_links(service)
        sides = [
            ("ours", RedirectPeer(service.url, service.pid), result.linkweir),
            ("bare", bare, result.baseline),
            *([("granian", granian, result.granian)] if granian else []),
        ]
        for turn in range(rounds):
            for name, peer, runs in sides if turn % 2 else reversed(sides):
                before = read_tree_seconds(peer.pid)
                runs.append(wrk.run(peer.url, paths, connections=connections, seconds=RUN_SECONDS))
                spent = read_tree_seconds(peer.pid) - before
                result.cpu_seconds[name] = result.cpu_seconds.get(name, 0.0) + spent
                _wait_until_stored(service)  # what is still being stored must not weigh on the others
        check_recorded(service, sum(item.requests for item in result.linkweir))
    return result


def create_links(service: ServiceProcess) -> list[str]:
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


def check_recorded(service: ServiceProcess, requests: int) -> None:
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
    try:
        redirect_peers.require_package("granian", "so the distance to it is not measured (`pip install granian`)")
        with_granian = True
    except EngineNotInstalledError as reason:
        print(f"granian is left out: {reason}")
        with_granian = False
    for workers, connections in ((1, options.connections), (2, options.connections), (1, 1)):
        result = measure(workers, options.rounds, connections, with_granian=with_granian and connections > 1)
        _print_comparison(result, workers, connections)
    return 0


def _print_comparison(result: Comparison, workers: int, connections: int) -> None:
    processes = "one process for everything" if workers == 1 else f"{workers} processes and one in the background"
    print(f"{processes}, {connections} connection{'s' * (connections > 1)}")
    for who, runs in (("bare", result.baseline), ("ours", result.linkweir), ("granian", result.granian)):
        if not runs:
            continue
        best = max(runs, key=lambda run: run.rate)
        requests = sum(run.requests for run in runs)
        print(
            f"  {who}: {best.rate:6.0f} requests/s, p50 {best.p50 * 1e3:5.2f} ms, p99 {best.p99 * 1e3:5.2f} ms;"
            f" median {statistics.median(run.rate for run in runs):6.0f} requests/s; processor time a request"
            f" {result.cpu_seconds[who] / requests * 1e6:.0f} \u00b5s, of wrk"
            f" {sum(run.own_seconds for run in runs) / requests * 1e6:.0f} \u00b5s"
        )
    (best_rate, rate_paired), (best_p99, p99_paired) = result.rate, result.p99
    print(f"  ratio {best_rate:.2f} (median of pairs {rate_paired:.2f}), p99 {best_p99:.2f} ({p99_paired:.2f})")
    if result.granian:
        distance = max(run.rate for run in result.linkweir) / max(run.rate for run in result.granian)
        print(f"  of the same application on granian: {distance:.2f}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

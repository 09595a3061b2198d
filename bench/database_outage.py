"""Redirects of a machine whose database is down beside those of one whose database is there, in the same run.

Both machines only redirect, and hand their clicks to the inbox in PostgreSQL; the server of one is killed when it has
answered. wrk loads both in turn. Every redirect must be in the journal, and none may be lost or late.
"""

import statistics
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.harness import wrk
from bench.harness.database_servers import require_postgresql
from bench.harness.service_process import ServiceProcess, read_tree_seconds
from bench.harness.wrk import WrkResult
from bench.ratios import Ratio
from bench.redirect_load import CONNECTIONS, JOURNAL_CAPACITY, RUN_SECONDS, check_recorded, create_links

STATES = ("there", "down")


@dataclass(frozen=True, slots=True)
class OutageRounds:
    """The rounds with the database `there` and `down`, and seconds of processor time of the machine's processes."""

    runs: dict[str, list[WrkResult]] = field(default_factory=lambda: {state: [] for state in STATES})
    processor_seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STATES, 0.0))

    @property
    def rate(self) -> tuple[float, float]:
        """Redirects a second without the database as a share of those with it: best with best, and of the pairs."""
        there, down = ([run.rate for run in self.runs[state]] for state in STATES)
        return max(down) / max(there), statistics.median(b / a for a, b in zip(there, down, strict=True))

    def __str__(self) -> str:
        parts = []
        for state in STATES:
            requests = sum(run.requests for run in self.runs[state])
            best = max(run.rate for run in self.runs[state])
            cost = self.processor_seconds[state] / requests * 1e6
            parts.append(f"{state} {best:,.0f} redirects/s, {cost:.0f} \u00b5s of processor time each")
        return "; ".join(parts)


def measure_outage(rounds: int) -> OutageRounds:
    """Load both machines in turn. Raises EngineNotInstalledError, WrongAnswerError."""
    result = OutageRounds()
    with ExitStack() as stack:
        services = {}
        for state in STATES:
            server = require_postgresql(f"database that is {state}")
            settings = {
                "LINKWEIR_DATABASE": server.create(empty=True),
                "LINKWEIR_CLICK_TRANSPORT": "postgresql",
                "LINKWEIR_JOURNAL_FACTS": str(JOURNAL_CAPACITY),
                "LINKWEIR_LOG_LEVEL": "error",
            }
            services[state] = stack.enter_context(ServiceProcess("--role", "redirect", **settings))
        paths = {state: create_links(service) for state, service in services.items()}
        server.kill()
        stack.callback(server.start)  # for who measures again
        for turn in range(rounds):
            for state in STATES if turn % 2 else reversed(STATES):
                service = services[state]
                before = read_tree_seconds(service.pid)
                run = wrk.run(service.url, paths[state], connections=CONNECTIONS, seconds=RUN_SECONDS)
                result.processor_seconds[state] += read_tree_seconds(service.pid) - before
                result.runs[state].append(run)
        for state, service in services.items():
            check_recorded(service, sum(run.requests for run in result.runs[state]))
    return result


def compare_outage(rounds: int) -> Ratio:
    """Redirects a second with the database down as a share of those with it, for the guard."""
    result = measure_outage(max(3, rounds // 10))
    return Ratio(*result.rate, str(result))

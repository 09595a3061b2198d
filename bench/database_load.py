"""The figures of PostgreSQL in one run: counting beside SQLite, two workers beside one, the transports of clicks,
redirects while the database is down, and verdicts of many workers.

`python -m bench.database_load [--quick] [--clicks N] [--rounds N]`. It starts servers of its own, PostgreSQL's, which
flush each commit, and three of NATS; what is not installed is left out with the reason. Answers are checked: verdicts
and sums of both databases are the same, each click is counted once, what comes out of a transport is what went in, and
every redirect is in the journal. Costs are processor time, of the servers too, since a busy machine changes that least;
what depends on the wall says so.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from bench import classification_quality, click_transport, counting_cost, database_outage, worker_scaling
from bench.harness.database_servers import read_server_seconds, require_nats_cluster, require_postgresql
from bench.harness.markdown_table import format_environment
from linkweir.benchmark import EngineNotInstalledError
from linkweir.benchmark.machine import describe_machine, list_versions
from linkweir.clicks.transport.click_transport import ClickTransport
from linkweir.clicks.transport.inbox import ClickInbox
from linkweir.db.schema_upgrade import migrate
from linkweir.vault import Vault

COUNTING_GOAL, WORKERS_GOAL, OUTAGE_GOAL, VERDICT_GOAL = 1.5, 1.15, 0.95, 0.5
MANY_WORKERS = 16


@dataclass(frozen=True, slots=True)
class LoadSize:
    """How much is measured."""

    clicks: int
    events: int  # through a transport
    rounds: int
    mails: int = 20  # of each of six mailings, whose hits are judged


QUICK_SIZE = LoadSize(6000, 20_000, 2)
FULL_SIZE = LoadSize(40_000, 100_000, 6, mails=100)


def print_counting(size: LoadSize) -> None:
    """Processor time and bytes of a click on both databases."""
    costs = counting_cost.measure_counting(size.clicks)
    value, paired = costs.ratio
    _print_goal("PostgreSQL / SQLite, processor time of a click", value, COUNTING_GOAL, at_least=False)
    print(f"  {costs}; median of the pairs {paired:.2f}; {size.clicks:,} clicks")
    megabytes = ", ".join(
        f"{name} {value:.0f} MB"
        for name, value in (
            ("SQLite", costs.sqlite_bytes),
            ("PostgreSQL", costs.postgresql_bytes),
            ("PostgreSQL after VACUUM FULL", costs.packed_bytes),
        )
    )
    print(f"storage of a million clicks, with everything derived from them\n  {megabytes}")


def print_workers(size: LoadSize) -> None:
    """Processor time of a click with two workers and with one."""
    costs = worker_scaling.measure_workers(size.clicks, size.rounds)
    value, paired = costs.ratio
    _print_goal("two workers / one, processor time of a click", value, WORKERS_GOAL, at_least=False)
    print(f"  {costs}; median of the pairs {paired:.2f}; {size.clicks:,} clicks, {size.rounds} rounds")


def print_inbox(size: LoadSize) -> None:
    """Events a second into PostgreSQL and out of it, on the wall."""
    server = require_postgresql()
    url = server.create(empty=True)
    with tempfile.TemporaryDirectory() as name:
        database = counting_cost.open_postgresql(url, Path(name))
        migrate(database)
        inbox = ClickInbox(database, Vault(Path(name) / "vault.key"), structlog.get_logger())
        served = read_server_seconds(server)
        _print_transport("PostgreSQL", inbox, size, click_transport.GOALS["postgresql"])
        spent = (read_server_seconds(server) - served) / size.events * 1e6
        print(f"  the server took {spent:.1f} \u00b5s of an event, there and back")
        database.close()
    server.drop(url)


def print_stream(size: LoadSize) -> None:
    """Events a second into a stream of three NATS servers and out of it, on the wall."""
    cluster = require_nats_cluster(3)
    with tempfile.TemporaryDirectory() as name:
        servers, monitoring = zip(*((one.url, one.monitoring) for one in cluster.servers), strict=True)
        stream = click_transport.open_stream(Path(name), ",".join(servers), monitoring)
        _print_transport("three NATS servers", stream, size, click_transport.GOALS["jetstream"])
        stream.close()
    cluster.stop()


def _print_transport(name: str, transport: ClickTransport, size: LoadSize, goal: int) -> None:
    sent, received = click_transport.measure_rates(transport, click_transport.generate_clicks(size.events))
    _print_goal(f"events/s into {name}, on the wall", sent.per_second, goal, at_least=True)
    print(f"  {sent}\n  out of it: {received}")


def print_outage(size: LoadSize) -> None:
    """Redirects with the database down beside those with it, on the wall, in turns."""
    result = database_outage.measure_outage(size.rounds)
    value, paired = result.rate
    _print_goal("redirects with the database down / with it, on the wall", value, OUTAGE_GOAL, at_least=True)
    print(f"  {result}; median of the pairs {paired:.2f}")


def print_verdicts(size: LoadSize) -> None:
    """Recall of machines with many workers beside that with one, in points of a percentage."""
    judge = partial(classification_quality.measure_campaign_series, (1,), mails=size.mails)
    one, many = judge(), judge(workers=MANY_WORKERS, shared=True)
    recalls = [outcome.recall("machine", *classification_quality.SIZES) * 100 for outcome in (one, many)]
    wrong = [outcome.false_positive_rate(*classification_quality.SIZES) * 100 for outcome in (one, many)]
    lost = max(recalls[0] - recalls[1], wrong[1] - wrong[0])
    _print_goal(f"points that verdicts lose with {MANY_WORKERS} workers", lost, VERDICT_GOAL, at_least=False)
    print(f"  machines found: {recalls[0]:.2f} %, with {MANY_WORKERS} workers {recalls[1]:.2f} %")
    print(f"  people taken for machines: {wrong[0]:.2f} %, with {MANY_WORKERS} workers {wrong[1]:.2f} %")


PARTS: tuple[Callable[[LoadSize], None], ...] = (
    print_counting,
    print_workers,
    print_inbox,
    print_stream,
    print_outage,
    print_verdicts,
)


def _print_goal(what: str, value: float, goal: float, *, at_least: bool) -> None:
    is_met = value >= goal if at_least else value <= goal
    bound = f"goal {'at least' if at_least else 'at most'} {goal:,g}: {'met' if is_met else 'missed'}"
    print(f"{what}: {value:,.0f} ({bound})" if value > 1000 else f"{what}: {value:.2f} ({bound})")


@contextlib.contextmanager
def _leave_out_missing(part: Callable[[LoadSize], None]) -> Iterator[None]:
    try:
        yield
    except EngineNotInstalledError as reason:
        print(f"left out: {(part.__doc__ or '').partition('.')[0].lower()} ({reason})")


def main(arguments: list[str]) -> int:
    """Print the figures, one part after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench.database_load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer clicks and rounds")
    parser.add_argument("--clicks", type=int, help="so many clicks instead")
    parser.add_argument("--rounds", type=int, help="so many rounds instead")
    options = parser.parse_args(arguments)
    size = QUICK_SIZE if options.quick else FULL_SIZE
    size = LoadSize(options.clicks or size.clicks, size.events, options.rounds or size.rounds)
    print(format_environment(describe_machine(), list_versions()))
    for part in PARTS:
        with _leave_out_missing(part):
            part(size)
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

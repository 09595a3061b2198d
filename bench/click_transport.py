"""How many clicks a second go from a machine's journal to the transport, and from there to a worker's memory.

`python -m bench.click_transport --database postgresql://… [--events N]`: the inbox, in an empty database of a server of
yours. `--nats nats://…,nats://…,nats://… --monitoring http://…,…`: a new stream of servers of yours. Events as
`bench.ingest_load` makes them, sealed in groups of 256, in batches as the carrier has them; read again by a worker's
claims, compared with what was sent, and deleted. Without the journal itself: its own speed is that of redirects.

Then with the journal: how long one of `--readers` at a time waits for its click, with LINKWEIR_CLICK_DURABLE=node and
=cluster, all in one process.
"""

import argparse
import asyncio
import contextlib
import random
import resource
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bench.ingest_load import START_US, generate_events
from linkweir.benchmark import WrongAnswerError
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.ingest.ingest_worker import BATCH_EVENTS
from linkweir.clicks.journal.carry_signals import CarrySignals
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.journal.local_journal import LocalJournal
from linkweir.clicks.transport.carrier import MAX_BATCH_EVENTS, ClickCarrier
from linkweir.clicks.transport.click_stream import ClickStream
from linkweir.clicks.transport.click_transport import ClickTransport
from linkweir.clicks.transport.inbox import ClickInbox
from linkweir.db.schema_upgrade import create_database, migrate
from linkweir.settings import Settings
from linkweir.vault import Vault

GOALS = {"postgresql": 30_000, "jetstream": 20_000}  # events a second
WAIT_SECONDS = 60.0  # that a reader may wait here: none is sent on without its click


def main(arguments: list[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.click_transport", description=__doc__)
    transport_place = parser.add_mutually_exclusive_group(required=True)
    transport_place.add_argument("--database", metavar="URL")
    transport_place.add_argument("--nats", metavar="URLS")
    parser.add_argument("--monitoring", default="", metavar="URLS")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--readers", type=int, default=64)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        transport = _open_transport(Path(folder), options, stack)
        _measure(transport, Path(folder), options, GOALS["postgresql" if options.database else "jetstream"])
    return 0


def _open_transport(folder: Path, options: argparse.Namespace, stack: contextlib.ExitStack) -> ClickTransport:
    """The transport of these options, which `stack` closes."""
    log, vault = structlog.get_logger(), Vault(folder / "vault.key")
    if options.database is not None:
        database = create_database(replace(Settings(data=folder), database=options.database))
        stack.callback(database.close)
        migrate(database)
        return ClickInbox(database, vault, log)
    stream = open_stream(folder, options.nats, tuple(filter(None, options.monitoring.split(","))))
    stack.callback(stream.close)
    print(f"stream of {options.nats.count(',') + 1} servers, {stream.count_waiting()} events in it, {stream.concern}")
    return stream


def open_stream(folder: Path, servers: str, monitoring: tuple[str, ...]) -> ClickStream:
    """A new stream of these NATS servers, on as many of them as three."""
    log = structlog.get_logger()
    settings = Settings(
        data=folder,
        database="postgresql://none@none/none",  # which nothing here needs
        click_transport="jetstream",
        nats_url=servers,
        nats_monitoring=monitoring,
        nats_replicas=min(3, servers.count(",") + 1),
        nats_stream=f"bench-{uuid.uuid4().hex}",
    )
    return ClickStream(settings, Vault(folder / "vault.key"), log, DeadLetterFile(folder, log))


@dataclass(frozen=True, slots=True)
class TransferRate:
    """How many events went one way, and how long it took: on the wall, and of this process's own time."""

    events: int
    seconds: float
    processor_seconds: float

    @property
    def per_second(self) -> float:
        """Events a second on the wall."""
        return self.events / self.seconds

    def __str__(self) -> str:
        own = self.events / self.processor_seconds
        return f"{self.events:,} events, {self.per_second:,.0f}/s on the wall, {own:,.0f}/s of this process"


def generate_clicks(number: int) -> list[ClickEvent]:
    """So many events, as `bench.ingest_load` makes them, on messages that are in no database."""
    sent = [(key, START_US) for key in range(1 << 41, (1 << 41) + max(1, number // 3))]
    return generate_events(sent, number, random.Random(17))  # noqa: S311 - traffic, not a secret


def measure_rates(transport: ClickTransport, events: Sequence[ClickEvent]) -> tuple[TransferRate, TransferRate]:
    """Bring events to the transport, read them and delete them there: how fast each was."""
    began, used = time.perf_counter(), _processor_seconds()
    for start in range(0, len(events), MAX_BATCH_EVENTS):
        transport.send(events[start : start + MAX_BATCH_EVENTS])
    sent = TransferRate(len(events), time.perf_counter() - began, _processor_seconds() - used)
    began, used = time.perf_counter(), _processor_seconds()
    read: list[ClickEvent] = []
    while len(read) < len(events):
        batch = transport.read_from(None, BATCH_EVENTS)
        read += batch.events
        if batch.cursor is not None:
            transport.acknowledge(batch.cursor)
    received = TransferRate(len(read), time.perf_counter() - began, _processor_seconds() - used)
    if len(read) != len(events) or {event.id for event in read} != {event.id for event in events}:
        raise WrongAnswerError("what was read is not what was sent, each event once")
    return sent, received


def _measure(transport: ClickTransport, folder: Path, options: argparse.Namespace, goal: int) -> None:
    """Bring events there and back, and print how fast."""
    events = generate_clicks(options.events)
    sent, received = measure_rates(transport, events)
    print(f"sent  {sent}  (goal {goal:,})\nread  {received}  (goal {goal:,})")
    for durable in ("node", "cluster"):
        _measure_waits(folder / durable, durable, transport, events[: options.events // 5], options.readers)


def _measure_waits(
    folder: Path, durable: str, transport: ClickTransport, events: list[ClickEvent], readers: int
) -> None:
    """Append these events to a journal that is carried meanwhile, each reader one after the other."""
    folder.mkdir()
    log, signals = structlog.get_logger(), CarrySignals(folder) if durable == "cluster" else None
    journal = LocalJournal(
        folder,
        log,
        dead_letters=lambda entry: None,
        capacity=2 * len(events),
        wait=WAIT_SECONDS,
        carry_signals=signals,
    )
    carrier = ClickCarrier(journal, transport, log, retry_seconds=1.0, carry_signals=signals)
    journal.on_durable = carrier.wake
    journal.start()
    carrier.start()
    waits: list[float] = []

    async def read(own: list[ClickEvent]) -> None:
        for event in own:
            began = time.perf_counter()
            assert await journal.append(event) == "kept"
            waits.append(time.perf_counter() - began)

    async def read_all() -> None:
        await asyncio.gather(*(read(events[first::readers]) for first in range(readers)))

    began, used = time.perf_counter(), _processor_seconds()
    asyncio.run(read_all())
    seconds = time.perf_counter() - began
    journal.stop()
    carrier.stop()
    journal.close()
    p50, p99 = statistics.median(waits), statistics.quantiles(waits, n=100)[98]
    processor = (_processor_seconds() - used) / len(events)
    print(
        f"{durable:<7} {readers} readers  {len(events) / seconds:>9,.0f}/s  p50 {p50 * 1e3:.1f} ms  p99 {p99 * 1e3:.1f}"
        f" ms  {processor * 1e6:.0f} \u00b5s of this process a click"
    )


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The stream of NATS servers: what was acknowledged is in it, each group is one worker's at a time, and nothing of it
can be read on the way.
"""

import asyncio
import contextlib
import io
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.js import JetStreamContext, api

from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.journal.interface import EventBatch
from linkweir.clicks.transport import click_stream
from linkweir.clicks.transport.click_stream import ClickStream
from linkweir.errors import ClickTransportUnavailable
from linkweir.settings import Settings
from linkweir.vault import Vault
from linkweir.web.structured_logging import make_logger
from tests.clicks.event_factory import make_event
from tests.nats_server import NatsCluster, find_free_ports, start_shared_server
from tests.web.running_service import WAIT_SECONDS, wait_until


class StreamHarness:
    """A stream of its own, and views of it as other processes have them."""

    def __init__(self, folder: Path, cluster: NatsCluster) -> None:
        self.folder = folder
        self.cluster = cluster
        self.settings = cluster.settings()
        self.logs = io.StringIO()
        self.vault = Vault(folder / "vault.key")
        self._streams: list[ClickStream] = []

    def open(self, vault: Vault | None = None, **changes: Any) -> ClickStream:
        """The stream, as another process has it."""
        log = make_logger("info", self.logs)
        settings = Settings(data=self.folder, database="postgresql://a@b/c", **{**self.settings, **changes})
        stream = ClickStream(settings, vault or self.vault, log, DeadLetterFile(self.folder, log))
        self._streams.append(stream)
        return stream

    def administrate(self, work: Callable[[JetStreamContext, str], Any]) -> Any:
        """What an administrator of the servers does to the stream, whose name comes with it."""

        async def connect() -> Any:
            async with await nats.connect(self.settings["nats_url"]) as connection:
                return await work(connection.jetstream(), self.settings["nats_stream"])

        return asyncio.run(connect())

    def close(self) -> None:
        """Close all views."""
        for stream in self._streams:
            stream.close()


@pytest.fixture
def harness(tmp_path: Path) -> Any:
    """An empty stream."""
    harness = StreamHarness(tmp_path, start_shared_server())
    yield harness
    harness.close()


def read_batch(stream: ClickStream) -> EventBatch:
    """A group, once one is there: a busy server may take longer than a worker waits."""
    batches: list[EventBatch] = []

    def read() -> bool:
        batches.append(stream.read_from(None, 1))
        return batches[-1].cursor is not None

    wait_until(read)
    return batches[-1]


def read_all(stream: ClickStream) -> list[int]:
    """The positions of the events that there are, which are acknowledged."""
    positions = []
    while (batch := stream.read_from(None, 10_000)).cursor is not None:
        positions += [event.position for event in batch.events]
        stream.acknowledge(batch.cursor)
    return positions


def read_until(stream: ClickStream, count: int) -> list[int]:
    """The same, once so many have come."""
    positions: list[int] = []

    def read() -> bool:
        positions.extend(read_all(stream))
        return len(positions) >= count

    wait_until(read)
    return sorted(positions)


def test_what_was_sent_is_read_once_and_forgotten_when_stored(harness: StreamHarness) -> None:
    """600 events are three groups; who has not stored them gets none of them twice, and has them again when it reads
    before it has acknowledged.
    """
    sender, worker, other = harness.open(), harness.open(), harness.open()
    sender.send([make_event(n) for n in range(600)])
    assert sender.count_waiting() == 600
    first = read_batch(worker)
    positions = [event.position for event in first.events]
    assert len(positions) in (256, 88)
    rest = read_until(other, 600 - len(positions))
    assert sorted(positions + rest) == list(range(600))
    assert harness.open().read_from(None, 100).cursor is None
    assert worker.read_from(None, 100) == first
    wait_until(lambda: sender.count_waiting() == len(positions))
    assert first.cursor is not None
    worker.acknowledge(first.cursor)
    wait_until(lambda: sender.count_waiting() == 0)


@pytest.mark.parametrize("seconds", [0.0002, 0.0005, 0.001, 0.002])
def test_an_answer_that_takes_longer_is_no_failure(
    harness: StreamHarness, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """A worker that has waited as long as it wants to, however the time passed, has read nothing; the groups come with
    a later try.
    """
    monkeypatch.setattr(click_stream, "FETCH_SECONDS", seconds)
    stream = harness.open()
    for _ in range(50):
        assert stream.read_from(None, 10_000).cursor is None
    stream.send([make_event(n) for n in range(300)])
    monkeypatch.undo()
    assert read_until(stream, 300) == list(range(300))


def test_small_groups_are_read_together(harness: StreamHarness) -> None:
    """When clicks come one by one, each is a group: a worker that was away reads many of them for a transaction, though
    its transactions are short.
    """
    stream = harness.open()
    for position in range(150):
        stream.send([make_event(position)])
    batches: list[int] = []

    def read() -> bool:
        batch = stream.read_from(None, 100)
        batches.append(len(batch.events))
        if batch.cursor is not None:
            stream.acknowledge(batch.cursor)
        return sum(batches) >= 150

    wait_until(read)
    assert sum(batches) == 150
    assert 32 <= max(batches) <= 100


def test_the_end_is_passed_when_all_before_it_is_stored(harness: StreamHarness) -> None:
    """An erasure waits for what was in the stream when it began, and for nothing that came later."""
    stream, worker = harness.open(), harness.open()
    assert not stream.has_before(stream.find_end())
    stream.send([make_event(1)])
    end = stream.find_end()
    stream.send([make_event(2)])
    assert stream.has_before(end)
    batch = read_batch(worker)
    assert [event.position for event in batch.events] == [1]
    assert stream.has_before(end)
    assert batch.cursor is not None
    worker.acknowledge(batch.cursor)
    wait_until(lambda: not stream.has_before(end))
    assert stream.count_waiting() == 1


def test_a_worker_that_ended_gives_its_groups_back(harness: StreamHarness) -> None:
    """Another one has them at once."""
    worker, other = harness.open(), harness.open()
    harness.open().send([make_event(n) for n in range(30)])
    assert len(read_batch(worker).events) == 30
    assert other.read_from(None, 1000).events == []
    worker.close()
    assert read_until(other, 30) == list(range(30))


def test_a_worker_that_died_loses_nothing(harness: StreamHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its groups are another one's when the time for storing them is over."""
    monkeypatch.setattr(click_stream, "REDELIVERY_SECONDS", 1.0)
    harness.open().send([make_event(n) for n in range(10)])
    assert len(read_batch(harness.open()).events) == 10
    other = harness.open()
    assert read_until(other, 10) == list(range(10))


def test_a_group_that_comes_again_is_dropped_by_the_servers(harness: StreamHarness) -> None:
    """A carrier that did not hear the answer sends the same group again."""
    stream, events = harness.open(), [make_event(n) for n in range(20)]
    for _ in range(3):
        stream.send(events)
    assert stream.count_waiting() == 20


def test_many_workers_claim_each_group_once(harness: StreamHarness) -> None:
    """Five of them at the same time, with a sender between: every event is read by one of them only."""
    read: Counter[int] = Counter()
    lock, sent = threading.Lock(), threading.Event()
    streams = [harness.open() for _ in range(5)]

    def work(stream: ClickStream) -> None:
        while True:
            was_sent = sent.is_set()
            batch = stream.read_from(None, 500)
            with lock:
                read.update(event.position for event in batch.events)
            if batch.cursor is not None:
                stream.acknowledge(batch.cursor)
            elif was_sent:
                return

    threads = [threading.Thread(target=work, args=[stream]) for stream in streams]
    for thread in threads:
        thread.start()
    sender = harness.open()
    for start in range(0, 3000, 100):
        sender.send([make_event(n) for n in range(start, start + 100)])
    sent.set()
    for thread in threads:
        thread.join()
    assert read == Counter(range(3000))
    wait_until(lambda: sender.count_waiting() == 0)


def test_a_group_that_does_not_open_stays_and_blocks_nothing(
    harness: StreamHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of a machine with another vault key is logged and left to it; after half a day it is a dead letter, sealed as
    it is, before the stream would drop it.
    """
    monkeypatch.setattr(click_stream, "UNREADABLE_SECONDS", 0.2)
    harness.open(Vault(tmp_path / "another.key")).send([make_event(1)])
    sender, worker = harness.open(), harness.open()
    sender.send([make_event(2)])
    assert read_until(worker, 1) == [2]
    wait_until(lambda: sender.count_waiting() == 1)
    assert "click.group_unreadable" in harness.logs.getvalue()
    assert not (tmp_path / "aside.bad").exists()
    monkeypatch.setattr(click_stream, "UNREADABLE_AGE_SECONDS", 0.0)
    wait_until(lambda: not read_all(worker) and sender.count_waiting() == 0)
    (line,) = (tmp_path / "aside.bad").read_text().splitlines()
    assert "sealed_group" in line


def test_a_damaged_group_is_a_dead_letter(harness: StreamHarness, tmp_path: Path) -> None:
    """What this machine's key sealed and is no group never becomes one."""
    worker = harness.open()
    worker.send([make_event(1)])
    sealed = harness.vault.seal(b"nothing")
    harness.administrate(lambda stream, name: stream.publish(f"{name}.1", sealed))
    assert read_until(worker, 1) == [1]
    wait_until(lambda: not read_all(worker) and worker.count_waiting() == 0)
    assert sealed.decode() in (tmp_path / "aside.bad").read_text()


def test_large_events_become_smaller_groups(harness: StreamHarness) -> None:
    """What does not fit into one message of the servers is divided."""
    stream = harness.open()
    agents = [bytes((n * m * 7919 + m * m) % 251 + 1 for m in range(9000)).decode("latin-1") for n in range(200)]
    stream.send([make_event(n, user_agent=agent) for n, agent in enumerate(agents)])
    assert read_until(stream, 200) == list(range(200))


def test_nothing_can_be_read_in_the_files_of_the_servers(harness: StreamHarness) -> None:
    """Neither an address nor a user agent is in them, while a group waits and afterwards; the group itself is."""
    stream = harness.open()
    stream.send([make_event(n, ip="198.51.100.77", user_agent="Reader/1") for n in range(50)])
    files = [path for path in harness.cluster.folder.rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    assert f"{harness.settings['nats_stream']}.50".encode() in content
    assert len(read_until(stream, 50)) == 50
    content += b"".join(path.read_bytes() for path in harness.cluster.folder.rglob("*") if path.is_file())
    assert b"198.51.100.77" not in content
    assert b"Reader/1" not in content


def test_the_stream_is_made_as_it_must_be(harness: StreamHarness) -> None:
    """On disk, as a work queue, for a day, and refusing what it has no room for; a change of what may change is taken
    over.
    """
    harness.open().send([make_event(1)])
    config: api.StreamConfig = harness.administrate(lambda stream, name: stream.stream_info(name)).config
    assert (config.storage, config.retention, config.discard) == ("file", "workqueue", "new")
    assert (config.max_age, config.num_replicas) == (86_400, 1)
    harness.administrate(lambda stream, name: stream.update_stream(config.evolve(max_age=7 * 86_400)))
    harness.open().count_waiting()
    assert harness.administrate(lambda stream, name: stream.stream_info(name)).config.max_age == 86_400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("storage", api.StorageType.MEMORY),
        ("retention", api.RetentionPolicy.LIMITS),
        ("discard", api.DiscardPolicy.OLD),
        ("subjects", ["other.>"]),
    ],
)
def test_a_stream_of_another_kind_is_refused(harness: StreamHarness, name: str, value: Any) -> None:
    """One that would lose clicks, or hold them for too long; the error names what is wrong."""
    wanted = {"retention": "workqueue", "discard": "new", "storage": "file", name: value}

    async def make(stream: JetStreamContext, own: str) -> None:
        await stream.add_stream(**{"name": own, "subjects": [f"{own}.>"], **wanted})

    harness.administrate(make)
    with pytest.raises(ClickTransportUnavailable, match=f"has another {name}"):
        harness.open().send([make_event(1)])


def test_servers_that_do_not_flush_are_told_of(tmp_path: Path) -> None:
    """Without `sync_interval: always` the log says that clicks may be lost; where nothing says whether it is set, the
    log says that; with it there is no concern.
    """
    cluster = NatsCluster(1, "max_file_store: 100MB")
    harness = StreamHarness(tmp_path, cluster)
    try:
        stream = harness.open()
        stream.send([make_event(1)])
        assert stream.concern is not None
        assert (stream.concern.is_certain, "sync_interval is not always" in stream.concern.text) == (True, True)
        assert "a power cut may lose clicks" in harness.logs.getvalue()
        for monitoring in ((), (f"http://127.0.0.1:{find_free_ports(1)[0]}",)):
            stream = harness.open(nats_monitoring=monitoring)
            stream.send([make_event(2)])
            assert stream.concern is not None
            assert (stream.concern.is_certain, "cannot be seen" in stream.concern.text) == (False, True)
    finally:
        harness.close()
        cluster.stop()
    shared = StreamHarness(tmp_path, start_shared_server())
    stream = shared.open()
    stream.send([make_event(1)])
    assert stream.concern is None
    shared.close()


def test_servers_that_are_away_are_named_without_the_password(harness: StreamHarness) -> None:
    """The error names the servers, comes soon, and the next attempt connects."""
    port = find_free_ports(1)[0]
    stream = harness.open(nats_url=f"nats://ada:s3cret@127.0.0.1:{port}")
    began = time.monotonic()
    with pytest.raises(ClickTransportUnavailable, match=f"127.0.0.1:{port}") as caught:
        stream.send([make_event(1)])
    assert time.monotonic() - began < WAIT_SECONDS
    assert "s3cret" not in str(caught.value) + repr(caught.value)


def test_a_server_that_comes_back_is_used_again(tmp_path: Path) -> None:
    """What was acknowledged before it was killed is there afterwards, and it takes more."""
    cluster = NatsCluster(1)
    harness = StreamHarness(tmp_path, cluster)
    try:
        stream = harness.open()
        stream.send([make_event(1)])
        (server,) = cluster.servers
        server.kill()
        with pytest.raises(ClickTransportUnavailable):
            stream.send([make_event(2)])
        server.start()
        server.wait()
        send_until_taken(stream, 3)
        other, read = harness.open(), set[int]()

        def read_more() -> bool:
            with contextlib.suppress(ClickTransportUnavailable):  # a server that starts on a busy machine
                batch = other.read_from(None, 1000)
                read.update(event.position for event in batch.events)
                if batch.cursor is not None:
                    other.acknowledge(batch.cursor)
            return {1, 3} <= read  # the second may have been on its way when the server was killed

        wait_until(read_more)
    finally:
        harness.close()
        cluster.stop()


def send_until_taken(stream: ClickStream, position: int) -> None:
    """Send an event, again and again until the servers take it."""

    def send() -> bool:
        try:
            stream.send([make_event(position)])
            return True
        except ClickTransportUnavailable:
            return False

    wait_until(send)


def test_a_password_opens_the_servers(tmp_path: Path) -> None:
    """One with a character that a URL quotes; with another one nothing is sent, and the error does not hold it."""
    cluster = NatsCluster(1, extra='authorization { user: ada, password: "p@ss-W0rd" }')
    harness = StreamHarness(tmp_path, cluster)
    try:
        host = harness.settings["nats_url"].removeprefix("nats://")
        stream = harness.open(nats_url=f"nats://ada:p%40ss-W0rd@{host}")
        stream.send([make_event(1)])
        assert stream.count_waiting() == 1
        with pytest.raises(ClickTransportUnavailable) as caught:
            harness.open(nats_url=f"nats://ada:wr0ng-W0rd@{host}").send([make_event(1)])
        assert "uthorization" in str(caught.value)
        assert "W0rd" not in str(caught.value) + harness.logs.getvalue()
    finally:
        harness.close()
        cluster.stop()

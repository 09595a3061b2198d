"""Three NATS servers that hold the clicks, and workers that store them, killed at any moment under load: nothing that
was acknowledged is lost, and nothing is stored twice.
"""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.transport.click_stream import ClickStream
from linkweir.errors import ClickTransportUnavailable
from linkweir.settings import Settings
from linkweir.vault import Vault
from linkweir.web.structured_logging import make_logger
from tests.clicks.event_factory import make_event
from tests.nats_server import NatsCluster, require_nats
from tests.web.running_service import wait_until

GROUP_EVENTS = 40
GROUPS_BETWEEN = 15  # acknowledged between two kills


class StreamLoad:
    """A sender and a worker in threads. `acknowledged`: the groups that the servers acknowledged; `read` counts each
    event that the worker acknowledged.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        log = make_logger("error")
        options = Settings(data=folder, database="postgresql://a@b/c", **settings)
        vault = Vault(folder / "vault.key")
        self.streams = [ClickStream(options, vault, log, DeadLetterFile(folder, log)) for _ in range(2)]
        self.acknowledged = self.refused = 0
        self.read: Counter[int] = Counter()
        self._is_sending = True
        self._is_reading = True
        self._threads = [threading.Thread(target=self._send), threading.Thread(target=self._work)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        """Send group after group, each until the servers acknowledge it, as the carrier does."""
        while self._is_sending:
            start = self.acknowledged * GROUP_EVENTS
            events = [make_event(n) for n in range(start, start + GROUP_EVENTS)]
            while not self._try(lambda: self.streams[0].send(events)):  # noqa: B023 - called here
                self.refused += 1
            self.acknowledged += 1

    def _work(self) -> None:
        while self._is_reading:
            self._try(self._process_batch)

    def _process_batch(self) -> None:
        batch = self.streams[1].read_from(None, 1000)
        if batch.cursor is not None:
            self.read.update(event.position for event in batch.events)
            self.streams[1].acknowledge(batch.cursor)

    @staticmethod
    def _try(work: Callable[[], None]) -> bool:
        try:
            work()
        except ClickTransportUnavailable:
            return False
        return True

    def wait_for_groups(self, count: int) -> None:
        """Wait until so many more groups are acknowledged."""
        goal = self.acknowledged + count
        wait_until(lambda: self.acknowledged >= goal)

    def finish(self) -> None:
        """Send no more, and wait until the worker has read everything."""
        self._is_sending = False
        self._threads[0].join()
        wait_until(lambda: len(self.read) >= self.acknowledged * GROUP_EVENTS)
        wait_until(lambda: self._try(self._require_empty))
        self.stop()

    def _require_empty(self) -> None:
        if self.streams[0].count_waiting():
            raise ClickTransportUnavailable("something waits")

    def stop(self) -> None:
        """End the threads."""
        self._is_sending = self._is_reading = False
        for thread in self._threads:
            thread.join()
        for stream in self.streams:
            stream.close()


@pytest.mark.parametrize("victims", [(0,), (1,), (2,), (0, 1, 2)])
def test_acknowledged_groups_survive_killed_servers(tmp_path: Path, victims: tuple[int, ...]) -> None:
    """Whichever of the three is killed, the leader among them, the others go on and it joins again; when all three are,
    everything that was acknowledged is there once they are back. Sent again after no answer, a group is not read twice.
    """
    require_nats()
    cluster = NatsCluster(3)
    load = StreamLoad(tmp_path, cluster.settings())
    try:
        load.wait_for_groups(GROUPS_BETWEEN)
        for number in victims:
            cluster.servers[number].kill()
        if len(victims) == 1:
            load.wait_for_groups(GROUPS_BETWEEN)  # by the two others
        for number in victims:
            cluster.servers[number].start()
        for number in victims:
            cluster.servers[number].wait()
        load.wait_for_groups(GROUPS_BETWEEN)
        load.finish()
        assert set(load.read) == set(range(load.acknowledged * GROUP_EVENTS))
        assert load.acknowledged >= 2 * GROUPS_BETWEEN
    finally:
        load.stop()
        cluster.stop()

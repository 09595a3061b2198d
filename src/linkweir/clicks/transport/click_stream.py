"""Clicks in a stream of NATS JetStream: one message a sealed group, held by several servers, and taken from it by any
worker.

The stream is a work queue: a message is gone when a worker has acknowledged it, which it does after the commit. One
that is not acknowledged is delivered again, also to others, and the events' ids tell what is stored already. The last
part of a message's subject is the number of its events, so that the servers count the events that wait.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError
from structlog.typing import FilteringBoundLogger

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.journal.interface import EventBatch, JournalCursor
from linkweir.clicks.transport.click_transport import TransportConcern
from linkweir.clicks.transport.event_group import MAX_GROUP_EVENTS, open_group, seal_group
from linkweir.clicks.transport.jetstream_client import JetStreamClient, Session
from linkweir.clicks.transport.sync_check import SyncCheck
from linkweir.errors import ClickTransportUnavailable, VaultError
from linkweir.nats_servers import parse_nats_servers
from linkweir.settings import Settings
from linkweir.vault import Vault

MAX_AGE_SECONDS: Final = 86_400.0  # that a message may be in the stream
DUPLICATE_SECONDS: Final = 120.0  # within which the servers drop a group that comes again
REDELIVERY_SECONDS: Final = 60.0  # after which an unacknowledged group is another worker's; a batch takes about one
UNREADABLE_SECONDS: Final = 60.0  # before a group that another key sealed is offered again
UNREADABLE_AGE_SECONDS: Final = MAX_AGE_SECONDS / 2  # of such a group, when it becomes a dead letter
MAX_FETCHED_GROUPS: Final = 64  # asked for at once: those before them may have been small, and they are not
FETCH_SECONDS: Final = 0.2  # that a worker waits for groups
COUNT_SECONDS: Final = 3.0  # that somebody who wants a figure waits
MAX_UNACKNOWLEDGED: Final = 10_000  # groups of all workers
CONSUMER: Final = "workers"
HEADER_BYTES: Final = 1024  # of a message beside its group


@dataclass(frozen=True, slots=True)
class StreamCursor:
    """The groups of one batch."""

    messages: tuple[Msg, ...]


class ClickStream:
    """Threads may share it, but one at a time reads from it and acknowledges. A batch that is not acknowledged is read
    again.
    """

    def __init__(
        self, settings: Settings, vault: Vault, log: FilteringBoundLogger, dead_letters: DeadLetterFile
    ) -> None:
        self._name = settings.nats_stream
        self._replicas = settings.nats_replicas
        self._vault = vault
        self._log = log
        self._dead_letters = dead_letters
        self._sync_check = SyncCheck(settings.nats_monitoring, log)
        self._client = JetStreamClient(parse_nats_servers(settings.nats_url), settings.nats_ca, self._set_up)
        self._pull: tuple[Client, JetStreamContext.PullSubscription] | None = None
        self._claimed: tuple[Msg, ...] = ()

    def send(self, events: Sequence[ClickEvent]) -> None:
        """Bring events into the stream: enough servers have them on disk when this returns. Raises
        ClickTransportUnavailable, VaultError.
        """
        limit = self._client.run(_get_max_payload) - HEADER_BYTES
        parts = [events[start : start + MAX_GROUP_EVENTS] for start in range(0, len(events), MAX_GROUP_EVENTS)]
        groups = [group for part in parts for group in self._seal(part, limit)]

        async def publish(session: Session) -> None:
            done = await asyncio.gather(
                *(self._publish(session, part, data) for part, data in groups), return_exceptions=True
            )
            for failure in filter(None, done):
                raise failure

        self._client.run(publish)

    def _seal(self, events: Sequence[ClickEvent], limit: int) -> list[tuple[Sequence[ClickEvent], bytes]]:
        """The sealed group of these events, or smaller ones that each fit into a message."""
        data = seal_group(events, self._vault)
        if len(data) <= limit or len(events) == 1:
            return [(events, data)]
        half = len(events) // 2
        return self._seal(events[:half], limit) + self._seal(events[half:], limit)

    async def _publish(self, session: Session, events: Sequence[ClickEvent], data: bytes) -> None:
        headers = {"Nats-Msg-Id": _identify(events)}
        await session.stream.publish(f"{self._name}.{len(events)}", data, stream=self._name, headers=headers)

    def read_from(self, cursor: JournalCursor | None, limit: int) -> EventBatch:
        """Claim about `limit` events; those that were read before and are not acknowledged come first. Raises
        ClickTransportUnavailable.
        """
        assert cursor is None
        if self._claimed:
            self._client.run(lambda session: _send_each(session, self._claimed, b"+WPI"))
            return self._open(self._claimed)
        batch = self._open(self._client.run(lambda session: self._fetch_about(session, limit)))
        if isinstance(batch.cursor, StreamCursor):
            self._claimed = batch.cursor.messages
        return batch

    async def _fetch_about(self, session: Session, limit: int) -> list[Msg]:
        """Groups with about `limit` events: first as many as full ones would be, then more while they are small."""
        messages: list[Msg] = []
        events, wanted = 0, max(1, limit // MAX_GROUP_EVENTS)
        while events < limit:
            fetched = await self._fetch(session, wanted)
            messages += fetched
            events += sum(_count_events(message) for message in fetched)
            if len(fetched) < wanted or not fetched[-1].metadata.num_pending:
                break
            wanted = max(1, min(MAX_FETCHED_GROUPS, len(messages), (limit - events) * len(messages) // events))
        return messages

    async def _fetch(self, session: Session, groups: int) -> list[Msg]:
        if self._pull is None or self._pull[0] is not session.connection:
            self._pull = (session.connection, await session.stream.pull_subscribe_bind(CONSUMER, self._name))
        try:
            return await self._pull[1].fetch(groups, FETCH_SECONDS)
        except TimeoutError:  # the library's, and asyncio's where a busy machine let the time pass between two steps
            return []

    def _open(self, messages: Sequence[Msg]) -> EventBatch:
        """The events of the groups that this machine's key opens."""
        events: list[ClickEvent] = []
        opened = []
        for message in messages:
            try:
                events += open_group(message.data, self._vault)
                opened.append(message)
            except VaultError as error:
                self._return(message, str(error))
            except ValueError as error:
                self._move_to_dead_letters(message, str(error))
        return EventBatch(events, StreamCursor(tuple(opened)) if opened else None)

    def _return(self, message: Msg, reason: str) -> None:
        """Leave a group to a machine with the right key, but not for longer than the stream holds it."""
        self._log.error("click.group_unreadable", group=message.metadata.sequence.stream, reason=reason)
        if (datetime.now(UTC) - message.metadata.timestamp).total_seconds() > UNREADABLE_AGE_SECONDS:
            self._move_to_dead_letters(message, reason)
        else:
            delay = b"-NAK " + json.dumps({"delay": int(UNREADABLE_SECONDS * 1e9)}).encode()
            self._client.run(lambda session: _send_each(session, [message], delay))

    def _move_to_dead_letters(self, message: Msg, reason: str) -> None:
        """Make a group a dead letter, sealed as it is."""
        self._dead_letters.append({"sealed_group": message.data.decode("ascii", "replace"), "error": reason})
        self._client.run(lambda session: _send_each(session, [message], b"+TERM"))

    def acknowledge(self, cursor: JournalCursor) -> None:
        """The events of these groups are stored: they leave the stream. Raises ClickTransportUnavailable."""
        assert isinstance(cursor, StreamCursor)
        self._client.run(lambda session: _send_each(session, cursor.messages, b"+ACK"))
        self._claimed = ()

    def count_waiting(self) -> int:
        """How many events are in the stream. Raises ClickTransportUnavailable."""
        subjects = self._read_state(f"{self._name}.>").subjects or {}
        return sum(int(subject.rpartition(".")[2]) * messages for subject, messages in subjects.items())

    def find_end(self) -> int:
        """The number of the last message. Raises ClickTransportUnavailable."""
        return self._read_state().last_seq

    def has_before(self, position: int) -> bool:
        """Whether a message up to this number is still in the stream. Raises ClickTransportUnavailable."""
        state = self._read_state()
        return state.messages > 0 and state.first_seq <= position

    def _read_state(self, subjects: str | None = None) -> api.StreamState:
        async def read(session: Session) -> api.StreamState:
            return (await session.stream.stream_info(self._name, subjects)).state

        return self._client.run(read, COUNT_SECONDS)

    @property
    def lease_seconds(self) -> float:
        """How long the servers wait until they deliver a group again."""
        return REDELIVERY_SECONDS

    @property
    def concern(self) -> TransportConcern | None:
        """What is known of `sync_interval`."""
        return self._sync_check.concern

    def close(self) -> None:
        """Give back what was read and not acknowledged, and close the connection."""
        claimed, self._claimed = self._claimed, ()
        if claimed:
            with contextlib.suppress(ClickTransportUnavailable):  # then they are delivered again in a minute
                self._client.run(lambda session: _send_each(session, claimed, b"-NAK"), COUNT_SECONDS)
        self._client.close()

    async def _set_up(self, session: Session) -> None:
        """Make the stream, or see whether it is as it must be."""
        wanted = api.StreamConfig(
            name=self._name,
            description="clicks of Linkweir, in sealed groups",
            subjects=[f"{self._name}.>"],
            retention=api.RetentionPolicy.WORK_QUEUE,
            storage=api.StorageType.FILE,
            discard=api.DiscardPolicy.NEW,
            num_replicas=self._replicas,
            max_age=MAX_AGE_SECONDS,
            duplicate_window=DUPLICATE_SECONDS,
        )
        try:
            info = await session.stream.stream_info(self._name)
        except NotFoundError:
            info = await session.stream.add_stream(wanted)
        for name in ("subjects", "retention", "storage", "discard"):
            if (found := getattr(info.config, name)) != getattr(wanted, name):
                raise ClickTransportUnavailable(f"NATS: stream {self._name} has another {name}: {found}")
        names = ("num_replicas", "max_age", "duplicate_window")
        if any(getattr(info.config, name) != getattr(wanted, name) for name in names):
            changes: dict[str, Any] = {name: getattr(wanted, name) for name in names}
            info = await session.stream.update_stream(info.config.evolve(**changes))
        await self._set_up_consumer(session.stream)
        await self._sync_check.run(info)

    async def _set_up_consumer(self, stream: JetStreamContext) -> None:
        try:
            info = await stream.consumer_info(self._name, CONSUMER)
        except NotFoundError:
            info = await stream.add_consumer(
                self._name,
                name=CONSUMER,
                durable_name=CONSUMER,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=REDELIVERY_SECONDS,
                max_ack_pending=MAX_UNACKNOWLEDGED,
            )
        if info.config.ack_policy != api.AckPolicy.EXPLICIT or (info.config.max_deliver or -1) > 0:
            raise ClickTransportUnavailable(
                f"NATS: consumer {CONSUMER} of stream {self._name} must deliver until it is told explicitly"
            )


async def _get_max_payload(session: Session) -> int:
    return session.connection.max_payload


async def _send_each(session: Session, messages: Sequence[Msg], answer: bytes) -> None:
    """Answer deliveries, and wait until the server has the answers."""
    for message in messages:
        await session.connection.publish(message.reply, answer)
    await session.connection.flush()


def _count_events(message: Msg) -> int:
    """How many there are in a group, as its subject says; at least one."""
    count = message.subject.rpartition(".")[2]
    return max(1, int(count)) if count.isdecimal() else 1


def _identify(events: Sequence[ClickEvent]) -> str:
    """The same for a group that is sent again: the servers drop it, which spares workers the work."""
    digest = hashlib.blake2b(digest_size=16)
    for event in events:
        digest.update(event.id.bytes)
    return digest.hexdigest()

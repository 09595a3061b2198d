"""A database with a queue, a clock that a test can move, and transports that fail on demand."""

import asyncio
import io
import threading
import uuid
from pathlib import Path
from typing import Any

from linkweir.clock import SECOND_US
from linkweir.db import accounts_table, messages_table
from linkweir.db.messages_table import NewMessage
from linkweir.errors import TemporaryDeliveryError
from linkweir.mail import message_ids
from linkweir.mail.delivery_worker import DeliveryWorker
from linkweir.mail.transport import OutgoingMail, Transport
from linkweir.web.structured_logging import make_logger
from tests.databases import make_database


class FlakyTransport(Transport):
    """A transport that fails a number of times first."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.delivered: list[uuid.UUID] = []

    async def deliver(self, mail: OutgoingMail) -> str:
        """Fail or take."""
        if self.failures:
            self.failures -= 1
            raise TemporaryDeliveryError("not now")
        self.delivered.append(mail.id)
        return "taken"

    async def close(self) -> None:
        """Nothing is open."""


class SlowTransport(Transport):
    """A transport that takes its time."""

    def __init__(self) -> None:
        self.started = 0
        self.release = threading.Event()

    async def deliver(self, mail: OutgoingMail) -> str:
        """Wait for the word."""
        self.started += 1
        await asyncio.to_thread(self.release.wait, 20)
        return f"took {mail.id}"

    async def close(self) -> None:
        """Nothing is open."""


class RaisingTransport(FlakyTransport):
    """A transport that always fails in the same way."""

    def __init__(self, error: Exception) -> None:
        super().__init__(0)
        self.error = error

    async def deliver(self, mail: OutgoingMail) -> str:
        """Fail."""
        raise self.error


class SimultaneousTransport(FlakyTransport):
    """A transport that takes a number of mails at the same moment."""

    def __init__(self, count: int) -> None:
        super().__init__(0)
        self._count = count
        self._complete = asyncio.Event()

    async def deliver(self, mail: OutgoingMail) -> str:
        """Wait for the last one."""
        note = await super().deliver(mail)
        if len(self.delivered) == self._count:
            self._complete.set()
        await self._complete.wait()
        return note


class StalledTransport(FlakyTransport):
    """A transport that takes no mail before it is told to."""

    def __init__(self) -> None:
        super().__init__(0)
        self.started = 0
        self.go_on = threading.Event()

    async def deliver(self, mail: OutgoingMail) -> str:
        """Wait, then take."""
        self.started += 1
        await asyncio.to_thread(self.go_on.wait)
        return await super().deliver(mail)


class DeliveryHarness:
    """A database with an account, a clock that a test can move, and workers on them."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000 * SECOND_US
        self.database = make_database(folder)
        self.account = uuid.uuid4()
        with self.database.write() as connection:
            accounts_table.create(connection, self.account, "x", 1)

    def queue_message(
        self, expires: float = 3600, retain: float = 86400, sandbox: str | None = None, **more: Any
    ) -> uuid.UUID:
        """Queue a message that expires after some seconds, and whose metadata goes after some."""
        key = message_ids.new_message_id(self.now)
        new = NewMessage(
            id=key,
            number=message_ids.link_number(key),
            account_id=self.account,
            message_id=f"{key}@example.com",
            sender="a@example.com",
            recipient="b@example.org",
            subject="s",
            tags=[],
            track_clicks=True,
            privacy="full",
            raw=b"raw",
            short_links={},
            now=self.now,
            due_at=self.now,
            expires_at=self.now + int(expires * SECOND_US),
            keep_until_at=self.now,
            retain_until_at=self.now + int(retain * SECOND_US),
            envelope_from="a@example.com",
            sandbox_result=sandbox,
            **more,
        )
        with self.database.write() as connection:
            messages_table.add(connection, [new])
        return key

    def make_worker(self, transport: Transport | dict[str, Transport], at_once: int = 1) -> DeliveryWorker:
        """A worker whose first wait is one second and whose lease is ten."""
        log = make_logger("error", io.StringIO())
        routes = transport if isinstance(transport, dict) else {"default": transport}
        return DeliveryWorker(
            self.database,
            routes,
            log,
            lease=10,
            first_wait=1,
            clock=lambda: self.now,
            concurrency=at_once,
            retention_interval=0.05,
        )

    def get_status(self, key: uuid.UUID) -> str:
        """The message's status."""
        with self.database.read() as connection:
            row = messages_table.get(connection, self.account, key)
        assert row is not None
        status: str = row["status"]
        return status

    def list_attempts(self, key: uuid.UUID) -> list[str]:
        """The status of every attempt."""
        with self.database.read() as connection:
            return [row["status"] for row in messages_table.list_delivery_attempts(connection, key)]


def make_mail(key: uuid.UUID, raw: bytes) -> OutgoingMail:
    """A mail with its envelope, accepted at second five."""
    return OutgoingMail(key, 5 * SECOND_US, "a@example.com", "b@example.org", raw)


def make_outgoing_mail(raw: bytes) -> OutgoingMail:
    """Any mail."""
    return make_mail(uuid.uuid4(), raw)

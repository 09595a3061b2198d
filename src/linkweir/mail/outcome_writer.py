"""Stores what became of mails: those that end at the same moment in one transaction, as often as it takes.

Forgetting an outcome would deliver its mail once more.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection
from structlog.typing import FilteringBoundLogger

from linkweir.db import contents_table, delivery_queue_table, messages_table
from linkweir.db.database import Database
from linkweir.db.delivery_queue_table import ClaimedMessage, DeliveryOutcome
from linkweir.errors import DatabaseUnavailable
from linkweir.mail.bounce_notice import BounceNotice
from linkweir.webhooks import message_events
from linkweir.webhooks.event_kinds import EventName
from linkweir.webhooks.message_events import MessageEvent

MIN_INTERVAL_SECONDS = 0.02  # seconds between two transactions: what ends meanwhile shares the next
MAX_INTERVAL_SECONDS = 0.05  # the same while few have ended: a transaction costs as much as several outcomes
DATABASE_RETRY_SECONDS = 0.5  # seconds until an outcome is stored again, when the database did not answer


@dataclass(frozen=True, slots=True)
class _Settlement:
    """The outcome of one mail on its way to the database; `stored` is done when it is there."""

    item: ClaimedMessage
    kind: EventName
    outcome: DeliveryOutcome
    stored: "asyncio.Future[None]"

    @property
    def needs_notice(self) -> bool:
        """Whether the sender is to be told by a mail; a bounce mail, which has no sender, brings no other one about."""
        return self.kind in ("bounced", "failed") and self.item.route == "filter" and bool(self.item.envelope_from)

    def finish(self, error: Exception | None = None) -> None:
        """Tell the mail's task that the outcome is stored, or why it cannot be."""
        if self.stored.done():
            return  # the task was cancelled
        if error is None:
            self.stored.set_result(None)
        else:
            self.stored.set_exception(error)

    def to_event(self, now: int) -> MessageEvent:
        """Return the event that tells of it."""
        data = {"log": self.outcome.log, "classification": self.outcome.classification}
        return MessageEvent(self.item.row, self.kind, now, data)


class OutcomeWriter:
    """Outcomes of one event loop on their way to the database. `owner` holds the mails; `hostname` tells senders of
    filtered mail that it could not be given back. `full_batch`: how many outcomes are not kept waiting for more.
    """

    def __init__(
        self,
        database: Database,
        owner: uuid.UUID,
        log: FilteringBoundLogger,
        *,
        clock: Callable[[], int],
        hostname: str,
        full_batch: int,
    ) -> None:
        self._database = database
        self._full_batch = full_batch
        self._owner = owner
        self._log = log
        self._clock = clock
        self._hostname = hostname
        self._wake = asyncio.Event()
        self._is_full = asyncio.Event()
        self._unsettled: list[_Settlement] = []

    async def record(self, item: ClaimedMessage, kind: EventName, outcome: DeliveryOutcome) -> None:
        """Return when the outcome is stored, together with those of other mails that end meanwhile. Raises what this
        outcome alone brings about.
        """
        settlement = _Settlement(item, kind, outcome, asyncio.get_running_loop().create_future())
        self._unsettled.append(settlement)
        self._wake.set()
        if len(self._unsettled) >= self._full_batch:
            self._is_full.set()
        await settlement.stored

    async def run(self) -> None:
        """Store what is recorded until this is cancelled."""
        stored_at = float("-inf")
        while True:
            await self._wake.wait()
            await asyncio.sleep(stored_at + MIN_INTERVAL_SECONDS - time.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(stored_at + MAX_INTERVAL_SECONDS - time.monotonic()):
                    await self._is_full.wait()
            self._wake.clear()
            self._is_full.clear()
            batch, self._unsettled = self._unsettled, []
            await self._store_outcomes(batch)
            stored_at = time.monotonic()

    async def _store_outcomes(self, batch: Sequence[_Settlement]) -> None:
        """Store outcomes together; where that fails each alone, lest one of them has the other mails sent again."""
        try:
            await self.retry_until_stored(partial(self._settle, batch))
        except Exception as error:  # the mail's task logs it; the loop must live
            if len(batch) == 1:
                batch[0].finish(error)
                return
            for settlement in batch:
                await self._store_outcomes([settlement])
        else:
            for settlement in batch:
                settlement.finish()

    def _settle(self, batch: Sequence[_Settlement], connection: Connection) -> None:
        now = self._clock()
        returned = {  # read before settling may remove it
            settlement.item.id: contents_table.get(connection, settlement.item.id) or b""
            for settlement in batch
            if settlement.needs_notice
        }
        held = delivery_queue_table.settle(connection, self._owner, [each.outcome for each in batch], now)
        settled = [settlement for settlement in batch if settlement.item.id in held]
        if not settled:
            return
        message_events.record_events(connection, [settlement.to_event(now) for settlement in settled])
        messages_table.add(
            connection,
            [
                BounceNotice(each.item.row, returned[each.item.id], each.outcome.log).to_new_message(
                    self._hostname, now
                )
                for each in settled
                if each.needs_notice
            ],
        )

    async def retry_until_stored(self, write: Callable[[Connection], None]) -> None:
        """Store the outcome of a mail, as often as it takes: forgetting it would deliver the mail once more.

        While this waits the mail is under way, and its lease is renewed as soon as the database is back.
        """
        while True:
            try:
                await asyncio.to_thread(self._database.write_together, write)
                return
            except DatabaseUnavailable as error:
                self._log.warning("delivery.cannot_note", error=str(error))
                await asyncio.sleep(DATABASE_RETRY_SECONDS)

"""Carries click events from this machine's journal to the transport, and forgets them here only when they are
durable there. A crash between the two brings them a second time, which their ids tell.
"""

import threading
import time
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from linkweir.background import WorkerThread
from linkweir.clicks.journal.carry_signals import CarrySignals
from linkweir.clicks.journal.interface import EventSource
from linkweir.clicks.transport.click_transport import ClickTransport
from linkweir.clicks.transport.event_group import MAX_GROUP_EVENTS
from linkweir.clock import now
from linkweir.errors import ClickTransportUnavailable, DatabaseUnavailable, VaultError

MAX_BATCH_EVENTS = 16 * MAX_GROUP_EVENTS  # in one transaction
POLL_SECONDS = 0.5  # between looks at what other processes of this machine wrote
STOP_TIMEOUT_SECONDS = 5.0  # that a stop may take for carrying


class ClickCarrier(WorkerThread):
    """`carried` counts events since the start, some of them twice after a failure. `on_carried` is told when there are
    new ones in the transport; `problem`: what keeps events here now; `drained_until_at`: all clicks that came before
    this time have left the journal. `carry_signals` tell redirects that wait for it how far it is.
    """

    def __init__(
        self,
        journal: EventSource,
        transport: ClickTransport,
        log: FilteringBoundLogger,
        *,
        retry_seconds: float,
        on_carried: Callable[[], None] = lambda: None,
        carry_signals: CarrySignals | None = None,
    ) -> None:
        super().__init__("carrier")
        self._journal = journal
        self._transport = transport
        self._log = log
        self._retry_seconds = retry_seconds
        self._on_carried = on_carried
        self._carry_signals = carry_signals
        self._wake_event: threading.Event | CarrySignals = carry_signals or threading.Event()
        self.carried = self.failures = 0
        self.drained_until_at = 0
        self.problem: str | None = None

    def wake(self) -> None:
        """Let the thread look for new events now."""
        self._wake_event.set()

    def drain(self) -> None:
        """Carry what the journal holds, in this thread, where the carrier's own does not run: for a command. Nothing
        while another process does. Raises DatabaseUnavailable, ClickTransportUnavailable,
        VaultError, OSError.
        """
        while self._carry_batch():
            pass

    def _run(self) -> None:
        while not self._stopping:
            self._wake_event.clear()
            if not self._try_carry():
                if self.problem is None:
                    self._wake_event.wait(POLL_SECONDS)
                else:
                    self._stop_event.wait(self._retry_seconds)  # new clicks do not mend what failed
        until = time.monotonic() + STOP_TIMEOUT_SECONDS
        while time.monotonic() < until and self._try_carry():
            pass  # what came last; the rest is durable, and is carried after the next start

    def _try_carry(self) -> int:
        try:
            carried = self._carry_batch()
            self.problem = None
            return carried
        except (DatabaseUnavailable, ClickTransportUnavailable, VaultError, OSError) as error:
            self.failures += 1
            self.problem = str(error)
            self._log.error("click.carry_failed", error=str(error), kind=type(error).__name__)
        except Exception as error:
            self.problem = repr(error)
            self._log.exception("click.carrier_bug")  # the thread must live: it is the only one
        return 0

    def _carry_batch(self) -> int:
        """Carry one batch; return how many events it held. None while another process of this machine carries."""
        began, moment = now(), time.monotonic_ns()
        batch = self._journal.read_from(None, MAX_BATCH_EVENTS)
        if batch is None:
            return 0
        if batch.events:
            self._transport.send(batch.events)
            self.carried += len(batch.events)
        if self._carry_signals is not None and len(batch.events) < MAX_BATCH_EVENTS:
            self._carry_signals.publish_mark(moment)
        if batch.cursor is not None:
            self._journal.acknowledge(batch.cursor)
        if len(batch.events) < MAX_BATCH_EVENTS:
            self.drained_until_at = began
        if batch.events:
            self._on_carried()
        return len(batch.events)

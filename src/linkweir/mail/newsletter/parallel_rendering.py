"""Makes the mails of rows, in this process or in several; they come in the order of the rows, and are the same.

Processes get rows in batches, a few ahead of what was taken, so that memory is bounded. They end with this process,
however that ends; where one of them is killed, the run stops, and can go on later.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, NamedTuple

from linkweir.errors import LinkweirError
from linkweir.html import Switches
from linkweir.mail.newsletter.mail_output import OutputFormat, make_encoder
from linkweir.mail.newsletter.mail_record import RenderedMail
from linkweir.mail.newsletter.recipient_file import RecipientRow
from linkweir.mail.newsletter.recipient_mails import Newsletter, NewsletterOptions, RowError
from linkweir.tokens import Tracker

BATCH_ROWS = 64
BATCH_BYTES = 1 << 20  # of pages and values, above which a batch gets no other row
BATCHES_PER_PROCESS = 3  # one is worked on, one waits, one is taken


class RowResult(NamedTuple):
    """What became of a row: its mail, or an error. `share`: how much of the file was read; `tracked`: of its links."""

    number: int
    share: float
    mail: RenderedMail | None
    error: RowError | None
    tracked: int

    @property
    def size(self) -> int:
        """Bytes of the mail, or of its page where no mail is built."""
        return 0 if self.mail is None else len(self.mail.raw) or self.mail.size


RenderRows = Callable[[Iterator[RecipientRow]], Generator[RowResult, None, None]]


@dataclass(frozen=True, slots=True)
class RenderSetup:
    """What a process needs in order to make mails."""

    options: NewsletterOptions
    tracker: Tracker
    switches: Switches
    format: OutputFormat


def render_row(newsletter: Newsletter, row: RecipientRow) -> RowResult:
    """The mail of a row, or why it has none."""
    try:
        if row.values is None:
            raise RowError("row", row.problem)
        mail = newsletter.render(row.number, row.values)
    except RowError as error:
        return RowResult(row.number, row.share, None, error, 0)
    tracked, newsletter.tracked_links = newsletter.tracked_links, 0
    return RowResult(row.number, row.share, mail, None, tracked)


def make_serial_renderer(newsletter: Newsletter) -> RenderRows:
    """The function that makes mails in this process."""

    def render_rows(rows: Iterator[RecipientRow]) -> Generator[RowResult, None, None]:
        for row in rows:
            yield render_row(newsletter, row)

    return render_rows


def make_parallel_renderer(setup: RenderSetup, processes: int) -> RenderRows:
    """The function that makes mails in so many processes. It raises LinkweirError if they cannot be started or end."""

    def render_rows(rows: Iterator[RecipientRow]) -> Generator[RowResult, None, None]:
        context = multiprocessing.get_context("spawn")  # a fork would share the lock of the output
        pool = ProcessPoolExecutor(processes, context, _start_process, (setup,))
        waiting = deque[Future[list[RowResult]]]()
        batches, failure = _divide(rows, len(setup.options.html) + len(setup.options.text or "")), None
        batch: list[RecipientRow] | None = []
        try:
            while batch is not None:
                try:
                    batch = next(batches, None)
                except Exception as error:  # of the file: what was read before it comes first
                    batch, failure = None, error
                if batch is not None:
                    waiting.append(_submit(pool, batch))
                while waiting and (batch is None or len(waiting) >= BATCHES_PER_PROCESS * processes):
                    yield from _take(waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)
        if failure is not None:
            raise failure

    return render_rows


def _divide(rows: Iterator[RecipientRow], page_bytes: int) -> Iterator[list[RecipientRow]]:
    """Batches of rows; those before an error, too."""
    batch, size = list[RecipientRow](), 0
    try:
        for row in rows:
            batch.append(row)
            size += page_bytes + _count_characters(row.values)
            if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _count_characters(values: Any) -> int:
    """Of all texts in the values of a row, which may be lists and objects in each other."""
    size, waiting = 0, [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        size += 1
    return size


def _submit(pool: ProcessPoolExecutor, batch: list[RecipientRow]) -> Future[list[RowResult]]:
    try:
        return pool.submit(_render_batch, batch)
    except BrokenProcessPool:
        raise _make_process_error() from None
    except OSError as error:
        why = error.strerror or str(error)
        raise LinkweirError(f"processes cannot be started here ({why}); try --jobs 1") from error


def _take(future: Future[list[RowResult]]) -> list[RowResult]:
    try:
        return future.result()
    except BrokenProcessPool:
        raise _make_process_error() from None


def _make_process_error() -> LinkweirError:
    return LinkweirError(
        "a process that makes mails has ended, such as one that was killed or had no memory; "
        "what was written stays, and the same command goes on there (--jobs 1 needs the least memory)"
    )


class _BatchRenderer:
    """What a process has, once it has started."""

    def __init__(self, setup: RenderSetup) -> None:
        self._newsletter = Newsletter(setup.options, setup.tracker, setup.switches)
        self._encode = make_encoder(setup.format, setup.options)

    def render(self, rows: list[RecipientRow]) -> list[RowResult]:
        """The results of rows, each mail as its output holds it."""
        results = [render_row(self._newsletter, row) for row in rows]
        return [result._replace(mail=result.mail and self._pack(result.mail, result.size)) for result in results]

    def _pack(self, mail: RenderedMail, size: int) -> RenderedMail:
        if self._encode is None:
            return mail
        return mail._replace(line=self._encode(mail), text=None, html=b"", raw=b"", size=size)


_renderers: list[_BatchRenderer] = []


def _start_process(setup: RenderSetup) -> None:
    """Prepare a process, which ends with its parent; Ctrl-C is for the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _renderers.append(_BatchRenderer(setup))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _render_batch(rows: list[RecipientRow]) -> list[RowResult]:
    return _renderers[0].render(rows)

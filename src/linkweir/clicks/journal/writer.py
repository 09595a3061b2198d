"""Appends events to the journal's files: many at a time, with one flush, moving on to the next file when full."""

from structlog.typing import FilteringBoundLogger

from linkweir._journal import CommitQueue
from linkweir.clicks.journal.segment import JournalSegment, WriteTarget
from linkweir.clicks.journal.segment_directory import SegmentDirectory

MAX_WRITE_FAILURES = 3  # files that may fail one after the other before facts count as lost
COMMIT_INTERVAL_SECONDS = 0.002  # between two flushes while readers come together: more of them share one
BATCH_THRESHOLD = 4  # facts at once from which on they do


class JournalWriter:
    """The file that this process writes to, and the queue of its events. Not for several threads at once."""

    def __init__(self, segments: SegmentDirectory, queue: CommitQueue, log: FilteringBoundLogger) -> None:
        self._segments = segments
        self._queue = queue
        self._log = log
        self._segment: JournalSegment | None = None
        self._target: WriteTarget | None = None

    def write(self, idle: float = 0.0) -> int:
        """Make facts durable: those that the queue holds, and those that come until there are none for `idle` seconds.
        How many it still holds then. Any: every file is full, or no disk takes them.
        """
        tries, durable_before = 0, self._queue.durable
        while self._queue.in_flight and tries < MAX_WRITE_FAILURES:
            try:
                if self._current_target() is None or self._write_segment(idle):
                    break
            except OSError as error:
                self._log.error("journal.cannot_write", error=str(error))
                self.close()  # what was written in part is found damaged by the reader, and was promised to nobody
                tries = tries + 1 if durable_before == self._queue.durable else 1
                durable_before = self._queue.durable
        return self._queue.in_flight

    def has_space(self) -> bool:
        """Whether there is a file to write to."""
        try:
            return self._current_target() is not None
        except OSError:
            return False

    def close(self) -> None:
        """Let go of the file; another process may go on with it, or the reader end it."""
        if self._segment is not None:
            self._segment.close()
        self._segment = self._target = None

    def _current_target(self) -> WriteTarget | None:
        if self._segment is not None and not self._segment.is_current_file():
            self._segments.report_lost(self._segment)
            self.close()  # removed, perhaps with its whole folder: whoever reads would never see it
        if self._segment is None:
            acquired = self._segments.acquire()
            if acquired is None:
                self._segments.preallocate()
                acquired = self._segments.acquire()
            if acquired is not None:
                self._segment, start = acquired
                self._target = self._segment.make_write_target(start)
        return self._target

    def _write_segment(self, idle: float) -> bool:
        """Whether all is done; False: another file is needed."""
        segment, target = self._segment, self._target
        assert segment is not None
        assert target is not None
        outcome = self._queue.write_batches(
            target, idle=idle, commit_interval=COMMIT_INTERVAL_SECONDS, batch_threshold=BATCH_THRESHOLD
        )
        if outcome == "full":
            segment.seal(target.at)
        if outcome == "replaced":
            self._segments.report_lost(segment)
        if outcome in ("full", "replaced"):
            self.close()
            return False
        return True

"""Appends facts to the journal's files: many at a time, with one flush, moving on to the next file when one is full."""

from structlog.typing import FilteringBoundLogger

from linkweir.click.lane import CommitQueue
from linkweir.click.segment import Segment, Target
from linkweir.click.segments import Segments

TRIES = 3  # files that may fail one after the other before facts count as lost
COMMIT_INTERVAL_SECONDS = 0.002  # between two flushes while readers come together: more of them share one
BATCH_THRESHOLD = 4  # facts at once from which on they do


class Writer:
    """The file that this process writes to, and the queue that the facts come by. Not for several threads at once."""

    def __init__(self, segments: Segments, queue: CommitQueue, log: FilteringBoundLogger) -> None:
        self._segments = segments
        self._queue = queue
        self._log = log
        self._segment: Segment | None = None
        self._target: Target | None = None

    def write(self, idle: float = 0.0) -> int:
        """Make facts durable: those that the queue holds, and those that come until there are none for `idle` seconds.
        How many it still holds then. Any: every file is full, or no disk takes them.
        """
        tries, kept = 0, self._queue.durable
        while self._queue.in_flight and tries < TRIES:
            try:
                if self._current() is None or self._run(idle):
                    break
            except OSError as error:
                self._log.error("journal.cannot_write", error=str(error))
                self.close()  # what was written in part is found damaged by the reader, and was promised to nobody
                tries = tries + 1 if kept == self._queue.durable else 1
                kept = self._queue.durable
        return self._queue.in_flight

    def ready(self) -> bool:
        """Is there a file to write to?"""
        try:
            return self._current() is not None
        except OSError:
            return False

    def close(self) -> None:
        """Let go of the file; another process may go on with it, or the reader end it."""
        if self._segment is not None:
            self._segment.close()
        self._segment = self._target = None

    def _current(self) -> Target | None:
        if self._segment is not None and not self._segment.in_place():
            self._segments.lose(self._segment)
            self.close()  # removed, perhaps with its whole folder: whoever reads would never see it
        if self._segment is None:
            found = self._segments.take()
            if found is None:
                self._segments.make()
                found = self._segments.take()
            if found is not None:
                self._segment, start = found
                self._target = self._segment.target(start)
        return self._target

    def _run(self, idle: float) -> bool:
        """Is all done? False: another file is needed."""
        segment, target = self._segment, self._target
        assert segment is not None
        assert target is not None
        with segment.counter() as count:
            outcome = self._queue.write_batches(
                target, count, idle=idle, commit_interval=COMMIT_INTERVAL_SECONDS, batch_threshold=BATCH_THRESHOLD
            )
        if outcome == "full":
            segment.seal(target.at)
        if outcome == "replaced":
            self._segments.lose(segment)
        if outcome in ("full", "replaced"):
            self.close()
            return False
        return True

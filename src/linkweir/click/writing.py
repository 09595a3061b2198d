"""Appends facts to the journal's files: many at a time, with one flush, moving on to the next file when one is full."""

import os
from collections.abc import Sequence

from structlog.typing import FilteringBoundLogger

from linkweir.click.segment import Segment, framed, room_of
from linkweir.click.segments import Segments

TRIES = 3  # files that may fail one after the other before facts count as lost


class Writer:
    """The file that this process writes to. Not for several threads at once."""

    def __init__(self, segments: Segments, log: FilteringBoundLogger) -> None:
        self._segments = segments
        self._log = log
        self._segment: Segment | None = None
        self._at = 0

    def write(self, payloads: Sequence[bytes]) -> int:
        """Make facts durable; how many of them, from the front, are. Fewer than all: every file is full, or no disk
        takes them.
        """
        done = tries = 0
        while done < len(payloads) and tries < TRIES:
            try:
                segment = self._current()
                if segment is None:
                    break
                taken = self._fill(segment, payloads[done:])
                done += taken
                if not taken:
                    self._seal(segment)
            except OSError as error:
                self._log.error("journal.cannot_write", error=str(error))
                self.close()  # what was written in part is found damaged by the reader, and was promised to nobody
                tries += 1
        return done

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
        self._segment = None

    def _current(self) -> Segment | None:
        if self._segment is not None and not self._segment.in_place():
            self.close()  # removed, perhaps with its whole folder: whoever reads would never see it
        if self._segment is None:
            found = self._segments.take()
            if found is None:
                self._segments.make()
                found = self._segments.take()
            if found is not None:
                self._segment, self._at = found
        return self._segment

    def _fill(self, segment: Segment, payloads: Sequence[bytes]) -> int:
        assert segment.life is not None
        seed, room, frames = segment.life.seed, segment.size - self._at, []
        for payload in payloads:
            room -= room_of(payload)
            if room < 0:
                break
            frames.append(framed(payload, seed))
        if frames:
            data = b"".join(frames)
            _write_durably(segment.descriptor, data, self._at)
            self._at += len(data)
            segment.count(len(frames))
        return len(frames)

    def _seal(self, segment: Segment) -> None:
        segment.seal(self._at)
        self.close()


def _write_durably(descriptor: int, data: bytes, offset: int) -> None:
    """Write and flush in one call: each more costs readers a turn at the interpreter's lock."""
    rest = memoryview(data)
    while rest:
        written = os.pwritev(descriptor, [rest], offset, os.RWF_DSYNC)  # may take a part; the rest says why
        rest, offset = rest[written:], offset + written

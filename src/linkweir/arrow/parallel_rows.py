"""Rewrites ranges of rows in threads that end at about the same time: who has none left takes half of another's.

The caller's thread is one of them. What a thread writes is in one piece, so there are hardly more chunks than threads.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from linkweir import _arrow

MIN_THREAD_BYTES = 1 << 18  # of documents, below which another thread does not pay


@dataclass(frozen=True, slots=True)
class DoneRows:
    """Rewritten rows from row `first` of array `number` on; `counts`: links by outcome."""

    number: int
    first: int
    chunks: list[_arrow.TextRows]
    counts: list[int]


def divide_evenly(ranges: Iterable[_arrow.RowRange], threads: int) -> list[_arrow.RowRange]:
    """Ranges of which each thread gets one at once; where it pays, as many as there are threads."""
    divided = list(ranges)
    while divided and len(divided) < threads:
        largest = max(divided, key=lambda each: each.bytes_left)
        rear = largest.divide() if largest.bytes_left >= 2 * MIN_THREAD_BYTES else None
        if rear is None:
            break
        divided.insert(divided.index(largest) + 1, rear)
    return divided


def rewrite_ranges(
    native: _arrow.RowRewriter, ranges: Iterable[_arrow.RowRange], text_limit: int, threads: int
) -> list[DoneRows]:
    """Rewrite all ranges; the result is in their order. Raises what a thread raised first, once all have ended."""
    team = _Team(native, text_limit, divide_evenly(ranges, threads))
    helpers = list[threading.Thread]()
    try:
        for number in range(1, min(threads, len(team.waiting))):
            helper = threading.Thread(target=team.work, name=f"linkweir-column-{number}")
            helper.start()
            helpers.append(helper)
        team.work()
        for helper in helpers:
            helper.join()
    except BaseException:  # such as Ctrl-C
        team.cancel()
        raise
    finally:
        for helper in helpers:
            helper.join()
    if team.error is not None:
        raise team.error
    return sorted(team.done, key=lambda each: (each.number, each.first))


class _Team:
    """What the threads share."""

    def __init__(self, native: _arrow.RowRewriter, text_limit: int, ranges: list[_arrow.RowRange]) -> None:
        self._native = native
        self._text_limit = text_limit
        self.waiting = deque(enumerate(ranges))
        self.done: list[DoneRows] = []
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._running: list[tuple[int, _arrow.RowRange]] = []

    def work(self) -> None:
        """Rewrite ranges until there are none."""
        try:
            while (taken := self._take()) is not None:
                number, rows = taken
                chunks, counts = self._native.rewrite(rows, text_limit=self._text_limit)
                with self._lock:
                    self._running.remove(taken)
                self.done.append(DoneRows(number, rows.start, chunks, counts))
        except BaseException as error:  # of whatever kind: the caller raises it
            self.error = self.error or error
            self.cancel()

    def _take(self) -> tuple[int, _arrow.RowRange] | None:
        """A range that waits, or the rear half of one that another thread has."""
        with self._lock:
            if self.waiting:
                taken = self.waiting.popleft()
            else:
                number, longest = max(self._running, key=lambda each: each[1].bytes_left, default=(0, None))
                rear = None if longest is None else longest.divide()
                if rear is None:
                    return None
                taken = number, rear
            self._running.append(taken)
            return taken

    def cancel(self) -> None:
        """Have all threads end soon."""
        with self._lock:
            self.waiting.clear()
            for _, rows in self._running:
                rows.cancel()

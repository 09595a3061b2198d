"""Wakes an event loop from a thread that must not wait for the interpreter's lock: by a descriptor to write to."""

import asyncio
import contextlib
import os
from collections.abc import Callable


class LoopWaker:
    """`ring` is the descriptor to write eight bytes to; `heard` is called in the loop, once for many rings."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_wake: Callable[[], None]) -> None:
        self._loop = loop
        self._on_wake = on_wake
        if hasattr(os, "eventfd"):
            self.write_fd = self._read_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self._read_fd, self.write_fd = os.pipe()
            os.set_blocking(self._read_fd, False)
            os.set_blocking(self.write_fd, False)
        loop.add_reader(self._read_fd, self._on_readable)

    def _on_readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._read_fd, 4096)
        self._on_wake()

    def close(self) -> None:
        """Nobody rings any more. In the loop's own thread, or when the loop is closed."""
        if not self._loop.is_closed():
            self._loop.remove_reader(self._read_fd)
        for descriptor in {self.write_fd, self._read_fd}:
            os.close(descriptor)

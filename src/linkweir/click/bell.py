"""Wakes an event loop from a thread that must not wait for the interpreter's lock: by a descriptor to write to."""

import asyncio
import contextlib
import os
from collections.abc import Callable


class Bell:
    """`ring` is the descriptor to write eight bytes to; `heard` is called in the loop, once for many rings."""

    def __init__(self, loop: asyncio.AbstractEventLoop, heard: Callable[[], None]) -> None:
        self._loop = loop
        self._heard = heard
        if hasattr(os, "eventfd"):
            self.ring = self._ear = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self._ear, self.ring = os.pipe()
            os.set_blocking(self._ear, False)
            os.set_blocking(self.ring, False)
        loop.add_reader(self._ear, self._hear)

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._ear, 4096)
        self._heard()

    def close(self) -> None:
        """Nobody rings any more. In the loop's own thread, or when the loop is closed."""
        if not self._loop.is_closed():
            self._loop.remove_reader(self._ear)
        for descriptor in {self.ring, self._ear}:
            os.close(descriptor)

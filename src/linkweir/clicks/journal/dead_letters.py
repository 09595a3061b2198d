"""Keeps what cannot be used (a damaged record, a fact that the store refuses for its own sake) in a file, one JSON
object a line with the time at which it came here, so that it blocks nothing and can be looked at. It may hold personal
data, which `click.leftover` takes out again.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from structlog.typing import FilteringBoundLogger

FILE_NAME = "aside.bad"
DeadLetterSink = Callable[[dict[str, Any]], None]


class DeadLetterFile:
    """`count` is how many were put here since the start."""

    def __init__(self, folder: Path, log: FilteringBoundLogger) -> None:
        self.path = folder / FILE_NAME
        self.count = 0
        self._log = log

    def append(self, entry: dict[str, Any]) -> None:
        """Append it, durably. Raises OSError."""
        self.count += 1
        self._log.error("click.set_aside", file=str(self.path))
        line = json.dumps({"set_aside_at": time.time_ns() // 1000, **entry}, default=str).encode() + b"\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

"""Standard streams that were closed (`>&-`): errors like any other, instead of crashes or somebody else's file."""

import os
import sys
from typing import TextIO, cast


def reopen_closed_streams() -> None:
    """Put something at the place of each closed stream.

    A free number 0, 1 or 2 would go to the next file that is opened, the key file say, and be read or written
    as if it were the stream. Input and output refuse use with an error; messages to a closed stderr are lost.
    """
    if sys.stdin is None:
        sys.stdin = _make_failing_stream(0, os.O_WRONLY, "r")
    if sys.stdout is None:
        sys.stdout = _make_failing_stream(1, os.O_RDONLY, "w")
    if sys.stderr is None:
        sys.stderr = _make_failing_stream(2, os.O_WRONLY, "w")


def _make_failing_stream(number: int, flags: int, mode: str) -> TextIO:
    """Open nothing under `number`; the system refuses what `flags` do not allow."""
    try:
        os.fstat(number)
    except OSError:
        handle = os.open(os.devnull, flags)
        if handle != number:
            os.dup2(handle, number)
            os.close(handle)
        os.set_inheritable(number, True)  # as standard streams are
    return cast(TextIO, open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))

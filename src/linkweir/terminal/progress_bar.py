"""One line on a terminal that says how far the work is, how fast, and when it will be done."""

import math
import shutil
import time
from collections.abc import Callable
from typing import TextIO

from linkweir.terminal.text import truncate

_REDRAW_SECONDS = 0.1  # ten times a second reads as smooth and costs nothing
_BAR_CHARACTERS = 24
_CLEAR = "\r\x1b[K"


class ProgressBar:
    """A progress line on `stream`; silent unless `live`. `total_bytes` None: the end is unknown (a stream).

    Messages for the same stream go through `say`, so that they never mix with the line.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        live: bool,
        total_files: int,
        total_bytes: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._live = live
        self._total_files = total_files
        self._total_bytes = total_bytes
        self._clock = clock
        self._started_at = self._last_draw_at = clock()
        self._is_visible = False
        self.files = 0
        self.bytes = 0

    @property
    def seconds(self) -> float:
        """Seconds since the work began."""
        return self._clock() - self._started_at

    def advance(self, size: int = 0, *, files: int = 0) -> None:
        """Note that `size` more bytes and `files` more files are done."""
        self.files += files
        self.bytes += size
        if self._live and self._clock() - self._last_draw_at >= _REDRAW_SECONDS:
            self._draw()

    def print_above(self, text: str) -> None:
        """Print one line for people, above the progress line."""
        self.close()
        self._stream.write(text + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Take the line away; what follows is the summary."""
        if self._is_visible:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._is_visible = False

    def _draw(self) -> None:
        self._last_draw_at = self._clock()
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(_CLEAR + truncate(self.format_line(), width))
        self._stream.flush()
        self._is_visible = True

    def format_line(self) -> str:
        """Return the line as it stands now."""
        seconds = max(self.seconds, 1e-6)
        speed = f"{format_bytes(self.bytes / seconds)}/s"
        if self._total_bytes is None:
            return f"{format_bytes(self.bytes)}  {speed}"
        done = min(self.bytes / self._total_bytes, 1.0) if self._total_bytes else 1.0
        bar = ("━" * round(done * _BAR_CHARACTERS)).ljust(_BAR_CHARACTERS, "╌")
        left = seconds * (1 - done) / done if done else 0.0
        files = f"{self.files}/{self._total_files} files"
        return f"{done:4.0%} {bar} {files}  {speed}  ETA {format_duration(left)}"


class CountingProgressBar(ProgressBar):
    """A progress line for work whose amount is counted, in `files`, and not measured in bytes; `what` is done."""

    what = "classifying"

    def format_line(self) -> str:
        """Return the line as it stands now."""
        seconds = max(self.seconds, 1e-6)
        done = min(self.files / self._total_files, 1.0) if self._total_files else 1.0
        bar = ("━" * round(done * _BAR_CHARACTERS)).ljust(_BAR_CHARACTERS, "╌")
        left = seconds * (1 - done) / done if done else 0.0
        return f"{done:4.0%} {bar} {self.what}  ETA {format_duration(left)}"


class RowProgressBar(CountingProgressBar):
    """The same for rows that are copied."""

    what = "copying rows"


class ItemProgressBar(ProgressBar):
    """A progress line for items made from a file: their rate, and the time left by how much of the file was read."""

    def __init__(self, stream: TextIO, *, live: bool, noun: str) -> None:
        super().__init__(stream, live=live, total_files=0, total_bytes=None)
        self._noun = noun
        self._first_share = 0.0
        self._share = 0.0

    def set_start(self, share: float) -> None:
        """Note how much of the file an earlier run has done."""
        self._first_share = self._share = share

    def advance_to(self, share: float, size: int) -> None:
        """Note one more item of `size` bytes, for which this share of the file was read."""
        self._share = share
        self.advance(size, files=1)

    def format_line(self) -> str:
        """Return the line as it stands now."""
        seconds = max(self.seconds, 1e-6)
        bar = ("━" * round(self._share * _BAR_CHARACTERS)).ljust(_BAR_CHARACTERS, "╌")
        done = self._share - self._first_share
        left = seconds * (1 - self._share) / done if done > 0 else 0.0
        rate = f"{self.files / seconds:,.0f} {self._noun}/s  {format_bytes(self.bytes / seconds)}/s"
        return f"{self._share:4.0%} {bar} {self.files:,} {self._noun}  {rate}  ETA {format_duration(left)}"


def format_bytes(size: float) -> str:
    """Return a number of bytes as people read it: `0 B`, `12.3 kB`, `4.56 GB` (powers of ten)."""
    if size < 1000:
        return f"{size:.0f} B"
    power = min(int(math.log10(size) / 3 + 1e-9), 4)
    return f"{size / 1000**power:.3g} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def format_duration(seconds: float) -> str:
    """Return seconds as `m:ss` or `h:mm:ss`."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

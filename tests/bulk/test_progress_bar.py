"""The progress line."""

import io

import pytest

from linkweir.terminal.progress_bar import ProgressBar, format_bytes, format_duration


class FakeClock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_line_shows_share_files_speed_and_time_left() -> None:
    """After a quarter in ten seconds the line says 25 %, the files, the speed and thirty seconds to go."""
    clock = FakeClock()
    progress = ProgressBar(io.StringIO(), live=True, total_files=8, total_bytes=4_000_000, clock=clock)
    clock.now = 10.0
    progress.advance(files=2, size=1_000_000)
    line = progress.format_line()
    assert line.startswith(" 25% ")
    assert "2/8 files" in line
    assert "100 kB/s" in line
    assert line.endswith("ETA 0:30")


def test_a_message_wipes_the_line_first() -> None:
    """A message is printed on a line of its own: the progress line is erased before it."""
    clock, stream = FakeClock(), io.StringIO()
    progress = ProgressBar(stream, live=True, total_files=2, total_bytes=10, clock=clock)
    clock.now = 1.0
    progress.advance(files=1, size=5)
    drawn = stream.getvalue()
    assert "50%" in drawn
    progress.print_above("hello")
    assert stream.getvalue() == drawn + "\r\x1b[Khello\n"


def test_nothing_is_printed_unless_live() -> None:
    """Where no terminal looks on, nothing but messages is written."""
    clock, stream = FakeClock(), io.StringIO()
    progress = ProgressBar(stream, live=False, total_files=2, total_bytes=10, clock=clock)
    clock.now = 1.0
    progress.advance(files=1, size=5)
    progress.print_above("hello")
    progress.close()
    assert stream.getvalue() == "hello\n"


def test_a_stream_has_no_end_to_wait_for() -> None:
    """Without a known total the line tells bytes and speed and no share."""
    clock = FakeClock()
    progress = ProgressBar(io.StringIO(), live=True, total_files=1, total_bytes=None, clock=clock)
    clock.now = 2.0
    progress.advance(size=3_000_000)
    assert progress.format_line() == "3 MB  1.5 MB/s"


def test_empty_files_are_done_at_once() -> None:
    """A total of no bytes is shown as done and divides by nothing."""
    progress = ProgressBar(io.StringIO(), live=True, total_files=1, total_bytes=0, clock=FakeClock())
    assert progress.format_line().startswith("100% ")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (12345, "12.3 kB"), (4.56e9, "4.56 GB"), (7e15, "7e+03 TB")],
)
def test_sizes_read_well(size: float, text: str) -> None:
    """Sizes have three digits and a unit."""
    assert format_bytes(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (3661, "1:01:01")])
def test_times_read_well(seconds: float, text: str) -> None:
    """Seconds are shown as m:ss, from an hour on as h:mm:ss."""
    assert format_duration(seconds) == text

"""The progress line of work that is counted."""

import io

from linkweir.terminal.progress_bar import CountingProgressBar


def test_the_line_says_how_much_is_done_and_when_it_ends() -> None:
    """A quarter done after ten seconds ends in thirty more; with nothing to do, all is done."""
    seconds = iter([0.0, 10.0, 10.0])
    bar = CountingProgressBar(
        io.StringIO(), live=False, total_files=400, total_bytes=None, clock=lambda: next(seconds, 10.0)
    )
    bar.advance(files=100)
    assert bar.format_line() == " 25% ━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ classifying  ETA 0:30"
    empty = CountingProgressBar(io.StringIO(), live=False, total_files=0, total_bytes=None)
    assert empty.format_line().startswith("100%")

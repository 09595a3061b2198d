"""Clicks on disk: what comes back, and a disk that is full."""

import pytest

from linkweir.clicks.offline import click_spill
from linkweir.clicks.offline.click_spill import ClickSpill, SpillError
from linkweir.clicks.offline.recorded_click import RecordedClick


def make_click(number: int) -> RecordedClick:
    """A click with every field set."""
    return RecordedClick(
        at=1000 - number,
        message=7,
        kind="open",
        method="HEAD",
        link=(1 << 63) - 1,
        is_url=True,
        ip="192.0.2.1",
        user_agent="a\0b",
        prefetch=True,
        signals="no-accept",
        delivered_at=5,
        link_count=9,
        label="human",
    )


def test_clicks_come_back_as_they_were() -> None:
    """Every field of a click comes back, in the order of time."""
    clicks = [make_click(number) for number in range(12)]
    with ClickSpill() as spill:
        numbers = [spill.add_click(click) for click in clicks]
        spill.create_indexes()
        assert [(number, click) for number, _, click in spill.iter_by_time()] == list(
            zip(numbers, clicks, strict=True)
        )[::-1]
        assert [number for number, _, _ in spill.load_before(7, 995, 5, 990, 3)] == [8, 7, 6]
        assert [number for number, _, _ in spill.load_after(7, 995, 5, 998, 9)] == [4, 3, 2]


def test_a_full_disk_is_a_spill_error() -> None:
    """When the database can't grow, SpillError says so."""
    with ClickSpill() as spill:
        spill.execute_script("PRAGMA max_page_count = 20;")
        for number in range(click_spill.ROWS_PER_INSERT - 1):
            spill.add_click(make_click(number))
        with pytest.raises(SpillError, match="full"):
            spill.flush()

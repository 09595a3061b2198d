"""Tests of the time that a page looks at."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from linkweir.stats import report_period

UTC_ZONE = ZoneInfo("UTC")
NOW = int(datetime(2026, 3, 1, 13, 45, tzinfo=UTC).timestamp()) * 1_000_000


def test_days_end_with_today() -> None:
    """Thirty days are whole days of UTC and end with the one that is going on."""
    result = report_period.parse_period("30", NOW, UTC_ZONE)
    assert result.last - result.first == 30 * 24
    assert datetime.fromtimestamp(result.last * 3600, UTC) == datetime(2026, 3, 2, tzinfo=UTC)
    assert result.label({"first": result.first}) == "31 Jan"


def test_a_day_ends_with_this_hour() -> None:
    """Twenty-four hours end with the hour that is going on, in steps of an hour."""
    result = report_period.parse_period("1", NOW, UTC_ZONE)
    assert (result.last - result.first, result.step) == (24, "hour")
    assert result.label({"first": result.last - 1}) == "13:00"
    in_kolkata = report_period.parse_period("1", NOW, ZoneInfo("Asia/Kolkata"))
    assert in_kolkata.label({"first": in_kolkata.last - 1}) == "18:30"  # half an hour off, where hours are summed


@pytest.mark.parametrize("text", ["", "0", "-7", "1000000000", "x", "30 ", "٣٠"])
def test_anything_else_is_the_usual_time(text: str) -> None:
    """What no link of a page asks for is the usual period, not an error and not an endless one."""
    assert report_period.parse_period(text, NOW, UTC_ZONE) == report_period.parse_period("30", NOW, UTC_ZONE)


def test_days_begin_where_the_reader_lives() -> None:
    """In Berlin a week around the change of clocks has an hour less, and begins and ends at midnight there."""
    berlin = ZoneInfo("Europe/Berlin")
    moment = int(datetime(2026, 3, 30, 12, tzinfo=UTC).timestamp()) * 1_000_000
    result = report_period.parse_period("7", moment, berlin)
    assert result.last - result.first == 7 * 24 - 1
    assert datetime.fromtimestamp(result.first * 3600, berlin).isoformat() == "2026-03-24T00:00:00+01:00"
    assert datetime.fromtimestamp(result.last * 3600, berlin).isoformat() == "2026-03-31T00:00:00+02:00"

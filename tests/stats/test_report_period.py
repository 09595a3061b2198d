"""Tests of the time that a page looks at."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from linkweir.stats import report_period

UTC_ZONE = ZoneInfo("UTC")
NOW = int(datetime(2026, 3, 1, 13, 45, tzinfo=UTC).timestamp()) * 1_000_000


def test_days_end_with_today() -> None:
    """Thirty days are whole days of UTC and end with the one that is going on."""
    result = report_period.parse_period({"period": "30"}, NOW, UTC_ZONE)
    assert result.last - result.first == 30 * 24
    assert datetime.fromtimestamp(result.last * 3600, UTC) == datetime(2026, 3, 2, tzinfo=UTC)
    assert result.label({"first": result.first}) == "31 Jan"


def test_a_day_ends_with_this_hour() -> None:
    """Twenty-four hours end with the hour that is going on, in steps of an hour."""
    result = report_period.parse_period({"period": "1"}, NOW, UTC_ZONE)
    assert (result.last - result.first, result.step) == (24, "hour")
    assert result.label({"first": result.last - 1}) == "13:00"
    in_kolkata = report_period.parse_period({"period": "1"}, NOW, ZoneInfo("Asia/Kolkata"))
    assert in_kolkata.label({"first": in_kolkata.last - 1}) == "18:30"  # half an hour off, where hours are summed


@pytest.mark.parametrize("text", ["", "0", "-7", "1000000000", "x", "30 ", "٣٠"])
def test_anything_else_is_the_usual_time(text: str) -> None:
    """What no link of a page asks for is the usual period, not an error and not an endless one."""
    assert report_period.parse_period({"period": text}, NOW, UTC_ZONE) == report_period.parse_period(
        {"period": "30"}, NOW, UTC_ZONE
    )


def test_days_begin_where_the_reader_lives() -> None:
    """In Berlin a week around the change of clocks has an hour less, and begins and ends at midnight there."""
    berlin = ZoneInfo("Europe/Berlin")
    moment = int(datetime(2026, 3, 30, 12, tzinfo=UTC).timestamp()) * 1_000_000
    result = report_period.parse_period({"period": "7"}, moment, berlin)
    assert result.last - result.first == 7 * 24 - 1
    assert datetime.fromtimestamp(result.first * 3600, berlin).isoformat() == "2026-03-24T00:00:00+01:00"
    assert datetime.fromtimestamp(result.last * 3600, berlin).isoformat() == "2026-03-31T00:00:00+02:00"


@pytest.mark.parametrize(
    ("value", "first", "last", "text"),
    [
        ("yesterday", "2026-02-28", "2026-02-28", "Yesterday"),
        ("this-month", "2026-03-01", "2026-03-01", "This month"),
        ("last-month", "2026-02-01", "2026-02-28", "Last month"),
        ("2025-12-24..2026-01-06", "2025-12-24", "2026-01-06", "24 Dec 2025 to 6 Jan 2026"),
        ("2026-01-06..2025-12-24", "2025-12-24", "2026-01-06", "24 Dec 2025 to 6 Jan 2026"),
        ("2026-02-28..2026-02-28", "2026-02-28", "2026-02-28", "28 Feb 2026"),
        ("0001-01-01..9999-12-31", "2000-01-01", "2199-12-31", "1 Jan 2000 to 31 Dec 2199"),
    ],
)
def test_calendar_periods_and_dates(value: str, first: str, last: str, text: str) -> None:
    """A calendar period and a range of dates are whole days, both ends included; the value in the URL stays."""
    result = report_period.parse_period({"period": value}, NOW, UTC_ZONE)
    assert (str(result.first_date), str(result.last_date), result.text) == (first, last, text)
    again = report_period.parse_period({"period": result.value}, NOW, UTC_ZONE)
    assert again == result


def test_two_date_fields_are_a_range() -> None:
    """What a form sends is the same period as in an address; one date alone is that day; nonsense is the usual time."""
    whole = report_period.parse_period({"period": "2026-01-05..2026-01-09"}, NOW, UTC_ZONE)
    assert report_period.parse_period({"from": "2026-01-05", "to": "2026-01-09", "period": "7"}, NOW, UTC_ZONE) == whole
    day = report_period.parse_period({"from": "", "to": "2026-01-09"}, NOW, UTC_ZONE)
    assert (str(day.first_date), str(day.last_date), day.step) == ("2026-01-09", "2026-01-09", "hour")
    usual = report_period.parse_period({}, NOW, UTC_ZONE)
    for query in ({"from": "2026-02-31"}, {"from": "x", "to": "2026-01-09"}, {"period": "2026-01-05"}):
        assert report_period.parse_period(query, NOW, UTC_ZONE) == usual


def test_steps_follow_the_length() -> None:
    """Two days go by hour, a year by day, and more by month."""
    values = ("2026-01-05..2026-01-06", "2026-01-05..2026-01-07", "2025-01-01..2025-12-31", "2020-01-01..2025-12-31")
    steps = [report_period.parse_period({"period": value}, NOW, UTC_ZONE).step for value in values]
    assert steps == ["hour", "day", "day", "month"]


def test_a_campaign_s_life_goes_by_hour_at_first() -> None:
    """From the hour it was sent in: for two days in hours, and then in days up to today."""
    hour = NOW // 3_600_000_000
    young = report_period.make_campaign_period(hour - 5, NOW, UTC_ZONE)
    assert (young.first, young.last, young.step) == (hour - 5, hour + 1, "hour")
    old = report_period.make_campaign_period(hour - 24 * 10, NOW, UTC_ZONE)
    assert (str(old.first_date), str(old.last_date), old.step) == ("2026-02-19", "2026-03-01", "day")

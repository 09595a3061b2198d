"""Tests of linkweir.stats.periods: calendars of time zones in whole hours."""

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir.errors import ValidationError
from linkweir.stats.periods import HOUR_SECONDS, PERIOD_UNITS, PeriodUnit, iter_periods, parse_time_zone

ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu"),
    *("America/Sao_Paulo", "Asia/Beirut", "America/Havana", "Pacific/Apia", "Africa/Cairo", "America/St_Johns"),
)


def parse_hour(text: str) -> int:
    """The hour that begins at this time of UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // HOUR_SECONDS


@given(
    zone=st.sampled_from(ZONES),
    group=st.sampled_from(PERIOD_UNITS),
    first=st.integers(0, 600_000),
    length=st.integers(1, 24 * 400),
)
def test_periods_cover_the_time_once(zone: str, group: PeriodUnit, first: int, length: int) -> None:
    """One period begins where the last one ended, none is empty, and together they are the time asked for."""
    result = list(itertools.islice(iter_periods(first, first + length, group, ZoneInfo(zone)), 10_000))
    assert result[0][0] == first
    assert result[-1][1] == first + length
    assert all(one[1] == two[0] for one, two in itertools.pairwise(result))
    assert all(start < end for start, end in result)


@given(zone=st.sampled_from(ZONES), first=st.integers(0, 600_000))
def test_each_hour_of_a_day_has_its_date(zone: str, first: int) -> None:
    """Every hour that begins inside a period of a day begins on the same local date, and the next one on another."""
    place = ZoneInfo(zone)
    for start, end in itertools.islice(iter_periods(first, first + 24 * 8, "day", place), 1, 6):
        dates = {datetime.fromtimestamp(at * HOUR_SECONDS, place).date() for at in range(start, end)}
        assert len(dates) == 1
        assert datetime.fromtimestamp(end * HOUR_SECONDS, place).date() not in dates


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", "2026-03-28T23:00", 23),
        ("Europe/Berlin", "2026-10-24T22:00", 25),
        ("Europe/Berlin", "2026-06-01T22:00", 24),
        ("America/New_York", "2026-11-01T04:00", 25),
        ("Asia/Beirut", "2026-03-28T22:00", 23),  # clocks skip midnight itself
        ("America/Sao_Paulo", "2018-11-04T03:00", 23),
    ],
)
def test_days_of_23_and_25_hours(zone: str, day: str, length: int) -> None:
    """The day on which clocks are put on has 23 hours, the one on which they are put back has 25."""
    start = parse_hour(day)
    assert next(iter_periods(start, start + 100, "day", ZoneInfo(zone))) == (start, start + length)


def test_zones_that_are_half_an_hour_off() -> None:
    """In Kolkata midnight is 18:30 of UTC: the first whole hour after it begins the day."""
    first, second = itertools.islice(
        iter_periods(parse_hour("2026-01-01T19:00"), 10**6, "day", ZoneInfo("Asia/Kolkata")), 2
    )
    assert first == (parse_hour("2026-01-01T19:00"), parse_hour("2026-01-02T19:00"))
    assert second[1] == parse_hour("2026-01-03T19:00")


def test_a_day_that_begins_twice() -> None:
    """In Newfoundland clocks went back at 00:01 on 1 November 2009: day and month begin once, when it is that day to
    stay.
    """
    zone, start = ZoneInfo("America/St_Johns"), parse_hour("2009-10-31T03:00")
    assert list(iter_periods(start, start + 49, "day", zone)) == [(start, start + 25), (start + 25, start + 49)]
    assert list(iter_periods(start, start + 49, "month", zone)) == [(start, start + 25), (start + 25, start + 49)]


def test_weeks_and_months() -> None:
    """Weeks begin on Monday, months on the first, by the clocks of the zone."""
    berlin = ZoneInfo("Europe/Berlin")
    weeks = [
        start
        for start, _ in iter_periods(parse_hour("2026-03-25T00:00"), parse_hour("2026-04-08T00:00"), "week", berlin)
    ]
    assert weeks[1:] == [parse_hour("2026-03-29T22:00"), parse_hour("2026-04-05T22:00")]
    months = [
        start
        for start, _ in iter_periods(parse_hour("2026-01-15T00:00"), parse_hour("2026-04-15T00:00"), "month", berlin)
    ]
    assert months[1:] == [
        parse_hour("2026-01-31T23:00"),
        parse_hour("2026-02-28T23:00"),
        parse_hour("2026-03-31T22:00"),
    ]


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe", "a\0b", "x" * 5000])
def test_names_of_no_zone(name: str) -> None:
    """What is not the name of a time zone is refused, whatever it would mean as a path."""
    with pytest.raises(ValidationError, match="time_zone"):
        parse_time_zone(name)

"""Tests of the time that a page looks at."""

from datetime import UTC, datetime

import pytest

from linkweir.edge.dashboard import period

NOW = int(datetime(2026, 3, 1, 13, 45, tzinfo=UTC).timestamp()) * 1_000_000


def test_days_end_with_today() -> None:
    """Thirty days are whole days of UTC and end with the one that is going on."""
    found = period.of("30", NOW)
    assert found.last - found.first == 30 * 24
    assert datetime.fromtimestamp(found.last * 3600, UTC) == datetime(2026, 3, 2, tzinfo=UTC)
    assert found.label({"first": found.first}) == "31 Jan"


def test_a_day_ends_with_this_hour() -> None:
    """Twenty-four hours end with the hour that is going on, in steps of an hour."""
    found = period.of("1", NOW)
    assert (found.last - found.first, found.step) == (24, "hour")
    assert found.label({"first": found.last - 1}) == "13:00"


@pytest.mark.parametrize("text", ["", "0", "-7", "1000000000", "x", "30 ", "٣٠"])
def test_anything_else_is_the_usual_time(text: str) -> None:
    """What no link of a page asks for is the usual period, not an error and not an endless one."""
    assert period.of(text, NOW) == period.of("30", NOW)

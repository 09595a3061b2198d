"""Microseconds since 1970 and their texts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir.clock import DAY_US, HOUR_US, SECOND_US, format_minute, from_datetime, now, rfc3339, to_datetime

TIMES = st.integers(-62_135_596_800 * SECOND_US, 253_402_300_799 * SECOND_US)  # the years 1 to 9999


@given(TIMES)
def test_a_time_survives_the_way_to_text_and_back(at: int) -> None:
    """RFC 3339 with six digits, read again, is the same microsecond, before 1970 too."""
    text = rfc3339(at)
    assert len(text) == len("2026-01-31T10:00:00.000000Z")
    assert from_datetime(datetime.fromisoformat(text)) == at == from_datetime(to_datetime(at))


def test_texts() -> None:
    """Whole seconds keep their six zeros unless seconds are asked for, and no time has no text."""
    at = 1_769_853_600 * SECOND_US + 999_999
    assert rfc3339(at) == "2026-01-31T10:00:00.999999Z"
    assert rfc3339(at - 999_999) == "2026-01-31T10:00:00.000000Z"
    assert rfc3339(at, "seconds") == "2026-01-31T10:00:00Z"
    assert rfc3339(None) is None
    assert format_minute(at) == "2026-01-31 10:00 UTC"


def test_other_time_zones_are_the_same_moment() -> None:
    """A time with an offset is the moment it names."""
    assert from_datetime(datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=-1)))) == 2 * HOUR_US


def test_now_is_the_time_of_the_system() -> None:
    """The current time is within a day of what the standard library says."""
    assert now() == pytest.approx(datetime.now(UTC).timestamp() * SECOND_US, abs=DAY_US)

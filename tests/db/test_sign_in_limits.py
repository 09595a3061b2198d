"""Tests of limits on failed attempts, and of the places that users have signed in from."""

import os
import uuid

from sqlalchemy import func, select

from linkweir.db import accounts_table, sign_in_limits_table, users_table
from linkweir.db.schema import sign_in_limits, sign_in_networks
from linkweir.db.sign_in_limits_table import SignInLimit
from tests.db.sample_database import SampleDatabase

NOW_US, MINUTE_US = 1_790_000_000_000_000, 60_000_000
FIRST_LIMIT = SignInLimit(b"1" * 32, MINUTE_US, 3)
SECOND_LIMIT = SignInLimit(b"2" * 32, MINUTE_US, 3)


def test_a_limit_fills_and_empties(sample: SampleDatabase) -> None:
    """Three at once, then one each minute; after three minutes all is forgotten, and so is the row."""
    with sample.database.write() as connection:
        for _ in range(3):
            assert sign_in_limits_table.get_wait(connection, [FIRST_LIMIT], NOW_US) == 0
            sign_in_limits_table.consume(connection, [FIRST_LIMIT], NOW_US)
        assert sign_in_limits_table.get_wait(connection, [FIRST_LIMIT], NOW_US) == MINUTE_US
        assert sign_in_limits_table.get_wait(connection, [FIRST_LIMIT], NOW_US + MINUTE_US - 1) == 1
        assert sign_in_limits_table.get_wait(connection, [FIRST_LIMIT], NOW_US + MINUTE_US) == 0
        assert sign_in_limits_table.get_wait(connection, [SECOND_LIMIT], NOW_US) == 0
        assert sign_in_limits_table.get_wait(connection, [FIRST_LIMIT, SECOND_LIMIT], NOW_US) == MINUTE_US
        sign_in_limits_table.consume(connection, [SECOND_LIMIT], NOW_US + 3 * MINUTE_US)
        assert connection.scalars(select(sign_in_limits.c.key)).all() == [SECOND_LIMIT.key]


def test_what_is_given_back_does_not_count(sample: SampleDatabase) -> None:
    """A good attempt between failures leaves the failures as they are."""
    with sample.database.write() as connection:
        for good in (False, False, True, True, False):
            assert sign_in_limits_table.get_wait(connection, [FIRST_LIMIT], NOW_US) == 0
            sign_in_limits_table.consume(connection, [FIRST_LIMIT], NOW_US)
            if good:
                sign_in_limits_table.refund(connection, [FIRST_LIMIT])
        assert sign_in_limits_table.get_wait(connection, [FIRST_LIMIT], NOW_US) == MINUTE_US
        sign_in_limits_table.reset(connection, FIRST_LIMIT.key)
        assert sign_in_limits_table.get_wait(connection, [FIRST_LIMIT], NOW_US) == 0


def test_a_clock_that_was_set_back_locks_nobody_out(sample: SampleDatabase) -> None:
    """A day back, the wait is one interval and no day."""
    with sample.database.write() as connection:
        for _ in range(3):
            sign_in_limits_table.consume(connection, [FIRST_LIMIT], NOW_US)
        assert sign_in_limits_table.get_wait(connection, [FIRST_LIMIT], NOW_US - 1440 * MINUTE_US) == MINUTE_US


def test_limits_do_not_fill_the_disk(sample: SampleDatabase) -> None:
    """However many networks fail, a bounded number of rows is kept: those with the most failures."""
    with sample.database.write() as connection:
        for _ in range(2):
            sign_in_limits_table.consume(connection, [FIRST_LIMIT], NOW_US)
        rows = [
            {"key": os.urandom(32), "free_at": NOW_US + MINUTE_US} for _ in range(sign_in_limits_table.MAX_LIMITS + 50)
        ]
        connection.execute(sign_in_limits.insert(), rows)
        sign_in_limits_table.consume(connection, [SECOND_LIMIT], NOW_US)
        assert connection.scalar(select(func.count()).select_from(sign_in_limits)) == sign_in_limits_table.MAX_LIMITS
        assert (
            sign_in_limits_table.get_wait(connection, [SignInLimit(FIRST_LIMIT.key, MINUTE_US, 2)], NOW_US) == MINUTE_US
        )


def test_the_latest_networks_are_remembered_for_a_while(sample: SampleDatabase) -> None:
    """A place is known for its user and nobody else, the latest twenty are kept, each for ninety days, and they go with
    the user.
    """
    account, places = uuid.uuid4(), [bytes([number]) * 32 for number in range(25)]
    with sample.database.write() as connection:
        accounts_table.create(connection, account, "x", NOW_US)
        ada = users_table.add(connection, account, "ada@example.com", "x", NOW_US)
        users_table.add(connection, account, "ben@example.com", "x", NOW_US)
        for minute, place in enumerate([*places, places[10]]):
            sign_in_limits_table.remember_network(connection, ada, place, NOW_US + minute * MINUTE_US)
        late = NOW_US + 30 * MINUTE_US
        known = [
            sign_in_limits_table.has_signed_in_from(connection, "ada@example.com", place, late) for place in places
        ]
        assert known == [False] * 5 + [True] * 20
        assert not sign_in_limits_table.has_signed_in_from(connection, "ben@example.com", places[10], late)
        assert not sign_in_limits_table.has_signed_in_from(
            connection, "ada@example.com", places[10], late + sign_in_limits_table.NETWORK_RETENTION_US
        )
        users_table.remove(connection, ada)
        assert connection.scalar(select(func.count()).select_from(sign_in_networks)) == 0

"""Tests of limits on failed attempts, and of the places that users have signed in from."""

import os
import uuid

from sqlalchemy import func, select

from linkweir.store import accounts, sign_ins, users
from linkweir.store.sign_ins import Limit
from linkweir.store.tables import sign_in_limits, sign_in_places
from tests.store.filled import Filled

NOW, MINUTE = 1_790_000_000_000_000, 60_000_000
ONE = Limit(b"1" * 32, MINUTE, 3)
OTHER = Limit(b"2" * 32, MINUTE, 3)


def test_a_limit_fills_and_empties(filled: Filled) -> None:
    """Three at once, then one each minute; after three minutes all is forgotten, and so is the row."""
    with filled.store.write() as connection:
        for _ in range(3):
            assert sign_ins.wait(connection, [ONE], NOW) == 0
            sign_ins.spend(connection, [ONE], NOW)
        assert sign_ins.wait(connection, [ONE], NOW) == MINUTE
        assert sign_ins.wait(connection, [ONE], NOW + MINUTE - 1) == 1
        assert sign_ins.wait(connection, [ONE], NOW + MINUTE) == 0
        assert sign_ins.wait(connection, [OTHER], NOW) == 0
        assert sign_ins.wait(connection, [ONE, OTHER], NOW) == MINUTE
        sign_ins.spend(connection, [OTHER], NOW + 3 * MINUTE)
        assert connection.scalars(select(sign_in_limits.c.key)).all() == [OTHER.key]


def test_what_is_given_back_does_not_count(filled: Filled) -> None:
    """A good attempt between failures leaves the failures as they are."""
    with filled.store.write() as connection:
        for good in (False, False, True, True, False):
            assert sign_ins.wait(connection, [ONE], NOW) == 0
            sign_ins.spend(connection, [ONE], NOW)
            if good:
                sign_ins.give_back(connection, [ONE])
        assert sign_ins.wait(connection, [ONE], NOW) == MINUTE
        sign_ins.lift(connection, ONE.key)
        assert sign_ins.wait(connection, [ONE], NOW) == 0


def test_a_clock_that_was_set_back_locks_nobody_out(filled: Filled) -> None:
    """A day back, the wait is one interval and no day."""
    with filled.store.write() as connection:
        for _ in range(3):
            sign_ins.spend(connection, [ONE], NOW)
        assert sign_ins.wait(connection, [ONE], NOW - 1440 * MINUTE) == MINUTE


def test_limits_do_not_fill_the_disk(filled: Filled) -> None:
    """However many networks fail, a bounded number of rows is kept: those with the most failures."""
    with filled.store.write() as connection:
        for _ in range(2):
            sign_ins.spend(connection, [ONE], NOW)
        rows = [{"key": os.urandom(32), "free_at": NOW + MINUTE} for _ in range(sign_ins.KEPT + 50)]
        connection.execute(sign_in_limits.insert(), rows)
        sign_ins.spend(connection, [OTHER], NOW)
        assert connection.scalar(select(func.count()).select_from(sign_in_limits)) == sign_ins.KEPT
        assert sign_ins.wait(connection, [Limit(ONE.key, MINUTE, 2)], NOW) == MINUTE


def test_the_latest_places_are_known_for_a_while(filled: Filled) -> None:
    """A place is known for its user and nobody else, the latest twenty are kept, each for ninety days, and they go with
    the user.
    """
    account, places = uuid.uuid4(), [bytes([number]) * 32 for number in range(25)]
    with filled.store.write() as connection:
        accounts.create(connection, account, "x", NOW)
        ada = users.add(connection, account, "ada@example.com", "x", NOW)
        users.add(connection, account, "ben@example.com", "x", NOW)
        for minute, place in enumerate([*places, places[10]]):
            sign_ins.remember(connection, ada, place, NOW + minute * MINUTE)
        late = NOW + 30 * MINUTE
        known = [sign_ins.is_known(connection, "ada@example.com", place, late) for place in places]
        assert known == [False] * 5 + [True] * 20
        assert not sign_ins.is_known(connection, "ben@example.com", places[10], late)
        assert not sign_ins.is_known(connection, "ada@example.com", places[10], late + sign_ins.FORGOTTEN)
        users.remove(connection, ada)
        assert connection.scalar(select(func.count()).select_from(sign_in_places)) == 0

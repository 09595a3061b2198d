"""Tests of linkweir.db.idempotency_table."""

import threading
from typing import Any

import pytest

from linkweir.db import idempotency_table
from linkweir.db.database import WriteMode
from tests.db.sample_database import FOREVER_US, NOW_US, SampleDatabase

FINGERPRINT = b"p" * 32


def test_the_first_request_begins_and_later_ones_find_it(sample: SampleDatabase) -> None:
    """While it runs its status is 0, then its answer; another account's request with the same key is another one."""
    with sample.database.write() as connection:
        begin: dict[str, Any] = {"fingerprint": FINGERPRINT, "now": NOW_US, "until": NOW_US + 60}
        assert idempotency_table.start(connection, sample.account, "k", **begin) is None
        running = idempotency_table.start(connection, sample.account, "k", **begin)
        assert running is not None
        assert running["status"] == 0
        assert idempotency_table.start(connection, sample.other_account, "k", **begin) is None
        assert idempotency_table.complete(
            connection, sample.account, "k", begun_at=NOW_US, status=202, body=b"x", expires_at=FOREVER_US
        )
        done = idempotency_table.start(connection, sample.account, "k", **begin)
        assert done is not None
        assert (done["status"], done["body"], done["fingerprint"]) == (202, b"x", FINGERPRINT)


def test_an_answer_is_written_once(sample: SampleDatabase) -> None:
    """What has its answer is neither changed nor forgotten by who comes late."""
    with sample.database.write() as connection:
        idempotency_table.start(connection, sample.account, "k", fingerprint=FINGERPRINT, now=NOW_US, until=NOW_US + 60)
        late: dict[str, Any] = {"status": 202, "body": b"y", "expires_at": FOREVER_US}
        assert not idempotency_table.complete(connection, sample.account, "k", begun_at=NOW_US - 1, **late)
        assert idempotency_table.complete(connection, sample.account, "k", begun_at=NOW_US, **{**late, "body": b"x"})
        assert not idempotency_table.complete(connection, sample.account, "k", begun_at=NOW_US, **late)
        idempotency_table.discard(connection, sample.account, "k", NOW_US)
        result = idempotency_table.start(
            connection, sample.account, "k", fingerprint=FINGERPRINT, now=NOW_US, until=NOW_US
        )
        assert result is not None
        assert result["body"] == b"x"


@pytest.mark.parametrize("limit", [1, 10])
def test_what_expired_is_removed_some_at_a_time(sample: SampleDatabase, limit: int) -> None:
    """Only what is over goes, and no more of it than one turn may take."""
    with sample.database.write() as connection:
        for key, until in (("a", NOW_US + 5), ("b", NOW_US + 5), ("c", FOREVER_US)):
            idempotency_table.start(connection, sample.account, key, fingerprint=FINGERPRINT, now=NOW_US, until=until)
        assert idempotency_table.delete_expired(connection, NOW_US + 4, limit) == 0
        assert idempotency_table.delete_expired(connection, NOW_US + 5, limit) == min(limit, 2)
        assert (
            idempotency_table.start(
                connection, sample.account, "c", fingerprint=FINGERPRINT, now=NOW_US, until=FOREVER_US
            )
            is not None
        )


def test_of_requests_at_the_same_moment_one_begins(sample: SampleDatabase) -> None:
    """Of several requests with one key, in transactions of their own, one is carried out and the others find it."""
    answers: list[bool] = []

    def start() -> None:
        with sample.database.write(WriteMode.CONCURRENT) as connection:
            begin: dict[str, Any] = {"fingerprint": FINGERPRINT, "now": NOW_US, "until": NOW_US + 60}
            answers.append(idempotency_table.start(connection, sample.account, "same", **begin) is None)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]

"""Tests of linkweir.store.replies."""

from typing import Any

import pytest

from linkweir.store import replies
from tests.store.filled import FOREVER, NOW, Filled

PRINT = b"p" * 32


def test_the_first_request_begins_and_later_ones_find_it(filled: Filled) -> None:
    """While it runs its status is 0, then its answer; another account's request with the same key is another one."""
    with filled.store.write() as connection:
        begin: dict[str, Any] = {"fingerprint": PRINT, "now": NOW, "until": NOW + 60}
        assert replies.begin(connection, filled.account, "k", **begin) is None
        running = replies.begin(connection, filled.account, "k", **begin)
        assert running is not None
        assert running["status"] == 0
        assert replies.begin(connection, filled.other, "k", **begin) is None
        assert replies.finish(connection, filled.account, "k", begun_at=NOW, status=202, body=b"x", expires_at=FOREVER)
        done = replies.begin(connection, filled.account, "k", **begin)
        assert done is not None
        assert (done["status"], done["body"], done["fingerprint"]) == (202, b"x", PRINT)


def test_an_answer_is_written_once(filled: Filled) -> None:
    """What has its answer is neither changed nor forgotten by who comes late."""
    with filled.store.write() as connection:
        replies.begin(connection, filled.account, "k", fingerprint=PRINT, now=NOW, until=NOW + 60)
        late: dict[str, Any] = {"status": 202, "body": b"y", "expires_at": FOREVER}
        assert not replies.finish(connection, filled.account, "k", begun_at=NOW - 1, **late)
        assert replies.finish(connection, filled.account, "k", begun_at=NOW, **{**late, "body": b"x"})
        assert not replies.finish(connection, filled.account, "k", begun_at=NOW, **late)
        replies.forget(connection, filled.account, "k", NOW)
        found = replies.begin(connection, filled.account, "k", fingerprint=PRINT, now=NOW, until=NOW)
        assert found is not None
        assert found["body"] == b"x"


@pytest.mark.parametrize("limit", [1, 10])
def test_what_expired_is_removed_some_at_a_time(filled: Filled, limit: int) -> None:
    """Only what is over goes, and no more of it than one turn may take."""
    with filled.store.write() as connection:
        for key, until in (("a", NOW + 5), ("b", NOW + 5), ("c", FOREVER)):
            replies.begin(connection, filled.account, key, fingerprint=PRINT, now=NOW, until=until)
        assert replies.drop_expired(connection, NOW + 4, limit) == 0
        assert replies.drop_expired(connection, NOW + 5, limit) == min(limit, 2)
        assert replies.begin(connection, filled.account, "c", fingerprint=PRINT, now=NOW, until=NOW) is not None

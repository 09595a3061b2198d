"""Tests of linkweir.mail.retention."""

import io
from pathlib import Path

from sqlalchemy import delete

from linkweir.edge.logs import make_logger
from linkweir.mail.retention import sweep
from linkweir.store import tables as t
from tests.store.filled import NOW, Filled


def test_what_was_kept_long_enough_is_in_no_file(tmp_path: Path) -> None:
    """After a sweep neither the database's file nor its log holds the address or the mail of a message that has
    expired; those of the others are still there.
    """
    filled = Filled(tmp_path)
    filled.add(recipient="old@example.org", retain_until_at=NOW + 1, keep_until_at=NOW + 1, raw=b"old mail")
    filled.add(recipient="young@example.org", retain_until_at=NOW + 9, keep_until_at=NOW + 9, raw=b"young mail")
    with filled.store.write() as connection:
        connection.execute(delete(t.queue))
    sweep(filled.store, NOW + 5, make_logger("info", io.StringIO()))
    data = b"".join(path.read_bytes() for path in filled.store.path.parent.iterdir())
    assert [word in data for word in (b"old@example.org", b"old mail")] == [False, False]
    assert [word in data for word in (b"young@example.org", b"young mail")] == [True, True]

"""Tests of linkweir.mail.retention_job."""

import io
from pathlib import Path

import pytest
from sqlalchemy import delete

from linkweir.db import schema as t
from linkweir.db import verdict_memory_table
from linkweir.mail import retention_job
from linkweir.mail.retention_job import delete_expired
from linkweir.web.structured_logging import make_logger
from tests.db.sample_database import NOW_US, SampleDatabase


def test_expired_data_is_in_no_file(tmp_path: Path) -> None:
    """After a sweep neither the database's file nor its log holds the address or the mail of a message that has
    expired; those of the others are still there.
    """
    filled = SampleDatabase(tmp_path)
    filled.queue_message(
        recipient="old@example.org", retain_until_at=NOW_US + 1, keep_until_at=NOW_US + 1, raw=b"old mail"
    )
    filled.queue_message(
        recipient="young@example.org", retain_until_at=NOW_US + 9, keep_until_at=NOW_US + 9, raw=b"young mail"
    )
    with filled.database.write() as connection:
        connection.execute(delete(t.queue))
    delete_expired(filled.database, NOW_US + 5, make_logger("info", io.StringIO()))
    data = b"".join(path.read_bytes() for path in filled.database.folder.iterdir())
    assert [word in data for word in (b"old@example.org", b"old mail")] == [False, False]
    assert [word in data for word in (b"young@example.org", b"young mail")] == [True, True]


def test_hashes_expire_however_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows of the memory of verdicts that are due go in one run, a few in a transaction, and no other."""
    monkeypatch.setattr(retention_job, "BATCH_HASHES", 3)
    filled = SampleDatabase(tmp_path)
    with filled.database.write() as connection:
        rows = [(source, 1, 1, NOW_US, NOW_US + (5 if source < 10 else 6)) for source in range(12)]
        verdict_memory_table.store(connection, rows)
    delete_expired(filled.database, NOW_US + 5, make_logger("info", io.StringIO()))
    with filled.database.read() as connection:
        assert {source for source, *_ in verdict_memory_table.load(connection, range(12))} == {10, 11}


def test_what_an_interrupted_erasure_has_left_is_forgotten(tmp_path: Path) -> None:
    """Messages that an erasure has marked are deleted from the memory of verdicts, if not by it."""
    filled = SampleDatabase(tmp_path)
    with filled.database.write() as connection:
        verdict_memory_table.store(connection, [(1, message, 1, NOW_US, NOW_US + 9) for message in (7, 8)])
        verdict_memory_table.mark_messages(connection, [7], NOW_US, NOW_US + 9)
    delete_expired(filled.database, NOW_US + 5, make_logger("info", io.StringIO()))
    with filled.database.read() as connection:
        assert [message for _, message, *_ in verdict_memory_table.load(connection, [1, -1])] == [8]

"""Tests of linkweir.mail.retention_job."""

import io
from pathlib import Path

from sqlalchemy import delete

from linkweir.db import schema as t
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

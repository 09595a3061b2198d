"""Tests of linkweir.mail.mail_buffer: many large mails of one submission need little memory."""

import tracemalloc
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.accounts import account_lookup
from linkweir.db import accounts_table, contents_table
from linkweir.db.database import Database
from linkweir.errors import DatabaseUnavailable
from linkweir.html import Switches
from linkweir.mail import mail_buffer
from linkweir.mail.mail_buffer import MailBuffer
from linkweir.mail.raw_submission import RawMail
from linkweir.mail.submission import Submitter
from linkweir.web.structured_logging import make_logger
from tests.databases import make_database
from tests.tokens.keyring_factory import RING

MEGABYTE_BYTES = 1 << 20
PAGE = b'Content-Type: text/html\r\n\r\n<a href="https://example.com/">x</a>\r\n'


@pytest.fixture
def database(dialect: str, tmp_path: Path) -> Iterator[Database]:
    """A fresh database."""
    database = make_database(tmp_path)
    yield database
    database.close()


def test_mails_come_back_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no longer fits into memory is given back from the disk, in any order; the folder never shows a file."""
    monkeypatch.setattr(mail_buffer, "MAX_MEMORY_BYTES", 10)
    mails = [bytes([n]) * n for n in range(1, 30)]
    with MailBuffer(tmp_path) as open_stage:
        kept = [open_stage.add(mail) for mail in mails]
        assert open_stage.total_bytes == sum(map(len, mails))
        assert [item if isinstance(item, bytes) else item() for item in reversed(kept)] == mails[::-1]
        assert sum(isinstance(item, bytes) for item in kept) == 4
        assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file can be made nothing is accepted: DatabaseUnavailable."""
    monkeypatch.setattr(mail_buffer, "MAX_MEMORY_BYTES", 0)
    with MailBuffer(tmp_path / "nowhere") as open_stage, pytest.raises(DatabaseUnavailable):
        open_stage.add(b"x")


def test_fifty_large_mails_need_the_memory_of_a_few(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """One mail of a megabyte to fifty recipients, each with links of their own, never takes fifty megabytes."""
    monkeypatch.setattr(mail_buffer, "MAX_MEMORY_BYTES", 4 * MEGABYTE_BYTES)
    account = uuid.uuid4()
    with database.write() as connection:
        accounts_table.create(connection, account, "x", 1)
        accounts_table.update_row(connection, account, {"track_clicks": True}, 1)
    with database.read() as connection:
        who = account_lookup.load_account(connection, account)
    submitter = Submitter(database, "https://t.example.com/", Switches(), "sealed", make_logger("error"))
    mail = b"From: a@example.com\r\n" + PAGE + (b"x" * 998 + b"\r\n") * (MEGABYTE_BYTES // 1000)
    people = tuple(f"r{n}@example.org" for n in range(50))
    tracemalloc.start()
    try:
        created = submitter.submit_raw(RING, lambda _: who, RawMail("a@example.com", people, mail, "smtp"), 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * MEGABYTE_BYTES
    with database.read() as connection:
        result = [contents_table.get(connection, key) or b"" for key in created]
    assert len(set(result)) == 50
    assert all(item.endswith(mail[-MEGABYTE_BYTES // 2 :]) for item in result)

"""Tests of linkweir.mail.stage: many large mails of one submission need little memory."""

import tracemalloc
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.edge.logs import make_logger
from linkweir.errors import StoreUnavailable
from linkweir.html import Switches
from linkweir.mail import lookup, stage
from linkweir.mail.raw import RawMail
from linkweir.mail.stage import Stage
from linkweir.mail.submit import Submitter
from linkweir.store import accounts, messages
from linkweir.store.engine import Store
from linkweir.store.migrate import migrate
from tests.token.rings import RING

MEGABYTE = 1 << 20
PAGE = b'Content-Type: text/html\r\n\r\n<a href="https://example.com/">x</a>\r\n'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh store."""
    made = Store(tmp_path / "linkweir.db", wait=5)
    migrate(made)
    yield made
    made.close()


def test_mails_come_back_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no longer fits into memory is given back from the disk, in any order; the folder never shows a file."""
    monkeypatch.setattr(stage, "IN_MEMORY", 10)
    mails = [bytes([n]) * n for n in range(1, 30)]
    with Stage(tmp_path) as open_stage:
        kept = [open_stage.put(mail) for mail in mails]
        assert open_stage.size == sum(map(len, mails))
        assert [one if isinstance(one, bytes) else one() for one in reversed(kept)] == mails[::-1]
        assert sum(isinstance(one, bytes) for one in kept) == 4
        assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file can be made nothing is accepted: StoreUnavailable."""
    monkeypatch.setattr(stage, "IN_MEMORY", 0)
    with Stage(tmp_path / "nowhere") as open_stage, pytest.raises(StoreUnavailable):
        open_stage.put(b"x")


def test_fifty_large_mails_need_the_memory_of_a_few(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """One mail of a megabyte to fifty recipients, each with links of their own, never takes fifty megabytes."""
    monkeypatch.setattr(stage, "IN_MEMORY", 4 * MEGABYTE)
    account = uuid.uuid4()
    with store.write() as connection:
        accounts.create(connection, account, "x", 1)
        accounts.change(connection, account, {"track_clicks": True}, 1)
    with store.read() as connection:
        who = lookup.load_account(connection, account)
    submitter = Submitter(store, "https://t.example.com/", Switches(), "sealed", make_logger("error"))
    mail = b"From: a@example.com\r\n" + PAGE + (b"x" * 998 + b"\r\n") * (MEGABYTE // 1000)
    people = tuple(f"r{n}@example.org" for n in range(50))
    tracemalloc.start()
    try:
        made = submitter.submit_raw(RING, who, RawMail("a@example.com", people, mail, "smtp"), 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * MEGABYTE
    with store.read() as connection:
        found = [messages.content(connection, key) or b"" for key in made]
    assert len(set(found)) == 50
    assert all(one.endswith(mail[-MEGABYTE // 2 :]) for one in found)

"""Tests of linkweir.mail.transport.maildir: mails are whole or absent, and those of erased people leave the outbox."""

import asyncio
import uuid
from pathlib import Path

import pytest

from linkweir.errors import TemporaryDeliveryError
from linkweir.mail.transport import OutgoingMail
from linkweir.mail.transport.maildir import MaildirTransport, delete_messages
from tests.mail.delivery_harness import make_mail


def test_only_the_mails_of_these_messages_go(tmp_path: Path) -> None:
    """Unread and read mails of a message go, also under a name that flags were added to; others and strangers stay."""
    outbox = MaildirTransport(tmp_path / "outbox")
    ours, other = uuid.uuid4(), uuid.uuid4()
    for key in (ours, other):
        mail = OutgoingMail(key, 1_000_000, "a@example.com", "b@example.org", b"Subject: x\r\n\r\nsecret")
        asyncio.run(outbox.deliver(mail))
    folder = tmp_path / "outbox"
    (folder / "cur" / f"1.{ours.hex}.linkweir:2,S").write_bytes(b"secret")
    (folder / "cur" / "123.somebody.else:2,").write_bytes(b"x")
    kept = folder / "kept"
    kept.hardlink_to(folder / "new" / f"1.{ours.hex}.linkweir")
    assert delete_messages(folder, [ours]) == 2
    assert sorted(path.name for path in folder.glob("*/*")) == [f"1.{other.hex}.linkweir", "123.somebody.else:2,"]
    assert set(kept.read_bytes()) == {0}  # the bytes are overwritten, not only their name gone
    assert (
        delete_messages(folder, [ours])
        == delete_messages(folder, [])
        == delete_messages(tmp_path / "none", [other])
        == 0
    )


def test_a_maildir_holds_whole_mails_only(tmp_path: Path) -> None:
    """A mail appears in `new` under a name from its id, byte for byte, and `tmp` is empty afterwards."""
    maildir, key = MaildirTransport(tmp_path / "box"), uuid.uuid4()
    name = asyncio.run(maildir.deliver(make_mail(key, b"a\r\nb\x00")))
    assert (tmp_path / "box" / "new" / name).read_bytes() == b"a\r\nb\x00"
    assert list((tmp_path / "box" / "tmp").iterdir()) == []
    assert (tmp_path / "box" / "cur").is_dir()
    assert name == f"5.{key.hex}.linkweir"


def test_delivering_again_makes_no_second_copy(tmp_path: Path) -> None:
    """A delivery repeated after a crash finds the first one."""
    maildir, key = MaildirTransport(tmp_path), uuid.uuid4()
    asyncio.run(maildir.deliver(make_mail(key, b"x")))
    asyncio.run(maildir.deliver(make_mail(key, b"x")))
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_maildir_that_cannot_be_written_defers(tmp_path: Path) -> None:
    """A full or missing disk is a failed delivery, not a crash."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TemporaryDeliveryError, match="Maildir"):
        asyncio.run(MaildirTransport(tmp_path / "file" / "box").deliver(make_mail(uuid.uuid4(), b"x")))

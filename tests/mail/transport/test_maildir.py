"""Tests of linkweir.mail.transport.maildir: mails of erased people leave the outbox."""

import asyncio
import uuid
from pathlib import Path

from linkweir.mail.transport.base import OutgoingMail
from linkweir.mail.transport.maildir import MaildirTransport, delete_messages


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

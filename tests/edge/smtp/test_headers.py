"""Mails whose headers readers find differently, from a sender's program to the outbox."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.serving import wait_until
from tests.edge.smtp.submitting import Submission
from tests.mail.readers import READERS

pytestmark = pytest.mark.external


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submission]:
    """One service for this file."""
    with Submission(tmp_path_factory.mktemp("smtp") / "data") as service:
        yield service


@pytest.mark.parametrize("name", ["bcc-obsolete-colon", "bcc-after-unfolded-subject", "bom-smtp"])
def test_a_hidden_header_reaches_nobody(served: Submission, shared: Path, name: str) -> None:
    """The mail is taken, its link is tracked, and no reader finds Bcc or ahasend-* in what lies in the outbox."""
    raw = (shared / "cases" / f"{name}.eml").read_bytes()
    box = served.settings.maildir_path / "new"
    before = set(box.glob("*"))
    with served.connect() as client:
        client.sendmail("a@example.com", ["reader@example.org"], raw)
    wait_until(lambda: set(box.glob("*")) - before)
    (path,) = set(box.glob("*")) - before
    done = path.read_bytes()
    assert served.settings.base_url.encode() in done
    names = {found for reader in READERS for found, _ in reader(done)}
    assert not [found for found in names if found.startswith(("bcc", "ahasend-"))]
    assert b"secret" not in done


def test_what_cannot_be_removed_for_all_is_refused(served: Submission) -> None:
    """A Bcc that was wrapped without an indent is answered 554 5.6.0 with the line that is wrong."""
    raw = b"From: a@example.com\r\nBcc: b@example.net,\r\nsecret@example.net\r\nSubject: x\r\n\r\nx\r\n"
    with served.connect() as client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("a@example.com", ["reader@example.org"], raw)
    answer = str(refused.value)
    assert answer.startswith("(554, b'5.6.0 the header block has a line that is no header beside bcc in line 2")
    assert "secret" not in answer

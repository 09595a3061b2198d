"""Mails whose headers readers find differently, from a sender's program to the outbox."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mail.header_readers import READERS
from tests.smtp.submission_service import SubmissionService
from tests.web.running_service import wait_until

pytestmark = pytest.mark.external


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """One service for this file."""
    with SubmissionService(tmp_path_factory.mktemp("smtp") / "data") as service:
        yield service


@pytest.mark.parametrize("name", ["bcc-obsolete-colon", "bcc-after-unfolded-subject", "bom-smtp"])
def test_a_hidden_header_reaches_nobody(service: SubmissionService, shared_folder: Path, name: str) -> None:
    """The mail is taken, its link is tracked, and no reader finds Bcc or ahasend-* in what lies in the outbox."""
    raw = (shared_folder / "cases" / f"{name}.eml").read_bytes()
    box = service.settings.maildir_path / "new"
    before = set(box.glob("*"))
    with service.connect() as client:
        client.sendmail("a@example.com", ["reader@example.org"], raw)
    wait_until(lambda: set(box.glob("*")) - before)
    (path,) = set(box.glob("*")) - before
    done = path.read_bytes()
    assert service.settings.base_url.encode() in done
    names = {found for reader in READERS for found, _ in reader(done)}
    assert not [found for found in names if found.startswith(("bcc", "ahasend-"))]
    assert b"secret" not in done


def test_what_cannot_be_removed_for_all_is_refused(service: SubmissionService) -> None:
    """A Bcc that was wrapped without an indent is answered 554 5.6.0 with the line that is wrong."""
    raw = b"From: a@example.com\r\nBcc: b@example.net,\r\nsecret@example.net\r\nSubject: x\r\n\r\nx\r\n"
    with service.connect() as client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("a@example.com", ["reader@example.org"], raw)
    answer = str(refused.value)
    assert answer.startswith("(554, b'5.6.0 the header block has a line that is no header beside bcc in line 2")
    assert "secret" not in answer

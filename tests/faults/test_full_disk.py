"""A full disk: what cannot be written is deferred or refused, and nothing half-written is left."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.errors import TemporaryDeliveryError
from linkweir.mail.transport.maildir import MaildirTransport
from tests.conftest import skip_or_fail
from tests.mail.delivery_harness import make_outgoing_mail
from tests.web.running_service import RunningService, make_request


@contextlib.contextmanager
def mount(path: Path, size: str) -> Iterator[Path]:
    """A file system of its own, while the block lasts."""
    mount = shutil.which("mount")
    path.mkdir()
    if mount is None or os.geteuid() != 0:
        skip_or_fail("mounting a small file system needs root")
    command = [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    if subprocess.run(command, check=False, capture_output=True).returncode:  # noqa: S603 - the system's own
        pytest.skip("this machine does not allow mounting")
    try:
        yield path
    finally:
        subprocess.run(["/usr/bin/umount", "-l", str(path)], check=False)  # noqa: S603 - the system's own


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    with mount(tmp_path / "disk", "2m") as place:
        yield place


def test_a_maildir_on_a_full_disk_defers(small_disk: Path) -> None:
    """A mail that does not fit is deferred and leaves nothing; a smaller one is delivered."""
    maildir = MaildirTransport(small_disk / "box")
    with pytest.raises(TemporaryDeliveryError, match="space"):
        asyncio.run(maildir.deliver(make_outgoing_mail(b"x" * 3_000_000)))
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    asyncio.run(maildir.deliver(make_outgoing_mail(b"x")))


def test_a_full_database_refuses(small_disk: Path, tmp_path: Path) -> None:
    """With no room for the database nothing is accepted (503), and what was accepted is all there."""
    with RunningService(small_disk / "data", maildir=tmp_path / "box", spool=tmp_path / "spool") as service:
        answers = [service.post_message(make_request(html_content="x" * 300_000)).status_code for _ in range(8)]
        assert 503 in answers
        accepted = answers.count(202)
        shown = service.client.get(f"{service.account_path}/messages").json()["data"]
        assert len(shown) == accepted

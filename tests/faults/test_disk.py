"""A full disk: what cannot be written is deferred or refused, and nothing half-written is left."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.errors import DeliveryFailed
from linkweir.mail.transport.maildir import Maildir
from tests.conftest import missing
from tests.edge.serving import Served, request
from tests.mail.test_deliver import mail_to_send


@contextlib.contextmanager
def mounted(place: Path, size: str) -> Iterator[Path]:
    """A file system of its own, while the block lasts."""
    mount = shutil.which("mount")
    place.mkdir()
    if mount is None or os.geteuid() != 0:
        missing("mounting a small file system needs root")
    command = [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:  # noqa: S603 - the system's own
        pytest.skip("this machine does not allow mounting")
    yield place
    subprocess.run(["/usr/bin/umount", "-l", str(place)], check=False)  # noqa: S603 - the system's own


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    with mounted(tmp_path / "disk", "2m") as place:
        yield place


def test_a_maildir_on_a_full_disk_defers(small_disk: Path) -> None:
    """A mail that does not fit is deferred and leaves nothing; a smaller one is delivered."""
    maildir = Maildir(small_disk / "box")
    with pytest.raises(DeliveryFailed, match="space"):
        asyncio.run(maildir.deliver(mail_to_send(b"x" * 3_000_000)))
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    asyncio.run(maildir.deliver(mail_to_send(b"x")))


def test_a_full_store_refuses(small_disk: Path, tmp_path: Path) -> None:
    """With no room for the database nothing is accepted (503), and what was accepted is all there."""
    with Served(small_disk / "data", maildir=tmp_path / "box", spool=tmp_path / "spool") as service:
        answers = [service.post(request(html_content="x" * 300_000)).status_code for _ in range(8)]
        assert 503 in answers
        accepted = answers.count(202)
        shown = service.client.get(f"{service.base}/messages").json()["data"]
        assert len(shown) == accepted

"""A Maildir as the place where mail goes: written beside, flushed, then linked into `new` under its
final name.

The name comes from the message's id: a second delivery after a crash finds the first one (as long as no
reader has moved it to `cur`) instead of making a copy. Bytes are written as they are, CRLF line ends
included.
"""

import asyncio
import contextlib
import os
import uuid
from collections.abc import Iterable
from pathlib import Path

from linkweir.durable_files import sync_folder, write_durably, write_private_file
from linkweir.errors import TemporaryDeliveryError
from linkweir.mail.transport.base import OutgoingMail, Transport


class MaildirTransport(Transport):
    """One Maildir, made on first use, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def deliver(self, mail: OutgoingMail) -> str:
        """Make the mail durable in `new`; its file name. Raises TemporaryDeliveryError."""
        return await asyncio.to_thread(self._write_mail, mail)

    async def close(self) -> None:
        """Nothing is open."""

    def _write_mail(self, mail: OutgoingMail) -> str:
        name = f"{mail.created_at // 1_000_000}.{mail.id.hex}.linkweir"
        try:
            for folder in (self._path, *(self._path / name for name in ("tmp", "new", "cur"))):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self._path / "tmp" / f"{name}.{os.getpid()}.{uuid.uuid4().hex}"
            try:
                write_private_file(draft, mail.raw)
                _link_new(draft, self._path / "new" / name)
            finally:
                draft.unlink(missing_ok=True)
            sync_folder(self._path / "new")
        except OSError as error:
            raise TemporaryDeliveryError(f"cannot write to the Maildir: {error}") from error
        return name


def delete_messages(path: Path, messages: Iterable[uuid.UUID]) -> int:
    """Overwrite and remove the mails of these messages, read or not, where they still lie here; how many."""
    names = {key.hex for key in messages}
    files = [file for file in path.glob("*/*.linkweir*") if file.name.split(".")[1] in names] if names else []
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # a reader has just taken it
            with file.open("r+b") as mail:
                write_durably(mail.fileno(), bytes(file.stat().st_size), 0)
            file.unlink()
    return len(files)


def _link_new(draft: Path, final: Path) -> None:
    with contextlib.suppress(FileExistsError):  # delivered before a crash kept us from noting it
        os.link(draft, final)

"""Where the mails of one submission wait for their commit: in memory while they are few, beyond that on disk.

One mail of 20 MB to fifty recipients is a gigabyte. The file has no name, so that nothing is left of it whatever
happens to the process.
"""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from linkweir.errors import DatabaseUnavailable

MAX_MEMORY_BYTES = 32 * 1024 * 1024  # bytes of all mails of one submission


class MailBuffer:
    """Takes mails one after the other and gives each back, until it is closed. `folder` is where the disk is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory_bytes = 0
        self.total_bytes = 0  # bytes of all mails so far
        self._file: IO[bytes] | None = None

    def add(self, mail: bytes, size: int | None = None) -> bytes | Callable[[], bytes]:
        """The mail, or what gives it when it is called. `size`: bytes of the mail of which this is a shorter form.

        Raises DatabaseUnavailable.
        """
        self.total_bytes += len(mail) if size is None else size
        if self._memory_bytes + len(mail) <= MAX_MEMORY_BYTES:
            self._memory_bytes += len(mail)
            return mail
        try:
            file = self._file = self._file or tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed below
            start = file.seek(0, os.SEEK_END)
            file.write(mail)
        except OSError as error:
            raise DatabaseUnavailable(f"cannot buffer mail: {error.strerror}") from error
        return partial(_read_back, file, start, len(mail))  # no closure, which would keep the mail

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()


def _read_back(file: IO[bytes], start: int, size: int) -> bytes:
    try:
        file.seek(start)
        data = file.read(size)
    except OSError as error:
        raise DatabaseUnavailable(f"cannot read back a mail: {error.strerror}") from error
    if len(data) != size:
        raise DatabaseUnavailable("cannot read back a mail: it was cut")
    return data

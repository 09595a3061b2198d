"""Where rendered mails go, so that a run that is killed goes on where it was.

A file is written beside its target (`.partial`) and takes its name when all is there. `checkpoint` makes durable what
was written, and returns a position; `resume` goes back to one, whatever was written after it.
"""

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from linkweir.atomic_file import AtomicFile
from linkweir.bulk.tables import table_format
from linkweir.durable_files import flush_files, rename_files, sync_data
from linkweir.mail.newsletter.mail_record import RenderedMail, encode_record, to_record
from linkweir.mail.newsletter.recipient_mails import NewsletterOptions

OutputFormat = Literal["ndjson", "parquet", "mbox", "maildir"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = ("ndjson", "parquet", "mbox", "maildir")
PARTIAL_SUFFIX = ".partial"
EncodeMail = Callable[[RenderedMail], bytes]
_MAX_WAITING_MAILS = 64
_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)


class MailOutput(Protocol):
    """An output of one format."""

    def resume(self, position: int) -> None:
        """Go back to a position; 0: begin."""

    def write(self, mail: RenderedMail) -> None:
        """Add a mail."""

    def checkpoint(self) -> int:
        """Make everything durable that was written; the position."""

    def publish(self) -> None:
        """All is there: give the output its name."""

    def close(self) -> None:
        """Let go of it, as it is."""


def make_mbox_encoder(sender: str, now: int) -> EncodeMail:
    """Makes the function that writes a mail into a mailbox, whose lines `From ` are quoted (mboxrd)."""
    moment = datetime.fromtimestamp(now / 1_000_000, UTC)
    separator = f"From {sender} {moment:%a %b} {moment.day:2} {moment:%H:%M:%S %Y}\n".encode()

    def encode(mail: RenderedMail) -> bytes:
        if mail.line:
            return mail.line
        raw = mail.raw.replace(b"\r\n", b"\n")
        return separator + (_FROM_LINE.sub(rb">\1", raw) if b"From " in raw else raw) + b"\n"

    return encode


def make_encoder(format_: OutputFormat, options: NewsletterOptions) -> EncodeMail | None:
    """Makes the function that gives the bytes of a mail in an output; None for Parquet, which takes many at once."""
    if format_ == "mbox" and options.sender is not None:
        return make_mbox_encoder(options.sender.email, options.now)
    if format_ == "maildir":
        return _encode_file
    return encode_record if format_ == "ndjson" else None


def _encode_file(mail: RenderedMail) -> bytes:
    return mail.line or mail.raw


class FileOutput:
    """A file that grows; compressed, each checkpoint ends a member, so that the file can be cut there."""

    def __init__(self, target: Path, encode: EncodeMail) -> None:
        self._target = target
        self._partial = target.with_name(target.name + PARTIAL_SUFFIX)
        self._compression = table_format.compression_of_name(target.name)
        self._encode = encode
        self._file: IO[bytes] | None = None
        self._waiting: list[bytes] = []

    def resume(self, position: int) -> None:
        """Cut the file at the position. Raises OSError if it is shorter."""
        if position and not self._partial.exists() and self._target.exists():
            rename_files([(self._target, self._partial)])  # the last run ended between the two steps of its end
        self._file = open(self._partial, "r+b" if position else "w+b")  # noqa: SIM115 - closed by close
        if self._file.seek(0, os.SEEK_END) < position:
            raise OSError(None, "the partial file is shorter than the last run has left it", str(self._partial))
        self._file.truncate(position)
        self._file.seek(position)

    def write(self, mail: RenderedMail) -> None:
        """Add a mail."""
        assert self._file is not None
        if self._compression is None:
            self._file.write(self._encode(mail))
        else:
            self._waiting.append(self._encode(mail))

    def _flush(self) -> None:
        assert self._file is not None
        if self._waiting:
            self._file.write(b"".join(table_format.compress(self._waiting, self._compression)))
            self._waiting.clear()

    def checkpoint(self) -> int:
        """The length of the file."""
        self._flush()
        assert self._file is not None
        self._file.flush()
        sync_data(self._file.fileno())
        return self._file.tell()

    def publish(self) -> None:
        """Rename the file."""
        rename_files([(self._partial, self._target)])

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):  # of a full disk, which was reported
                self._file.close()


class StreamOutput:
    """A stream, which cannot be resumed."""

    def __init__(self, stream: IO[bytes], encode: EncodeMail) -> None:
        self._stream = stream
        self._encode = encode

    def resume(self, position: int) -> None:
        """Nothing was written before."""

    def write(self, mail: RenderedMail) -> None:
        """Pass a mail on."""
        self._stream.write(self._encode(mail))

    def checkpoint(self) -> int:
        """Flush the stream."""
        self._stream.flush()
        return 0

    def publish(self) -> None:
        """It has gone out."""

    def close(self) -> None:
        """Close it, unless it is that of the process."""
        if self._stream is not sys.stdout.buffer:
            with suppress(OSError):  # of a full disk, which was reported
                self._stream.close()


class MaildirOutput:
    """A Maildir. Names come from the run and the row, so that what is written twice is there once."""

    def __init__(self, target: Path, *, run: str, now: int) -> None:
        self._target = target
        self._run, self._seconds = run, now // 1_000_000
        self._waiting: list[tuple[IO[bytes], str]] = []
        self._written = 0

    def resume(self, position: int) -> None:
        """Make the folders."""
        self._written = position
        for name in ("tmp", "new", "cur"):
            (self._target / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, mail: RenderedMail) -> None:
        """Write a mail beside `new`."""
        name = f"{self._seconds}.{self._run}-{mail.number}.linkweir"
        file = open(self._target / "tmp" / name, "wb", buffering=0)  # noqa: SIM115 - closed by _commit
        self._waiting.append((file, name))
        file.write(_encode_file(mail))
        self._written += 1
        if len(self._waiting) >= _MAX_WAITING_MAILS:
            self._commit()

    def _commit(self) -> None:
        """Flush the mails together, and then give them their names."""
        for error in flush_files(file.fileno() for file, _ in self._waiting).values():
            raise error
        for file, _ in self._waiting:
            file.close()
        rename_files((self._target / "tmp" / name, self._target / "new" / name) for _, name in self._waiting)
        self._waiting.clear()

    def checkpoint(self) -> int:
        """How many mails there are."""
        self._commit()
        return self._written

    def publish(self) -> None:
        """Each mail has its name already."""

    def close(self) -> None:
        """Close what was not committed."""
        for file, _ in self._waiting:
            with suppress(OSError):
                file.close()


def list_parts(folder: Path) -> list[Path]:
    """The files that a run has written into a folder."""
    return sorted(folder.glob("part-[0-9]*.parquet"))


def _name_part(number: int) -> str:
    return f"part-{number:05}.parquet"


class ParquetOutput:
    """A folder of Parquet files: each checkpoint makes one, whole or not at all. The position is how many there are."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._records: list[dict[str, Any]] = []
        self._parts = 0

    def resume(self, position: int) -> None:
        """Make the folder, and remove files of a later position."""
        self._target.mkdir(parents=True, exist_ok=True)
        self._parts = position
        for path in list_parts(self._target):
            if path.name not in {_name_part(number) for number in range(position)}:
                path.unlink()

    def write(self, mail: RenderedMail) -> None:
        """Hold a mail for the next file."""
        self._records.append(to_record(mail))

    def checkpoint(self) -> int:
        """Write a file, if there are mails for it."""
        if self._records:
            self._write_part()
            self._records.clear()
            self._parts += 1
        return self._parts

    def _write_part(self) -> None:
        import pyarrow
        from pyarrow import parquet

        names = ("id", "address", "variant", "subject", "text", "html")
        schema = pyarrow.schema([(name, pyarrow.string()) for name in names])
        table = pyarrow.Table.from_pylist(self._records, schema)
        output = table_format.ByteCollector()
        parquet.write_table(table, output, compression="zstd", use_dictionary=["variant", "subject"])
        with AtomicFile(str(self._target / _name_part(self._parts))) as file:
            file.write(output.take())

    def publish(self) -> None:
        """Each part has its name already."""

    def close(self) -> None:
        """Nothing is open."""

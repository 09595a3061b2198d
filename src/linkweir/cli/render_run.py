"""One run of `linkweir render`: rows are read, mails made and written, failures reported; a killed run goes on."""

import contextlib
import hashlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from linkweir.atomic_file import AtomicFile
from linkweir.bulk.document_io import describe_error
from linkweir.bulk.link_report import pluralize
from linkweir.bulk.tables.table_format import TableFormat
from linkweir.cli.shared_options import UsageError
from linkweir.durable_files import open_lock_file, sync_data, try_lock
from linkweir.errors import LinkweirError
from linkweir.mail.newsletter.mail_output import MailOutput
from linkweir.mail.newsletter.parallel_rendering import RenderRows, RowResult
from linkweir.mail.newsletter.recipient_file import RecipientRow, iter_recipients
from linkweir.mail.newsletter.recipient_mails import Newsletter, RowError
from linkweir.terminal.progress_bar import ItemProgressBar, format_bytes, format_duration
from linkweir.terminal.text import display_path

RENDERED = "rendered"
OUTCOME_TEXTS = {
    RENDERED: "a mail was made",
    "message-id": "the message id is missing, or cannot stand in a link",
    "address": "the address cannot be mailed to",
    "template": "the template cannot be filled with these values",
    "row": "the row cannot be read",
}
MAX_PRINTED_ERRORS = 20
CHECKPOINT_BYTES = 64 << 20  # of mails, at most, between two checkpoints
CHECKPOINT_SECONDS = 0.5
PROGRESS_SUFFIX = ".progress"


@dataclass(slots=True)
class Checkpoint:
    """How far a run has come: the rows that are done, by their order, the position of the output, the length of the
    report, and what became of the rows. `now`: the date of all mails.
    """

    fingerprint: str
    now: int
    rows: int = 0
    position: int = 0
    report_bytes: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    tracked_links: int = 0


class RunState:
    """The checkpoint of a run beside its output, locked against a second run."""

    def __init__(self, target: Path, fingerprint: str, *, restart: bool) -> None:
        self._path = target.with_name(target.name + PROGRESS_SUFFIX)
        self._lock_path = target.with_name(f".{target.name}.lock")
        self._lock = -1
        self.lock(target)
        self.checkpoint = Checkpoint(fingerprint, time.time_ns() // 1000)
        try:
            before = None if restart else self._load()
        except UsageError:
            self.close()
            raise
        if before is not None and before.fingerprint != fingerprint and not before.rows:
            before = None  # it came to nothing
        if before is not None and before.fingerprint != fingerprint:
            self.close()
            raise UsageError(
                f"{display_path(str(self._path))} is of a run with other templates, recipients or options: "
                "go on with those, or begin anew with --restart"
            )
        self.is_resumed = before is not None
        self.checkpoint = before or self.checkpoint

    def lock(self, target: Path) -> None:
        """Raise UsageError while another run writes the same output."""
        while True:
            self._lock = open_lock_file(self._lock_path)
            if not try_lock(self._lock):
                os.close(self._lock)
                raise UsageError(f"another run is writing {display_path(str(target))}")
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._lock), os.stat(self._lock_path)):
                    return
            os.close(self._lock)  # another run has just ended and removed it

    def _load(self) -> Checkpoint | None:
        try:
            return Checkpoint(**json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise UsageError(f"{display_path(str(self._path))} cannot be read; begin anew with --restart") from error

    def save(self) -> None:
        """Write the checkpoint durably."""
        fields = {name: getattr(self.checkpoint, name) for name in Checkpoint.__slots__}
        with AtomicFile(str(self._path)) as file:
            file.write(json.dumps(fields).encode())

    def finish(self) -> None:
        """The run is done: there is nothing to go on with."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let the next run begin."""
        self._lock_path.unlink(missing_ok=True)
        os.close(self._lock)


def make_fingerprint(recipients: str, settings: dict[str, Any]) -> str:
    """What tells a run from another one: its options and templates, and the recipients' file by size and date."""
    state = os.stat(recipients)
    identity = [state.st_size, state.st_mtime_ns, settings]
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:24]


class RenderRun:
    """One run. `newsletter` checks the columns, and `render_rows` makes its mails. `state`: None where the output is a
    stream; `is_timed`: checkpoints come by time, too.
    """

    def __init__(
        self,
        recipients: tuple[str, TableFormat],
        newsletter: Newsletter,
        render_rows: RenderRows,
        output: MailOutput,
        state: RunState | None,
        *,
        report: Path | None,
        quiet: bool,
        is_timed: bool,
    ) -> None:
        self._path, self._format = recipients
        self._newsletter = newsletter
        self._make_results = render_rows
        self._output = output
        self._state = state
        self._checkpoint = state.checkpoint if state else Checkpoint("", 0)
        self._outcomes = Counter(self._checkpoint.outcomes)
        self._report_path = report
        self._report: IO[bytes] | None = None
        self._quiet = quiet
        self._is_timed = is_timed
        self._printed = 0
        on_terminal = state is None and sys.stdout.isatty()
        live = sys.stderr.isatty() and not quiet and not on_terminal
        self._progress = ItemProgressBar(sys.stderr, live=live, noun="mails")
        self._since_checkpoint = 0
        self._checkpoint_at = time.monotonic()

    def run(self) -> int:
        """Render all rows that are not done; return the exit code."""
        try:
            with contextlib.closing(self._output):
                self._open()
                self._render_rows()
                self._save()
                self._output.publish()
            if self._state is not None:
                self._state.finish()
        finally:
            self._progress.close()
            if self._report is not None:
                self._report.close()
        if not self._quiet:
            self._print_summary()
        return 0 if self._outcomes.total() == self._outcomes[RENDERED] else 1

    def _open(self) -> None:
        if self._report_path is not None:
            length = self._checkpoint.report_bytes
            self._report = open(self._report_path, "r+b" if length else "w+b")  # noqa: SIM115 - closed by run
            self._report.truncate(length)
            self._report.seek(length)
        self._output.resume(self._checkpoint.position)
        if self._state is not None and not self._state.is_resumed:
            self._state.save()  # so that what is written from now on belongs to it
        elif self._state is not None and not self._quiet:
            print(f"linkweir: going on after {pluralize(self._checkpoint.rows, 'row')}", file=sys.stderr)

    def _render_rows(self) -> None:
        with contextlib.closing(self._make_results(self._iter_rows())) as results:
            for result in results:
                self._accept(result)
                self._checkpoint.rows += 1
                late = self._is_timed and time.monotonic() - self._checkpoint_at >= CHECKPOINT_SECONDS
                if self._since_checkpoint >= CHECKPOINT_BYTES or late:
                    self._save()

    def _iter_rows(self) -> Iterator[RecipientRow]:
        """Yield the rows that are not done. Raises ValidationError for a table without a column that is needed."""
        done = self._checkpoint.rows
        size = os.stat(self._path).st_size
        is_checked = self._format == "ndjson"  # where each row has names of its own
        for order, row in enumerate(iter_recipients(self._path, self._format, size)):
            if order < done:
                self._progress.set_start(row.share)
                continue
            if not is_checked and row.values is not None:
                self._newsletter.check_columns(row.values)
                is_checked = True
            yield row

    def _accept(self, result: RowResult) -> None:
        if result.error is not None:
            self._reject(result.number, result.error)
        elif result.mail is not None:
            self._output.write(result.mail)
            self._outcomes[RENDERED] += 1
            self._checkpoint.tracked_links += result.tracked
        self._since_checkpoint += result.size
        self._progress.advance_to(result.share, result.size)

    def _reject(self, number: int, error: RowError) -> None:
        self._outcomes[error.outcome] += 1
        self._printed += 1
        if self._printed <= MAX_PRINTED_ERRORS:
            self._progress.print_above(f"linkweir: {display_path(self._path)}: row {number}: {error}")
        if self._report is not None:
            fields = {"row": number, "outcome": error.outcome, "reason": str(error)}
            self._report.write(json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace") + b"\n")

    def _save(self) -> None:
        """Make durable what is there, and then note that it is."""
        checkpoint = self._checkpoint
        checkpoint.position = self._output.checkpoint()
        if self._report is not None:
            self._report.flush()
            sync_data(self._report.fileno())
            checkpoint.report_bytes = self._report.tell()
        checkpoint.outcomes = dict(self._outcomes)
        if self._state is not None:
            self._state.save()
        self._since_checkpoint = 0
        self._checkpoint_at = time.monotonic()

    def _print_summary(self) -> None:
        progress = self._progress
        seconds = progress.seconds
        took = format_duration(seconds) if seconds >= 10 else f"{seconds:.2f} s"
        rate = f"{progress.files / max(seconds, 1e-6):,.0f} mails/s"
        if self._printed > MAX_PRINTED_ERRORS:
            print(f"linkweir: and {self._printed - MAX_PRINTED_ERRORS:,} more such rows", file=sys.stderr)
        print(
            f"linkweir: {pluralize(self._outcomes[RENDERED], 'mail')}, "
            f"{pluralize(self._checkpoint.tracked_links, 'tracked link')}; {format_bytes(progress.bytes)} in {took}, "
            f"{rate}",
            file=sys.stderr,
        )
        for outcome, text in OUTCOME_TEXTS.items():
            if number := self._outcomes[outcome]:
                print(f"  {number:>10,}  {outcome:<12}  {text}", file=sys.stderr)


def describe_output_error(target: str | None, error: OSError) -> LinkweirError:
    """Say what could not be written."""
    name = "standard output" if target is None else display_path(target)
    return LinkweirError(f"can't write {name}: {describe_error(error)}")

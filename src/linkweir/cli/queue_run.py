"""`linkweir render --send`: a newsletter into the queue of a service on this machine, batch by batch."""

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from linkweir.accounts.tracking_preferences import TrackingPreferences
from linkweir.bulk.link_report import pluralize
from linkweir.bulk.tables.table_format import TableFormat
from linkweir.cli.data_option import find_account, open_data_folder
from linkweir.cli.render_run import MAX_PRINTED_ERRORS, OUTCOME_TEXTS
from linkweir.cli.shared_options import UsageError
from linkweir.durable_files import sync_data
from linkweir.errors import Conflict, ValidationError
from linkweir.mail.message_types import Mailbox, Submission
from linkweir.mail.newsletter.newsletter_queue import QUEUED, Columns, NewsletterQueue, RefusedRow
from linkweir.mail.newsletter.page_template import compile_template
from linkweir.mail.newsletter.recipient_file import RecipientRow, iter_recipients
from linkweir.mail.templates import Template
from linkweir.terminal.progress_bar import ItemProgressBar, format_duration
from linkweir.terminal.text import display_path

if TYPE_CHECKING:
    import uuid

    from sqlalchemy import Connection

    from linkweir.settings import Settings
    from linkweir.tokens import KeyRing

MAX_TAG_CHARS = 64


def send_newsletter(
    args: argparse.Namespace, recipients: tuple[str, TableFormat], sender: Mailbox, html: str, text: str | None
) -> int:
    """Queue a mail for each row; return the exit code. Raises UsageError for what the service refuses for all."""
    try:
        message = _make_message(args, sender, html, text)
        with open_data_folder(args) as (found, database):
            settings = found if args.base_url is None else replace(found, base_url=args.base_url)
            queue = _open_queue(args, settings, database, message)
            queue.begin(restart=args.restart)
            return QueueRun(recipients, queue, args).run()
    except (ValidationError, Conflict) as error:
        raise UsageError(str(error)) from error


def _make_message(args: argparse.Namespace, sender: Mailbox, html: str, text: str | None) -> Submission:
    """The message without recipients, whose templates can be read. Raises UsageError, ValidationError."""
    if not html and not text:
        raise UsageError(f"{display_path(args.template)} is empty")
    if args.campaign is not None and not 0 < len(args.campaign) <= MAX_TAG_CHARS:
        raise UsageError(f"--campaign must have 1 to {MAX_TAG_CHARS} characters")
    for template in (
        Template(args.subject, "subject"),
        Template(html, "html_content", html=True),
        Template(text or "", "text_content"),
    ):
        compile_template(template)
    tags = () if args.campaign is None else (args.campaign,)
    return Submission(
        sender=sender,
        recipients=(),
        subject=args.subject,
        text=text or None,
        html=html or None,
        tags=tags,
        preferences=TrackingPreferences(track_clicks=True),
    )


def _open_queue(args: argparse.Namespace, settings: "Settings", database: Any, message: Submission) -> NewsletterQueue:
    """The queue of the account that sends. Raises UsageError."""
    from linkweir.accounts import account_lookup
    from linkweir.app import create_submitter
    from linkweir.web.structured_logging import make_logger

    with database.read() as connection:
        account = account_lookup.load_account(connection, _choose_account(connection, args.account))
    ring = _load_keyring(settings, database)
    return NewsletterQueue(
        database,
        create_submitter(settings, database, make_logger("warning", sys.stderr)),
        ring,
        account,
        message=message,
        columns=Columns(args.address_column, args.variant_column),
        name=json.dumps([os.path.realpath(args.recipients), message.sender.email]),
        run=_identify(args, message, settings.base_url),
    )


def _choose_account(connection: "Connection", given: "uuid.UUID | None") -> "uuid.UUID":
    """The account that is named, or the only one. Raises UsageError."""
    from linkweir.accounts import account_settings

    if given is None and len(account_settings.list_accounts(connection)) > 1:
        raise UsageError("there are several accounts: name one with --account; see `linkweir account list`")
    return find_account(connection, given)


def _load_keyring(settings: "Settings", database: Any) -> "KeyRing":
    """The service's key ring. Raises UsageError if it has never answered links under this base URL."""
    from linkweir.service_secrets import choose_keyring_source
    from linkweir.tracking_keyring import load_for_command

    source = choose_keyring_source(settings, database)
    if not source.exists():
        raise UsageError("the service has no keys yet: start `linkweir serve` once")
    ring = load_for_command(source, database)
    if ring.with_host(settings.base_url).hosts != ring.hosts:
        known = ", ".join(ring.hosts[:5]) or "none"
        raise UsageError(
            f"links would begin with {settings.base_url}, which this service does not answer (it does: {known}); set "
            "LINKWEIR_BASE_URL as the service has it"
        )
    return ring


def _identify(args: argparse.Namespace, message: Submission, base_url: str) -> str:
    """What has to be the same for a run to go on: the recipients' file, the templates and the options."""
    try:
        if not os.path.isfile(args.recipients):
            raise UsageError(f"--recipients {display_path(args.recipients)} must be a file for --send")
        with open(args.recipients, "rb") as file:
            recipients = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"--recipients {display_path(args.recipients)}: {error.strerror}") from error
    options = [args.recipients_format, args.address_column, args.variant_column, base_url]
    contents = [message.sender.email, message.sender.name, message.subject, message.text, message.html, message.tags]
    return hashlib.sha256(json.dumps([recipients, options, contents]).encode()).hexdigest()


class QueueRun:
    """One run: rows are read, batches queued, and rows without a mail reported."""

    def __init__(self, recipients: tuple[str, TableFormat], queue: NewsletterQueue, args: argparse.Namespace) -> None:
        self._path, self._format = recipients
        self._queue = queue
        self._columns = [name for name in (args.address_column, args.variant_column) if name]
        self._report_path: Path | None = args.report
        self._report: IO[bytes] | None = None
        self._quiet: bool = args.quiet
        self._printed = 0
        self._progress = ItemProgressBar(sys.stderr, live=sys.stderr.isatty() and not args.quiet, noun="mails")

    def run(self) -> int:
        """Queue all rows that are not done; return the exit code."""
        done = self._queue.progress
        if self._report_path is not None:
            self._report = self._open_report(self._report_path, done.report_bytes)
        if done.rows and not self._quiet:
            print(f"linkweir: going on after {pluralize(done.rows, 'row')}", file=sys.stderr)
        try:
            rows = self._iter_rows(done.rows)
            while batch := list(islice(rows, self._queue.batch_rows)):
                self._submit(batch)
            self._queue.finish()
        finally:
            self._progress.close()
            if self._report is not None:
                self._report.close()
        if not self._quiet:
            self._print_summary()
        outcomes = Counter(self._queue.progress.outcomes)
        return 0 if outcomes.total() == outcomes[QUEUED] else 1

    def _open_report(self, path: Path, length: int) -> IO[bytes]:
        """Open the report as it is; what is there is replaced with the first batch."""
        try:
            path.touch()
            report = open(path, "r+b")  # noqa: SIM115 - closed by run
            if report.seek(0, os.SEEK_END) < length:
                report.close()
                raise UsageError(f"--report {display_path(str(path))} is shorter than the last run has left it")
            return report
        except OSError as error:
            raise UsageError(f"--report {display_path(str(path))}: {error.strerror}") from error

    def _iter_rows(self, done: int) -> Iterator[RecipientRow]:
        size = os.stat(self._path).st_size
        is_checked = self._format == "ndjson"  # where each row has names of its own
        for order, row in enumerate(iter_recipients(self._path, self._format, size)):
            if not is_checked and row.values is not None:
                self._check_columns(row.values)
                is_checked = True
            if order < done:
                self._progress.set_start(row.share)
            else:
                yield row

    def _check_columns(self, values: dict[str, Any]) -> None:
        for name in self._columns:
            if name not in values:
                there = ", ".join(map(repr, list(values)[:20]))
                raise UsageError(f"recipients: there is no column {name!r}, only {there}")

    def _submit(self, rows: Sequence[RecipientRow]) -> None:
        refused = self._queue.submit(rows, None if self._report is None else self._write_report)
        for row in rows:
            self._progress.advance_to(row.share, 0)
        for each in refused:
            self._print_refused(each)

    def _write_report(self, position: int, lines: bytes) -> None:
        """Write the lines of a batch, in place of those of a batch that was not committed."""
        assert self._report is not None
        self._report.truncate(position)
        self._report.seek(position)
        self._report.write(lines)
        self._report.flush()
        sync_data(self._report.fileno())

    def _print_refused(self, row: RefusedRow) -> None:
        self._printed += 1
        if self._printed <= MAX_PRINTED_ERRORS:
            self._progress.print_above(f"linkweir: {display_path(self._path)}: row {row.number}: {row.reason}")

    def _print_summary(self) -> None:
        seconds, outcomes = self._progress.seconds, Counter(self._queue.progress.outcomes)
        took = format_duration(seconds) if seconds >= 10 else f"{seconds:.2f} s"
        if self._printed > MAX_PRINTED_ERRORS:
            print(f"linkweir: and {self._printed - MAX_PRINTED_ERRORS:,} more such rows", file=sys.stderr)
        rate = f"{self._progress.files / max(seconds, 1e-6):,.0f} mails/s"
        print(f"linkweir: {pluralize(outcomes[QUEUED], 'mail')} queued; {took}, {rate}", file=sys.stderr)
        for outcome, text in {QUEUED: "a mail was queued", **OUTCOME_TEXTS}.items():
            if number := outcomes[outcome]:
                print(f"  {number:>10,}  {outcome:<12}  {text}", file=sys.stderr)

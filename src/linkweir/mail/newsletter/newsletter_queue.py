"""The mails of a newsletter into the service's queue, in batches: a run that is killed goes on where it was.

How far a run has come is stored in the transaction that queues a batch, so that no crash comes between them. It is
replaced only where it is still what this run knows, so that of two runs of the same newsletter one ends.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import orjson
from sqlalchemy import Connection

from linkweir.accounts.account_lookup import SendingAccount
from linkweir.clock import DAY_US
from linkweir.db import idempotency_table
from linkweir.db.database import Database
from linkweir.errors import Conflict, ValidationError
from linkweir.mail import addresses
from linkweir.mail.message_types import Mailbox, MailRecipient, RecipientResult, Submission
from linkweir.mail.newsletter.recipient_file import RecipientRow
from linkweir.mail.newsletter.recipient_mails import RowError
from linkweir.mail.submission import Submitter
from linkweir.tokens import KeyRing

QUEUED = "queued"
BATCH_ROWS = 100  # as many recipients as a request to the API may have
BATCH_BYTES = 64 << 20  # of pages, about
PROGRESS_TTL_US = 90 * DAY_US  # microseconds, from the last batch on
MAX_VARIANT_CHARS = 64
MAX_DEPTH = 32  # nested lists and objects of a value, as in the API
_FINGERPRINT = hashlib.sha256(b"progress of a newsletter").digest()  # tells these records from remembered replies


class QueueProgress(msgspec.Struct, frozen=True):
    """How far a run has come: the rows that are done, by their order, what became of them, and the length of the
    report. `run`: what tells it from a run with other contents.
    """

    run: str
    rows: int = 0
    outcomes: dict[str, int] = {}
    report_bytes: int = 0
    is_finished: bool = False


WriteReport = Callable[[int, bytes], None]


class RefusedRow(NamedTuple):
    """A row that got no mail: its number from 1, the code of the outcome, and the reason."""

    number: int
    outcome: str
    reason: str


class Columns(NamedTuple):
    """The columns of the recipients' address and side of an A/B test."""

    address: str
    variant: str | None = None


class NewsletterQueue:
    """One run. `name` tells newsletters of an account apart; `run` identifies the contents; `message`: the templates,
    without recipients.
    """

    def __init__(
        self,
        database: Database,
        submitter: Submitter,
        ring: KeyRing,
        account: SendingAccount,
        *,
        message: Submission,
        columns: Columns,
        name: str,
        run: str,
    ) -> None:
        self._database = database
        self._submitter = submitter
        self._ring = ring
        self._account = account
        self._message = message
        self._columns = columns
        self._key = f"newsletter {hashlib.sha256(name.encode()).hexdigest()}"
        self._stored: bytes | None = None
        self.progress = QueueProgress(run)
        self.batch_rows = max(1, min(BATCH_ROWS, BATCH_BYTES // (len(message.html or "") + 1)))

    def begin(self, *, restart: bool = False) -> None:
        """Begin, or go on with what an earlier run has left. Raises Conflict if that was finished, or had other
        contents and was not.
        """
        run = self.progress.run
        with self._database.read() as connection:
            self._stored = idempotency_table.get_body(connection, self._account.id, self._key, _FINGERPRINT)
        if self._stored is None or restart:
            return
        earlier = msgspec.json.decode(self._stored, type=QueueProgress)
        if earlier.run == run and earlier.is_finished:
            raise Conflict("this newsletter is queued for all these recipients already; --restart queues it again")
        if earlier.run == run:
            self.progress = earlier
        elif earlier.rows and not earlier.is_finished:
            raise Conflict(
                f"an earlier run for this file and sender, with other templates, recipients or options, ended after "
                f"{earlier.rows:,} rows: go on with those, or begin anew with --restart"
            )

    def submit(self, rows: Sequence[RecipientRow], write_report: WriteReport | None = None) -> list[RefusedRow]:
        """Queue the mails of the next rows; the rows that got none.

        `write_report` is called in the transaction, with where the report has ended so far and its next lines.
        Raises ValidationError for what is wrong with the message, Conflict when another run goes on with it,
        DatabaseUnavailable. Nothing is queued then.
        """
        refused, numbers, recipients = [], [], []
        for row in rows:
            try:
                recipients.append(make_recipient(row, self._columns))
                numbers.append(row.number)
            except RowError as error:
                refused.append(RefusedRow(row.number, error.outcome, str(error)))
        all_refused: list[RefusedRow] = []

        def store(connection: Connection, results: Sequence[RecipientResult]) -> bytes:
            all_refused[:] = sorted([*refused, *_list_failed(numbers, results)])
            lines = b"" if write_report is None else _encode_report(all_refused)
            body = self._exchange(connection, self._advance(len(rows), all_refused, len(lines)))
            if write_report is not None:
                write_report(self.progress.report_bytes, lines)
            return body

        if recipients:
            message = replace(self._message, recipients=tuple(recipients))
            body, _ = self._submitter.submit(self._ring, self._account, message, self._database.now(), make_reply=store)
        else:
            body = self._database.write_together(lambda connection: store(connection, []))
        self._remember(body)
        return all_refused

    def finish(self) -> None:
        """Note that all rows are done. Raises Conflict, DatabaseUnavailable."""
        done = msgspec.structs.replace(self.progress, is_finished=True)
        self._remember(self._database.write_together(lambda connection: self._exchange(connection, done)))

    def _advance(self, rows: int, refused: Sequence[RefusedRow], report_bytes: int) -> QueueProgress:
        before = self.progress
        outcomes = Counter(before.outcomes)
        outcomes.update(each.outcome for each in refused)
        outcomes[QUEUED] += rows - len(refused)
        return QueueProgress(before.run, before.rows + rows, dict(outcomes), before.report_bytes + report_bytes)

    def _exchange(self, connection: Connection, progress: QueueProgress) -> bytes:
        """Store the progress in place of that which this run knows; as it is stored. Raises Conflict."""
        moment = self._database.now()
        body = msgspec.json.encode(progress)
        if not idempotency_table.exchange_body(
            connection,
            self._account.id,
            self._key,
            _FINGERPRINT,
            before=self._stored,
            body=body,
            now=moment,
            expires_at=moment + PROGRESS_TTL_US,
        ):
            raise Conflict("another run queues this newsletter")
        return body

    def _remember(self, body: bytes) -> None:
        self._stored = body
        self.progress = msgspec.json.decode(body, type=QueueProgress)


def make_recipient(row: RecipientRow, columns: Columns) -> MailRecipient:
    """The recipient in a row, whose columns are its substitutions. Raises RowError."""
    if row.values is None:
        raise RowError("row", row.problem)
    address = str(row.values.get(columns.address) or "")
    try:
        mailbox = addresses.validate_mailbox(Mailbox(address), "recipient")
    except ValidationError as error:
        raise RowError("address", f"{address[:100]!r} {error.reason}") from None
    variant = row.values.get(columns.variant) if columns.variant else None
    text = None if variant is None or variant == "" else str(variant)
    if text is not None and len(text) > MAX_VARIANT_CHARS:
        raise RowError("row", f"column {columns.variant!r} is longer than {MAX_VARIANT_CHARS} characters")
    return MailRecipient(mailbox, _check_values(row.values), variant=text)


def _check_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the API would take them. Raises RowError."""
    level: list[Any] = [values]
    for _ in range(MAX_DEPTH):
        level = [part for item in level if isinstance(item, dict | list) for part in _list_parts(item)]
    if any(isinstance(item, dict | list) for item in level):
        raise RowError("row", f"it is nested deeper than {MAX_DEPTH} levels")
    try:
        checked: dict[str, Any] = orjson.loads(orjson.dumps(values))
    except (TypeError, orjson.JSONDecodeError) as error:
        raise RowError("row", f"a value cannot be used: {error}") from None
    return checked


def _list_parts(item: dict[str, Any] | list[Any]) -> list[Any]:
    return list(item.values()) if isinstance(item, dict) else item


def _list_failed(numbers: Sequence[int], results: Sequence[RecipientResult]) -> list[RefusedRow]:
    return [
        RefusedRow(number, "template", result.error or "")
        for number, result in zip(numbers, results, strict=True)
        if result.message_id is None
    ]


def _encode_report(refused: Sequence[RefusedRow]) -> bytes:
    return b"".join(
        orjson.dumps({"row": each.number, "outcome": each.outcome, "reason": each.reason}) + b"\n" for each in refused
    )

"""Takes a raw mail from SMTP or a mail server: one message for each recipient, spliced and otherwise as it came.

Removed are the `ahasend-*` headers and, from a sender's own program, `Bcc`; added, where they are missing, Message-ID
and Date (RFC 6409 section 8). Everything else but the links is byte for byte the sender's.

The attack, or the accident: a header that one reader finds and another does not. Removed is whatever the most lenient
reader would find; a mail of a sender's program in which something could be left of it is refused.
"""

import email.header
import email.utils
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Literal

from structlog.typing import FilteringBoundLogger

from linkweir.accounts.tracking_preferences import TrackingPreferences
from linkweir.db.messages_table import NewMessage
from linkweir.errors import RejectedContent, ValidationError
from linkweir.mail import addresses, originators, tracking_headers
from linkweir.mail.draft import Draft, SubmissionContext
from linkweir.mail.message_types import Mailbox, Submission
from linkweir.mail.tracking_headers import HeaderPreferences
from linkweir.mime import Note, rewrite_message
from linkweir.mime.headers import BOM, MAX_LINES, HeaderBlock, HeaderField, parse_after_blank, unfold

_MESSAGE_ID = re.compile(r"<([^<>\s]{1,500})>")
MAX_SUBJECT_CHARS = 2000  # characters that are stored for people to recognise a mail by
# bytes of a header that are looked at: readers of encoded words and addresses take the square of the length or recurse
MAX_HEADER_BYTES = 8000
MAX_FROM_FIELDS = 10  # fields; a mail has one
MAX_ADDED_HEADER_BYTES = 4096  # bytes of headers that a mail server may add of its own before it measures
MAX_DECODED_TAGS_FIELDS = 10  # fields whose encoded words are read; a mail has one
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")
_BARE_FIELD_NAME = re.compile(rb"[ \t]*([A-Za-z-]+)[ \t]*(?:[\r\n]|\Z)")
_LENIENT_PRIVATE_HEADER = re.compile(rb"(?<=[\r\n])[^!-~\r\n]*ahasend-[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)", re.IGNORECASE)
# the beginning of a line that is no header, but may have been meant for one, with any colon or none
_LENIENT_NAME = rb"[^A-Za-z0-9]*+(ahasend-|(?:resent-)?bcc(?![A-Za-z0-9]))"
_LENIENT_FIELD_NAME = re.compile(_LENIENT_NAME, re.IGNORECASE)
_LENIENT_CONTINUATION = re.compile(rb"\n[ \t]" + _LENIENT_NAME, re.IGNORECASE)
_BCC_HEADERS = (b"bcc", b"resent-bcc")
# some reader may end a line at any of them: controls, NEL (also of one byte), U+2028, U+2029
_ANY_LINE_BREAK = re.compile(rb"(?:[\x00-\x08\n-\x1f]|\xc2?\x85|\xe2\x80[\xa8\xa9])+")
_COMMON_LINE_BREAK = re.compile(rb"(?:[\n-\r\x1c-\x1e]|\xe2\x80[\xa8\xa9])+")
_HEADER_END = re.compile(rb"^\r?\n", re.MULTILINE)
_PRIVATE_HEADERS = re.compile(rb"^ahasend-[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_NON_NAME_BYTES = re.compile(rb"[^A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail with its envelope. `sandbox`: the credential that brought it only tries out."""

    envelope_from: str
    recipients: tuple[str, ...]
    raw: bytes
    source: Literal["smtp", "filter"]
    sandbox: bool = False
    smtputf8: bool = False  # as MAIL has asked (RFC 6531)
    max_message_bytes: int | None = None  # bytes that its way out is known to take


class ParsedMail:
    """A raw mail's headers, read once: `preferences` of its headers, `sender`, `subject`, `message_id` (None: missing).

    Raises RejectedContent for a mail of a sender's program that readers would understand differently.
    """

    def __init__(self, mail: RawMail) -> None:
        self._raw = mail.raw
        self.max_message_bytes = mail.max_message_bytes
        self._block = HeaderBlock(mail.raw, 0, len(mail.raw))
        self._fields = [line for line in self._block.lines if line.name]
        self._is_submission = mail.source == "smtp"
        if self._is_submission and b"\0" in mail.raw:
            raise RejectedContent("the mail has a NUL character, at which readers end a line or a mail (RFC 5322, 4)")
        if self._is_submission and self._block.has_bare_cr:
            raise RejectedContent("the headers have a bare CR, at which some readers end a line (RFC 5322, 2.2)")
        if self._is_submission and self._block.truncated_at is not None:
            raise RejectedContent(f"the mail has more than {MAX_LINES} header lines")
        if self._is_submission and self._block.hides_headers:
            raise RejectedContent("the mail begins with an empty line, so that all of its headers would be text")
        if self._is_submission and not self._fields:
            self._reject_hidden_after_blank()
        self._removed_fields = list(self._find_removed())
        self.preferences = tracking_headers.parse_headers(self._private_headers())
        self.from_addresses = self._parse_from()
        self.sender = _normalize_sender(
            next((from_address for from_address in self.from_addresses if "@" in from_address), mail.envelope_from)
        )
        self.subject = _decode_header(self._first_value(b"subject") or "")[:MAX_SUBJECT_CHARS]
        match = _MESSAGE_ID.search(self._first_value(b"message-id") or "")
        self.message_id = match[1] if match else None

    @property
    def notes(self) -> list[Note]:
        """What to note of its headers."""
        notes = [Note("header-ignored", warning) for warning in self.preferences.warnings]
        if self._block.malformed_at is not None:
            number = self._raw.count(b"\n", 0, self._block.malformed_at) + 1
            notes.append(Note("odd-header", f"line {number} is not a header line; some readers end the headers there"))
        return notes

    def _find_removed(self) -> Iterator[HeaderField]:
        """The lines that must not leave, each with what some readers take for its continuation."""
        block = self._block
        at = 0
        while at < len(block.lines):
            field, at = block.lines[at], at + 1
            if not self._must_remove(field):
                continue
            if self._is_submission and not self._names_hidden(field):
                self._reject_line(field)
            odd_behind = at < len(block.lines) and not block.lines[at].is_regular
            if self._is_submission and (odd_behind or field.start >= block.body):
                self._reject_line(field)
            # a mail server's mail is never refused: of its lines only those go that are headers by our own reading
            while at < len(block.lines) and self._continues(block.lines[at]):
                field = field._replace(end=block.lines[at].end)
                at += 1
            yield field
        for match in (
            _LENIENT_PRIVATE_HEADER.finditer(self._raw, block.truncated_at, block.end)
            if block.truncated_at is not None
            else ()
        ):
            yield HeaderField(b"", match.start(), match.start(), match.end(), is_regular=False)

    def _continues(self, line: HeaderField) -> bool:
        return not (line.is_regular or line.name or self._must_remove(line)) and line.start < self._block.body

    def _reject_hidden_after_blank(self) -> None:
        behind = parse_after_blank(self._raw, self._block.end)
        if behind.truncated_at is not None or any(map(self._must_remove, behind.lines)):
            raise RejectedContent(
                "the mail begins with an empty line, and some readers would find hidden headers below"
            )

    def _must_remove(self, field: HeaderField) -> bool:
        if self._names_hidden(field):
            return True
        name = self._find_lenient_name(field)
        return name == b"ahasend-" or (self._is_submission and name != b"")

    def _find_lenient_name(self, field: HeaderField) -> bytes:
        """What a line that is no header begins with of a hidden one's name; for a submission also its continuations."""
        if field.is_regular:
            return b""
        match = _LENIENT_FIELD_NAME.match(self._raw, field.start, field.end)
        if not match and self._is_submission:
            match = _LENIENT_CONTINUATION.search(self._raw, field.start, field.end)
        return match[1].lower() if match else b""

    def _names_hidden(self, field: HeaderField) -> bool:
        """Whether its name is that of a header that must not leave."""
        match = (
            None if field.name else _BARE_FIELD_NAME.match(self._raw, field.start, field.end)
        )  # some readers miss no ":"
        name = match[1].lower() if match else field.name
        return name.startswith(b"ahasend-") or (self._is_submission and name in _BCC_HEADERS)

    def _reject_line(self, field: HeaderField) -> None:
        number = self._raw.count(b"\n", 0, field.start) + 1
        name = (field.name if self._names_hidden(field) else self._find_lenient_name(field))[:40].decode("latin-1")
        raise RejectedContent(
            f"the header block has a line that is no header beside {name} in line {number}: it could not be removed "
            "for all readers; correct the line or put an empty line before the body"
        )

    def _private_headers(self) -> Iterator[tuple[str, str]]:
        decoded = 0
        for field in self._fields:
            if field.name.startswith(b"ahasend-"):
                text = self._field_text(field)
                if field.name == b"ahasend-tags" and "=?" in text and decoded < MAX_DECODED_TAGS_FIELDS:
                    decoded += 1
                    text = _decode_header(text)
                yield field.name.decode("ascii"), text

    def _first_value(self, name: bytes) -> str | None:
        first = next((field for field in self._fields if field.name == name), None)
        return self._field_text(first) if first else None

    def _field_text(self, field: HeaderField) -> str:
        short = field._replace(end=min(field.end, field.value + MAX_HEADER_BYTES))
        return unfold(self._raw, short).decode("utf-8", "replace")

    def _parse_from(self) -> list[str]:
        """Every address of every From field."""
        try:
            some = [self._field_text(field) for field in self._fields if field.name == b"from"][:MAX_FROM_FIELDS]
            parsed = email.utils.getaddresses(some)
        except RecursionError:  # comments inside each other
            parsed = []
        return [field for _, field in parsed]

    @property
    def originators(self) -> Iterator[tuple[bytes, str]]:
        """Each header that names a sender, wherever some reader would find it, with its whole value."""
        for field in self._fields:
            if field.name in originators.ORIGINATOR_HEADERS:
                yield field.name, unfold(self._raw, field).decode("utf-8", "replace")

    def without_private_headers(self, message_id: str, now: int) -> bytes:
        """The mail without what is not for its readers, and with what it must have."""
        head = self._raw[: self._block.end]
        newline = b"\r\n" if b"\r\n" in head or b"\n" not in head else b"\n"
        added = []
        if self._first_value(b"message-id") is None:
            added.append(b"Message-ID: <" + message_id.encode("ascii") + b">" + newline)
        if self._first_value(b"date") is None:
            moment = datetime.fromtimestamp(now // 1_000_000, UTC)
            added.append(b"Date: " + email.utils.format_datetime(moment).encode("ascii") + newline)
        start = self._block.first_line_start
        before = self._raw[:start].removeprefix(BOM)
        cleaned = b"".join([before, *added, *_remove_fields(self._raw, start, self._removed_fields)])
        if self._is_submission:
            _reject_leaks(cleaned)
        return cleaned

    def get_common(self) -> bytes:
        """What the mails to all recipients have in common: the body. Headers name recipients who are hidden."""
        return self._raw[max(self._block.body, self._block.end) :]


class UnparsedMail(ParsedMail):
    """A mail that reading has failed on, an error of ours: it passes on untracked, without its `ahasend-*` lines."""

    def __init__(self, mail: RawMail, error: Exception) -> None:
        self._raw = mail.raw
        self._error = type(error).__name__
        self.max_message_bytes = mail.max_message_bytes
        self.preferences = HeaderPreferences(track_clicks=False, track_opens=False)
        self.sender, self.subject, self.message_id = mail.envelope_from, "", None

    @property
    def notes(self) -> list[Note]:
        """What to note of it."""
        return [Note("not-read", f"an error of this service: {self._error}; the mail was passed on untracked")]

    def without_private_headers(self, message_id: str, now: int) -> bytes:
        """The mail without what is not for its readers."""
        end = _HEADER_END.search(self._raw)
        head = self._raw[: end.start() if end else len(self._raw)]
        return _PRIVATE_HEADERS.sub(b"", head) + self._raw[len(head) :]

    def get_common(self) -> bytes:
        """What the mails to all recipients have in common: the body."""
        end = _HEADER_END.search(self._raw)
        return self._raw[end.end() :] if end else b""


def parse_mail(mail: RawMail, log: FilteringBoundLogger) -> ParsedMail:
    """The mail, read. Raises RejectedContent; what a mail server has taken passes whatever happens."""
    try:
        return ParsedMail(mail)
    except Exception as error:
        if mail.source != "filter":
            raise
        log.exception("mail.not_read")
        return UnparsedMail(mail, error)


def _reject_leaks(raw: bytes) -> None:
    """The last look, without any idea of what a header is: no line of the block may pass for one of the removed."""
    block = HeaderBlock(raw, 0, len(raw))
    top = block.first_line_start  # an indented line there continues nothing
    head = raw[:top] + raw[top : block.end].lstrip(b" \t")
    # who ends a line at a few of them only may pass over the others in a name
    for line in chain(_ANY_LINE_BREAK.split(head), _COMMON_LINE_BREAK.split(head)):
        name, colon, _ = line.partition(b":")
        name = _NON_NAME_BYTES.sub(b"", name).strip(b"-").lower()
        if colon and line[:1] not in (b" ", b"\t") and (name in _BCC_HEADERS or name.startswith(b"ahasend-")):
            raise RejectedContent(f"the header block has a line that some readers take for {name[:40].decode()}")


def _remove_fields(raw: bytes, at: int, fields: list[HeaderField]) -> Iterator[memoryview]:
    """The mail from `at` on without these lines; nothing is copied, for it may be large."""
    view = memoryview(raw)
    for field in fields:
        yield view[at : field.start]
        at = field.end
    yield view[at:]


def _normalize_sender(sender: str) -> str:
    """With the domain as policy and keys are stored under; as it is when it cannot be one."""
    try:
        return addresses.normalize_domain(sender)
    except ValidationError:
        return sender


def _decode_header(text: str) -> str:
    try:
        shown = str(email.header.make_header(email.header.decode_header(text)))
    except (LookupError, ValueError, email.errors.MessageError):  # charsets are strangers' words
        return text
    return shown.encode("utf-8", "replace").decode("utf-8")  # UTF-7 and others make halves of characters


def to_submission(parsed: ParsedMail, mail: RawMail) -> Submission:
    """What its headers and its credential ask for; its recipients are those of the envelope."""
    preferences = parsed.preferences
    return Submission(
        sender=Mailbox(parsed.sender),
        recipients=(),
        subject=parsed.subject,
        preferences=TrackingPreferences(track_clicks=preferences.track_clicks, track_opens=preferences.track_opens),
        tags=preferences.tags,
        sandbox_result=(preferences.sandbox_result or "deliver") if preferences.sandbox or mail.sandbox else None,
        metadata_retention_days=preferences.metadata_retention_days,
        content_retention_days=preferences.content_retention_days,
    )


def make_message(
    parsed: ParsedMail, context: SubmissionContext, recipient: str, log: FilteringBoundLogger
) -> tuple[bytes, NewMessage, list[Note]]:
    """One recipient's mail, the message, whose `raw` it may become, and what is to be noted. Raises RejectedContent."""
    draft: Draft = context.make_draft(recipient, TrackingPreferences())
    domain = parsed.sender.rpartition("@")[2].lower()
    own = f"{draft.key}@{domain if _HOST_NAME.fullmatch(domain) else 'localhost'}"
    raw = parsed.without_private_headers(own, context.now)
    links = draft.links
    notes = parsed.notes
    if links.links is not None or links.pixel is not None or links.honeypot is not None:
        raw, more_notes = _rewrite_links(raw, draft, parsed.max_message_bytes, log)
        notes += more_notes
    message_id = parsed.message_id or own
    return raw, draft.to_new_message(raw, message_id=message_id, recipient=recipient, subject=parsed.subject), notes


def _rewrite_links(
    raw: bytes, draft: Draft, max_message_bytes: int | None, log: FilteringBoundLogger
) -> tuple[bytes, list[Note]]:
    """The mail with its links replaced; as it was when that fails, for no mail may be lost over its links."""
    links = draft.links
    try:
        done = rewrite_message(
            raw, links.links, switches=draft.policy.switches, pixel=links.pixel, honeypot=links.honeypot
        )
    except Exception as error:
        log.exception("mail.rewrite_failed")
        return raw, [Note("rewrite-failed", f"an error of this service: {type(error).__name__}")]
    if max_message_bytes is not None and len(raw) <= max_message_bytes < len(done.raw) + MAX_ADDED_HEADER_BYTES:
        return raw, [
            Note(
                "rewrite-too-large",
                f"with links replaced it has over {max_message_bytes} bytes, more than its way takes",
            )
        ]
    links.count_replaced(done.replaced)
    return done.raw, list(done.notes)

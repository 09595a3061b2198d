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
from typing import Literal

from structlog.typing import FilteringBoundLogger

from linkweir.errors import BadInput, RefusedContent
from linkweir.mail import address, originators, wish_headers
from linkweir.mail.accepting import Draft, Sending
from linkweir.mail.model import Wishes
from linkweir.mail.stage import Stage
from linkweir.mail.wish_headers import HeaderWishes
from linkweir.mime import Note, rewrite_message
from linkweir.mime.headers import BOM, LINES, Block, Field, unfolded
from linkweir.store.messages import NewMessage

_ID = re.compile(r"<([^<>\s]{1,500})>")
SUBJECT_LIMIT = 2000  # characters that are stored for people to recognise a mail by
# bytes of a header that are looked at: readers of encoded words and addresses take the square of the length or recurse
VALUE_LIMIT = 8000
FROM_LIMIT = 10  # fields; a mail has one
ADDED = 4096  # bytes of headers that a mail server may add of its own before it measures
TAGS_LIMIT = 10  # fields whose encoded words are read; a mail has one
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}")
_WORD = re.compile(rb"[ \t]*([A-Za-z-]+)[ \t]*(?:[\r\n]|\Z)")
_HIDDEN = re.compile(rb"(?<=[\r\n])[^!-~\r\n]*ahasend-[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)", re.IGNORECASE)
_BLIND = (b"bcc", b"resent-bcc")
_ANY_LINE = re.compile(rb"[\x00-\x08\n-\x1f]+")  # some reader may end a line at any of them
_END = re.compile(rb"^\r?\n", re.MULTILINE)
_WISHES = re.compile(rb"^ahasend-[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_NOT_IN_NAME = re.compile(rb"[^A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail with its envelope. `sandbox`: the credential that brought it only tries out."""

    envelope_from: str
    recipients: tuple[str, ...]
    raw: bytes
    source: Literal["smtp", "filter"]
    sandbox: bool = False
    smtputf8: bool = False  # as MAIL has asked (RFC 6531)
    largest: int | None = None  # bytes that its way out is known to take


class Opened:
    """A raw mail's headers, read once: `wishes` of its headers, `sender`, `subject`, `message_id` (None: missing).

    Raises RefusedContent for a mail of a sender's program that readers would understand differently.
    """

    def __init__(self, mail: RawMail) -> None:
        self._raw = mail.raw
        self.largest = mail.largest
        self._block = Block(mail.raw, 0, len(mail.raw))
        self._fields = [line for line in self._block.lines if line.name]
        self._submitted = mail.source == "smtp"
        if self._submitted and b"\0" in mail.raw:
            raise RefusedContent("the mail has a NUL character, at which readers end a line or a mail (RFC 5322, 4)")
        if self._submitted and self._block.bare:
            raise RefusedContent("the headers have a bare CR, at which some readers end a line (RFC 5322, 2.2)")
        if self._submitted and self._block.cut is not None:
            raise RefusedContent(f"the mail has more than {LINES} header lines")
        if self._submitted and not self._block.lines and self._block.odd is not None:
            raise RefusedContent("the mail begins with an empty line, so that all of its headers would be text")
        self._gone = list(self._removed())
        self.wishes = wish_headers.read(self._texts())
        self.senders = self._senders()
        self.sender = _normal(next((one for one in self.senders if "@" in one), mail.envelope_from))
        self.subject = _decoded(self._first(b"subject") or "")[:SUBJECT_LIMIT]
        found = _ID.search(self._first(b"message-id") or "")
        self.message_id = found[1] if found else None

    @property
    def notes(self) -> list[Note]:
        """What to note of its headers."""
        notes = [Note("header-ignored", warning) for warning in self.wishes.warnings]
        if self._block.odd is not None:
            number = self._raw.count(b"\n", 0, self._block.odd) + 1
            notes.append(Note("odd-header", f"line {number} is no header line; some readers end the headers there"))
        return notes

    def _removed(self) -> Iterator[Field]:
        """The lines that must not leave, each with what some readers take for its continuation."""
        block = self._block
        at = 0
        while at < len(block.lines):
            one, at = block.lines[at], at + 1
            if not self._is_hidden(one):
                continue
            odd_behind = at < len(block.lines) and not block.lines[at].regular
            if self._submitted and (odd_behind or one.start >= block.body):
                self._refuse(one)
            # a mail server's mail is never refused: of its lines only those go that are headers by our own reading
            while at < len(block.lines) and self._continues(block.lines[at]):
                one = one._replace(end=block.lines[at].end)
                at += 1
            yield one
        for found in _HIDDEN.finditer(self._raw, block.cut, block.end) if block.cut is not None else ():
            yield Field(b"", found.start(), found.start(), found.end(), regular=False)

    def _continues(self, line: Field) -> bool:
        return not (line.regular or line.name or self._is_hidden(line)) and line.start < self._block.body

    def _is_hidden(self, one: Field) -> bool:
        found = None if one.name else _WORD.match(self._raw, one.start, one.end)  # some readers miss no ":"
        name = found[1].lower() if found else one.name
        return name.startswith(b"ahasend-") or (self._submitted and name in _BLIND)

    def _refuse(self, one: Field) -> None:
        number = self._raw.count(b"\n", 0, one.start) + 1
        name = one.name[:40].decode("latin-1")
        raise RefusedContent(
            f"the header block has a line that is no header beside {name} in line {number}: it could not be removed "
            "for all readers; correct the line or put an empty line before the body"
        )

    def _texts(self) -> Iterator[tuple[str, str]]:
        decoded = 0
        for one in self._fields:
            if one.name.startswith(b"ahasend-"):
                text = self._text(one)
                if one.name == b"ahasend-tags" and "=?" in text and decoded < TAGS_LIMIT:
                    decoded += 1
                    text = _decoded(text)
                yield one.name.decode("ascii"), text

    def _first(self, name: bytes) -> str | None:
        found = next((one for one in self._fields if one.name == name), None)
        return self._text(found) if found else None

    def _text(self, field: Field) -> str:
        short = field._replace(end=min(field.end, field.value + VALUE_LIMIT))
        return unfolded(self._raw, short).decode("utf-8", "replace")

    def _senders(self) -> list[str]:
        """Every address of every From field."""
        try:
            some = [self._text(one) for one in self._fields if one.name == b"from"][:FROM_LIMIT]
            found = email.utils.getaddresses(some)
        except RecursionError:  # comments inside each other
            found = []
        return [one for _, one in found]

    @property
    def originators(self) -> Iterator[tuple[bytes, str]]:
        """Each header that names a sender, wherever some reader would find it, with its whole value."""
        for one in self._fields:
            if one.name in originators.HEADERS:
                yield one.name, unfolded(self._raw, one).decode("utf-8", "replace")

    def cleaned(self, message_id: str, now: int) -> bytes:
        """The mail without what is not for its readers, and with what it must have."""
        head = self._raw[: self._block.end]
        newline = b"\r\n" if b"\r\n" in head or b"\n" not in head else b"\n"
        added = []
        if self._first(b"message-id") is None:
            added.append(b"Message-ID: <" + message_id.encode("ascii") + b">" + newline)
        if self._first(b"date") is None:
            moment = datetime.fromtimestamp(now // 1_000_000, UTC)
            added.append(b"Date: " + email.utils.format_datetime(moment).encode("ascii") + newline)
        start = self._block.top
        before = self._raw[:start].removeprefix(BOM)
        cleaned = b"".join([before, *added, *_without(self._raw, start, self._gone)])
        if self._submitted:
            _refuse_leak(cleaned)
        return cleaned


class Unread(Opened):
    """A mail that reading has failed on, an error of ours: it passes on untracked, without its `ahasend-*` lines."""

    def __init__(self, mail: RawMail, error: Exception) -> None:
        self._raw = mail.raw
        self._error = type(error).__name__
        self.largest = mail.largest
        self.wishes = HeaderWishes(track_clicks=False, track_opens=False)
        self.sender, self.subject, self.message_id = mail.envelope_from, "", None

    @property
    def notes(self) -> list[Note]:
        """What to note of it."""
        return [Note("not-read", f"an error of this service: {self._error}; the mail was passed on untracked")]

    def cleaned(self, message_id: str, now: int) -> bytes:
        """The mail without what is not for its readers."""
        end = _END.search(self._raw)
        head = self._raw[: end.start() if end else len(self._raw)]
        return _WISHES.sub(b"", head) + self._raw[len(head) :]


def opened(mail: RawMail, log: FilteringBoundLogger) -> Opened:
    """The mail, read. Raises RefusedContent; what a mail server has taken passes whatever happens."""
    try:
        return Opened(mail)
    except Exception as error:
        if mail.source != "filter":
            raise
        log.exception("mail.not_read")
        return Unread(mail, error)


def _refuse_leak(raw: bytes) -> None:
    """The last look, without any idea of what a header is: no line of the block may pass for one of the removed."""
    end = Block(raw, 0, len(raw)).end
    for line in _ANY_LINE.split(raw[:end]):
        name, colon, _ = line.partition(b":")
        name = _NOT_IN_NAME.sub(b"", name).lower()
        if colon and line[:1] not in (b" ", b"\t") and (name in _BLIND or name.startswith(b"ahasend-")):
            raise RefusedContent(f"the header block has a line that some readers take for {name[:40].decode()}")


def _without(raw: bytes, at: int, gone: list[Field]) -> Iterator[bytes]:
    """The mail from `at` on without these lines."""
    for one in gone:
        yield raw[at : one.start]
        at = one.end
    yield raw[at:]


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _normal(sender: str) -> str:
    """With the domain as policy and keys are stored under; as it is when it cannot be one."""
    try:
        return address.normal(sender)
    except BadInput:
        return sender


def _decoded(text: str) -> str:
    try:
        shown = str(email.header.make_header(email.header.decode_header(text)))
    except (LookupError, ValueError, email.errors.MessageError):  # charsets are strangers' words
        return text
    return shown.encode("utf-8", "replace").decode("utf-8")  # UTF-7 and others make halves of characters


def accept(
    opened: Opened, sending: Sending, recipient: str, stage: Stage, log: FilteringBoundLogger
) -> tuple[NewMessage, list[Note]]:
    """One recipient's message, its mail on the stage, and what is to be noted of it. Raises RefusedContent,
    StoreUnavailable.
    """
    draft: Draft = sending.draft(Wishes())
    domain = _domain(sending.sender)
    own = f"{draft.key}@{domain if _HOST.fullmatch(domain) else 'localhost'}"
    raw = opened.cleaned(own, sending.now)
    ours = draft.links
    notes = opened.notes
    if ours.links is not None or ours.pixel is not None or ours.honeypot is not None:
        raw, found = _rewritten(raw, draft, opened.largest, log)
        notes += found
    message_id, kept = opened.message_id or own, stage.put(raw)
    return draft.finished(kept, message_id=message_id, recipient=recipient, subject=opened.subject), notes


def _rewritten(raw: bytes, draft: Draft, largest: int | None, log: FilteringBoundLogger) -> tuple[bytes, list[Note]]:
    """The mail with its links replaced; as it was when that fails, for no mail may be lost over its links."""
    ours = draft.links
    try:
        done = rewrite_message(
            raw, ours.links, switches=draft.policy.switches, pixel=ours.pixel, honeypot=ours.honeypot
        )
    except Exception as error:
        log.exception("mail.rewrite_failed")
        return raw, [Note("rewrite-failed", f"an error of this service: {type(error).__name__}")]
    if largest is not None and len(raw) <= largest < len(done.raw) + ADDED:
        return raw, [
            Note("rewrite-too-large", f"with links replaced it has over {largest} bytes, more than its way takes")
        ]
    ours.replaced(done.replaced)
    return done.raw, list(done.notes)

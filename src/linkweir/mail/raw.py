"""Takes a raw mail from SMTP or a mail server: one message for each recipient, spliced and otherwise as it came.

Removed are the `ahasend-*` headers and, from a sender's own program, `Bcc`; added, where they are missing, Message-ID
and Date (RFC 6409 section 8). Everything else but the links is byte for byte the sender's.
"""

import email.header
import email.utils
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from linkweir.errors import BadInput
from linkweir.mail import wish_headers
from linkweir.mail.accepting import Draft, Sending
from linkweir.mail.model import Wishes
from linkweir.mail.stage import Stage
from linkweir.mime import Note, rewrite_message
from linkweir.mime.headers import Field, fields, unfolded
from linkweir.store.messages import NewMessage

_ID = re.compile(r"<([^<>\s]{1,500})>")
SUBJECT_LIMIT = 2000  # characters that are stored for people to recognise a mail by
# bytes of a header that are looked at: readers of encoded words and addresses take the square of the length or recurse
VALUE_LIMIT = 8000
FROM_LIMIT = 10  # fields; a mail has one
TAGS_LIMIT = 10  # fields whose encoded words are read; a mail has one
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}")


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail with its envelope. `sandbox`: the credential that brought it only tries out."""

    envelope_from: str
    recipients: tuple[str, ...]
    raw: bytes
    source: Literal["smtp", "filter"]
    sandbox: bool = False


class Opened:
    """A raw mail's headers, read once: `wishes` of its headers, `sender`, `subject`, `message_id` (None: missing)."""

    def __init__(self, mail: RawMail) -> None:
        self._raw = mail.raw
        self._fields, self._body = fields(mail.raw, 0, len(mail.raw))
        self.wishes = wish_headers.read(self._texts())
        self.senders = self._senders()
        self.sender = next((one for one in self.senders if "@" in one), mail.envelope_from)
        self.subject = _decoded(self._first(b"subject") or "")[:SUBJECT_LIMIT]
        found = _ID.search(self._first(b"message-id") or "")
        self.message_id = found[1] if found else None
        gone = (b"bcc", b"resent-bcc") if mail.source == "smtp" else ()
        self._gone = [one for one in self._fields if one.name.startswith(b"ahasend-") or one.name in gone]

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
        short = Field(field.name, field.start, field.value, min(field.end, field.value + VALUE_LIMIT))
        return unfolded(self._raw, short).decode("utf-8", "replace")

    def _senders(self) -> list[str]:
        """Every address of every From field."""
        try:
            some = [self._text(one) for one in self._fields if one.name == b"from"][:FROM_LIMIT]
            found = email.utils.getaddresses(some)
        except RecursionError:  # comments inside each other
            found = []
        return [address for _, address in found]

    def is_from(self, domains: Sequence[str]) -> bool:
        """Whether the mail says, once and as every reader will understand it, that it comes from these domains."""
        once = sum(one.name == b"from" for one in self._fields) == 1
        return once and bool(self.senders) and all(_domain(one) in domains for one in self.senders)

    def cleaned(self, message_id: str, now: int) -> bytes:
        """The mail without what is not for its readers, and with what it must have."""
        newline = b"\r\n" if b"\r\n" in self._raw[: self._body] or b"\n" not in self._raw[: self._body] else b"\n"
        added = []
        if self._first(b"message-id") is None:
            added.append(b"Message-ID: <" + message_id.encode("ascii") + b">" + newline)
        if self._first(b"date") is None:
            moment = datetime.fromtimestamp(now // 1_000_000, UTC)
            added.append(b"Date: " + email.utils.format_datetime(moment).encode("ascii") + newline)
        return b"".join([*added, *_without(self._raw, self._gone)])


def _without(raw: bytes, gone: list[Field]) -> Iterator[bytes]:
    at = 0
    for one in gone:
        yield raw[at : one.start]
        at = one.end
    yield raw[at:]


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _decoded(text: str) -> str:
    try:
        shown = str(email.header.make_header(email.header.decode_header(text)))
    except (LookupError, UnicodeError, ValueError, email.errors.HeaderParseError):
        return text
    return shown.encode("utf-8", "replace").decode("utf-8")  # UTF-7 and others make halves of characters


def accept(opened: Opened, sending: Sending, recipient: str, stage: Stage) -> tuple[NewMessage, list[Note]]:
    """One recipient's message, its mail on the stage, and what is to be noted of it. Raises BadInput,
    StoreUnavailable.
    """
    if not recipient.isascii() or len(recipient) > 320:
        raise BadInput("RCPT TO", "is not an address that can be delivered to")
    draft: Draft = sending.draft(Wishes())
    domain = _domain(sending.sender)
    own = f"{draft.key}@{domain if _HOST.fullmatch(domain) else 'localhost'}"
    raw = opened.cleaned(own, sending.now)
    ours = draft.links
    notes = [Note("header-ignored", warning) for warning in opened.wishes.warnings]
    if ours.links is not None or ours.pixel is not None or ours.honeypot is not None:
        raw, found = _rewritten(raw, draft)
        notes += found
    message_id, kept = opened.message_id or own, stage.put(raw)
    return draft.finished(kept, message_id=message_id, recipient=recipient, subject=opened.subject), notes


def _rewritten(raw: bytes, draft: Draft) -> tuple[bytes, list[Note]]:
    """The mail with its links replaced; as it was when that fails, for no mail may be lost over its links."""
    ours = draft.links
    try:
        done = rewrite_message(
            raw, ours.links, switches=draft.policy.switches, pixel=ours.pixel, honeypot=ours.honeypot
        )
    except Exception as error:
        return raw, [Note("rewrite-failed", f"an error of this service: {type(error).__name__}")]
    ours.replaced(done.replaced)
    return done.raw, list(done.notes)

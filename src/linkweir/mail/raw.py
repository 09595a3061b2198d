"""Takes a raw mail from SMTP or a mail server: one message for each recipient, spliced and otherwise as it came.

Removed are the `ahasend-*` headers and, from a sender's own program, `Bcc`; added, where they are missing, Message-ID
and Date (RFC 6409 section 8). Everything else but the links is byte for byte the sender's.
"""

import email.header
import email.utils
import re
from collections.abc import Iterator
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
        self.sender = self._sender(mail.envelope_from)
        self.subject = _decoded(self._first(b"subject") or "")[:SUBJECT_LIMIT]
        found = _ID.search(self._first(b"message-id") or "")
        self.message_id = found[1] if found else None
        gone = (b"bcc", b"resent-bcc") if mail.source == "smtp" else ()
        self._gone = [one for one in self._fields if one.name.startswith(b"ahasend-") or one.name in gone]

    def _texts(self) -> Iterator[tuple[str, str]]:
        for one in self._fields:
            if one.name.startswith(b"ahasend-"):
                yield one.name.decode("ascii"), unfolded(self._raw, one).decode("latin-1")

    def _first(self, name: bytes) -> str | None:
        found = next((one for one in self._fields if one.name == name), None)
        return unfolded(self._raw, found).decode("utf-8", "replace") if found else None

    def _sender(self, envelope_from: str) -> str:
        _, address = email.utils.parseaddr(self._first(b"from") or "")
        return address if "@" in address else envelope_from

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


def _decoded(text: str) -> str:
    try:
        return str(email.header.make_header(email.header.decode_header(text)))
    except (LookupError, UnicodeError, ValueError, email.errors.HeaderParseError):
        return text


def accept(opened: Opened, sending: Sending, recipient: str, stage: Stage) -> tuple[NewMessage, list[Note]]:
    """One recipient's message, its mail on the stage, and what is to be noted of it. Raises BadInput,
    StoreUnavailable.
    """
    if not recipient.isascii() or len(recipient) > 320:
        raise BadInput("RCPT TO", "is not an address that can be delivered to")
    draft: Draft = sending.draft(Wishes())
    domain = sending.sender.rpartition("@")[2]
    own = f"{draft.key}@{domain if domain.isascii() and domain else 'localhost'}"
    raw = opened.cleaned(own, sending.now)
    ours = draft.links
    notes = [Note("header-ignored", warning) for warning in opened.wishes.warnings]
    if ours.links is not None or ours.pixel is not None:
        raw, found = _rewritten(raw, draft)
        notes += found
    message_id, kept = opened.message_id or own, stage.put(raw)
    return draft.finished(kept, message_id=message_id, recipient=recipient, subject=opened.subject), notes


def _rewritten(raw: bytes, draft: Draft) -> tuple[bytes, list[Note]]:
    """The mail with its links replaced; as it was when that fails, for no mail may be lost over its links."""
    try:
        done = rewrite_message(raw, draft.links.links, switches=draft.policy.switches, pixel=draft.links.pixel)
    except Exception as error:
        return raw, [Note("rewrite-failed", f"an error of this service: {type(error).__name__}")]
    return done.raw, list(done.notes)

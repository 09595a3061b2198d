"""Builds the mails of one submission: the standard library writes one skeleton, into which each recipient's headers
and bodies are put.

HTML goes out in base64, which keeps its bytes exactly: any line end, any length of line and any character survives
transport as it is. All values were checked before (see `content_validation`).
"""

import random
import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import cache
from typing import Any, Literal

from linkweir.mail.content_validation import (
    ADDRESS_HEADERS,
    MAX_LINE_BYTES,
    parse_content_type,
    parse_date,
    parse_file_name,
    parse_mailboxes,
)
from linkweir.mail.message_types import MailAttachment, Mailbox, Submission
from linkweir.mime.mail_delta import MailParts, encode_base64_lines

LARGE_BODY_BYTES = 256 * 1024  # characters of a text that the standard library is not given: it would look for long
MAX_TEXT_LINE_CHARS = 78  # RFC 5322 section 2.1.1; the standard library encodes a text with longer lines
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")  # legal in no transfer encoding but base64
PLAIN_NAME = re.compile(r"(?:[A-Za-z0-9]+(?: [A-Za-z0-9]+)*)?")  # a display name that is written as it is
MAX_BOUNDARY_ATTEMPTS = 10  # skeletons written for one text; a second one is needed for none that was not made for it
TextForm = Literal["7bit", "quoted-printable", "base64", "large"]  # large: base64, with its two headers exchanged
Slot = Literal["to", "subject", "message_id", "text", "html"]


class _SafeHeaderPolicy(EmailPolicy):
    """Writes headers where the standard policy is known to do harm.

    It reads the text of a header before it writes it: what an encoded word hides, line breaks and all, would become
    headers (the attack: `=?utf-8?q?a=0D=0ABcc:_x?=`). It folds at 78 and encodes a long word without a space to fold
    at (List-Unsubscribe), which no receiver of such a header decodes; and from a folded non-ASCII name it loses the
    quoting, so that a comma splits an address.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Texts are kept as they are; addresses and what the bodies' own headers need are parsed."""
        lower = name.lower()
        if isinstance(value, str) and (lower == "content-id" or not lower.startswith(("content-", "mime-"))):
            return name, value
        return super().header_store_parse(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """One header with its CRLF: whole while it fits RFC 5322's hard limit, else folded or in encoded words."""
        line = f"{name}: {value}"
        if isinstance(value, AddressHeader) and "=?" in line:  # a name that a reader would take for an encoded word
            return _fold_addresses(name, value)
        if line.isascii() and len(line) <= MAX_LINE_BYTES and "\n" not in line and "\r" not in line:
            return line.encode("ascii") + b"\r\n"
        if isinstance(value, AddressHeader):
            return _fold_addresses(name, value)
        if name.lower().startswith("content-"):
            return super().fold_binary(name, value)
        return f"{name}: {_fold_header(name, str(value))}\r\n".encode("ascii")


def _fold_header(name: str, text: str) -> str:
    if text.isascii():
        folded = Header(text, "us-ascii", header_name=name).encode(linesep="\r\n")
        if all(len(line) <= MAX_LINE_BYTES for line in f"{name}: {folded}".split("\r\n")):
            return folded
    return Header(text, "utf-8", header_name=name).encode(linesep="\r\n")


def _fold_addresses(name: str, value: AddressHeader) -> bytes:
    return f"{name}: {', '.join(map(_encode_address, value.addresses))}\r\n".encode("ascii")


def _encode_address(address: Address) -> str:
    encoded = Header(address.display_name, "utf-8", maxlinelen=60).encode(linesep="\r\n")
    return f"{encoded}\r\n <{address.addr_spec}>"


OUTGOING_POLICY = _SafeHeaderPolicy(linesep="\r\n", utf8=False, cte_type="7bit", max_line_length=78)


class MailBuilder:
    """Builds the mails of one submission for one recipient after the other.

    Args: `headers` as `content_validation.check_headers` returned them; `now` is microseconds since 1970, the date of
    all mails unless the headers have one.
    """

    def __init__(self, submission: Submission, headers: Mapping[str, str], now: int) -> None:
        self._submission = submission
        self._headers = headers
        self._now = now
        self._skeletons: dict[tuple[TextForm | None, bool], _Skeleton] = {}
        self._encoded_text: tuple[str, TextForm, bytes] | None = None  # the last text

    def build(self, to: Mailbox, *, message_id: str, subject: str, text: str | None, html: bytes | None) -> MailParts:
        """Return the mail with CRLF line ends, its HTML as the content. `message_id` has its angle brackets, `html` is
        UTF-8.
        """
        form, text_body = (None, b"") if text is None else self._encode_text(text)
        values: dict[Slot, bytes] = {
            "to": _write_mailbox("To", to),
            "subject": OUTGOING_POLICY.fold_binary("Subject", subject),
            "message_id": OUTGOING_POLICY.fold_binary("Message-ID", message_id),
            "text": text_body,
        }
        skeleton = self._get_skeleton(form, text_body, has_html=html is not None)
        before, after = skeleton.fill(values)
        return MailParts(before, html or b"", after)

    def get_common(self) -> bytes:
        """What the mails that were built have in common: the submission's own texts, and all that is not in slots."""
        submission = self._submission
        text = encode_text(submission.text)[1] if submission.text is not None else b""
        pieces = (piece for skeleton in self._skeletons.values() for piece in skeleton.pieces)
        return b"".join(((submission.html or "").encode(), text, *pieces))

    def _encode_text(self, text: str) -> tuple[TextForm, bytes]:
        if self._encoded_text is None or self._encoded_text[0] != text:
            self._encoded_text = (text, *encode_text(text))
        return self._encoded_text[1:]

    def _get_skeleton(self, form: TextForm | None, text_body: bytes, *, has_html: bool) -> "_Skeleton":
        """The skeleton for these bodies, with no boundary that occurs in the text."""
        skeleton = self._skeletons.get((form, has_html))
        for _ in range(MAX_BOUNDARY_ATTEMPTS):
            if skeleton is not None and not any(boundary in text_body for boundary in skeleton.boundaries):
                return skeleton
            skeleton = self._skeletons[form, has_html] = self._write_skeleton(form, has_html=has_html)
        raise RuntimeError("every boundary occurs in the text")

    def _write_skeleton(self, form: TextForm | None, *, has_html: bool) -> "_Skeleton":
        before_to, before_subject, before_id, behind_id = self._write_headers()
        submission = self._submission
        if submission.attachments or submission.amp is not None:
            bodies = _write_bodies(submission, form, has_html=has_html)
        else:
            bodies = _get_plain_bodies(form, has_html=has_html).with_new_boundaries()
        return _Skeleton(
            [before_to, before_subject, before_id, behind_id + bodies.pieces[0], *bodies.pieces[1:]],
            ["to", "subject", "message_id", *bodies.slots],
            bodies.boundaries,
        )

    def _write_headers(self) -> tuple[bytes, bytes, bytes, bytes]:
        """What stands before To, Subject and Message-ID, and behind them."""
        submission, headers = self._submission, self._headers
        dates = [parse_date(value, name) for name, value in headers.items() if name.lower() == "date"]
        date = format_datetime(dates[0] if dates else datetime.fromtimestamp(self._now / 1_000_000, UTC))
        own = [
            _write_header(
                name,
                tuple(map(_to_address, parse_mailboxes(value, name))) if name.lower() in ADDRESS_HEADERS else value,
            )
            for name, value in headers.items()
            if name.lower() != "date"
        ]
        reply_to = _write_mailbox("Reply-To", submission.reply_to) if submission.reply_to else b""
        return _write_mailbox("From", submission.sender), reply_to, _write_header("Date", date), b"".join(own)


def _write_header(name: str, value: Any) -> bytes:
    return OUTGOING_POLICY.fold_binary(*OUTGOING_POLICY.header_store_parse(name, value))


def _write_bodies(submission: Submission, form: TextForm | None, *, has_html: bool) -> "_Skeleton":
    """What follows the headers of the submission's own: those of the bodies, and the bodies with their slots."""
    marks, mail = _Placeholders(), EmailMessage(policy=OUTGOING_POLICY)
    _set_bodies(mail, marks, submission, form, has_html=has_html)
    return marks.cut(mail.as_bytes(), _get_boundaries(mail))


@cache
def _get_plain_bodies(form: TextForm | None, *, has_html: bool) -> "_Skeleton":
    """The same for mails without files, which all have the same but for their boundaries. The library takes longer to
    write it than all the rest of a mail.
    """
    marks, mail = _Placeholders(), EmailMessage(policy=OUTGOING_POLICY)
    _set_bodies(mail, marks, _EMPTY_SUBMISSION, form, has_html=has_html)
    for part in mail.walk():
        if part.is_multipart():
            part.set_boundary(_format_boundary(0))
    return marks.cut(mail.as_bytes(), _get_boundaries(mail))


_EMPTY_SUBMISSION = Submission(sender=Mailbox(""), recipients=(), subject="")


def _format_boundary(number: int) -> str:
    """A boundary as the standard library writes it."""
    return f"{'=' * 15}{number:0{len(str(sys.maxsize))}d}=="


def _set_bodies(
    mail: EmailMessage, marks: "_Placeholders", submission: Submission, form: TextForm | None, *, has_html: bool
) -> None:
    has_text, amp = form is not None, submission.amp
    if form == "large":
        mail.set_content(marks.add_body("text"), "text", "plain", cte="base64", params={"charset": "utf-8"})
    elif form is not None:
        mail.set_content(marks.add_text(form), charset="utf-8", cte=form)
    if amp is not None and (has_text or has_html):
        # before the HTML: readers show the last alternative that they know, and few know this one
        _add_html_part(mail, marks.add_body(amp.encode()), "x-amp-html", alternative=has_text)
    if has_html:
        _add_html_part(mail, marks.add_body("html"), "html", alternative=has_text or amp is not None)
    page = mail.get_body(("html",))
    files = list(enumerate(submission.attachments))
    if page is not None:  # inline ones first: to a page that is the whole mail none can be added after a file
        files.sort(key=lambda file: not file[1].inline)
    for index, item in files:
        _add_attachment(mail, page, item, marks.add_body(item.data), f"attachments[{index}]")


@dataclass(frozen=True, slots=True)
class _Skeleton:
    """A mail with slots: a piece, a slot, a piece, a slot, …, a piece."""

    pieces: list[bytes]
    slots: list[Slot]
    boundaries: list[bytes]

    def fill(self, values: Mapping[Slot, bytes]) -> tuple[bytes, bytes]:
        """Return what stands before the slot of the HTML and behind it, with these values, each with its line ends, in
        the other slots; without that slot all of it and nothing.
        """
        parts, before = [self.pieces[0]], b""
        for slot, piece in zip(self.slots, self.pieces[1:], strict=True):
            if slot == "html":
                before, parts = b"".join(parts), [piece]
            else:
                parts += (values[slot], piece)
        return (before, b"".join(parts)) if "html" in self.slots else (b"".join(parts), b"")

    def with_new_boundaries(self) -> "_Skeleton":
        """Return the same with others, as random as the library's."""
        pieces, boundaries = self.pieces, list[bytes]()
        for old in self.boundaries:
            new = _format_boundary(random.randrange(sys.maxsize)).encode("ascii")  # noqa: S311 - no secret
            pieces = [piece.replace(old, new) for piece in pieces]
            boundaries.append(new)
        return _Skeleton(pieces, self.slots, boundaries)


class _Placeholders:
    """Lines that the standard library is given instead of values: random, so that nothing else in the mail is one."""

    def __init__(self) -> None:
        self._lines: dict[bytes, Slot | bytes] = {}

    def add_text(self, form: TextForm) -> str:
        """What to set as a text in this form."""
        mark = _make_mark()
        line = mark.encode() + b"\r\n"
        self._lines[encode_base64_lines(line) if form == "base64" else line] = "text"
        return mark

    def add_body(self, body: Slot | bytes) -> bytes:
        """What to set in base64: for a slot, or for content that is the same for all."""
        mark = _make_mark().encode()
        self._lines[encode_base64_lines(mark)] = body if isinstance(body, str) else encode_base64_lines(body)
        return mark

    def cut(self, mail: bytes, boundaries: list[bytes]) -> _Skeleton:
        """Cut the mail at the slots, and put in what is the same for all."""
        skeleton = _Skeleton([], [], boundaries)
        piece: list[bytes] = []
        at = 0
        for start, line in sorted((mail.index(line), line) for line in self._lines):
            piece.append(mail[at:start])
            at = start + len(line)
            value = self._lines[line]
            if isinstance(value, bytes):
                piece.append(value)
            else:
                skeleton.pieces.append(b"".join(piece))
                skeleton.slots.append(value)
                piece = []
        skeleton.pieces.append(b"".join([*piece, mail[at:]]))
        return skeleton


def _get_boundaries(mail: EmailMessage) -> list[bytes]:
    """Those that the library has made while it wrote the mail; what a header or an attachment calls so is none."""
    parts = [part for part in mail.walk() if part.is_multipart()]
    return [boundary.encode("ascii") for part in parts if (boundary := part.get_boundary()) is not None]


def _make_mark() -> str:
    return secrets.token_hex(24)  # of one line in base64


def encode_text(text: str) -> tuple[TextForm, bytes]:
    """Return the form that the standard library chooses for a text, and its lines in it."""
    if len(text) > LARGE_BODY_BYTES:
        data = text.encode().replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n") + b"\n"
        return "large", encode_base64_lines(data.replace(b"\n", b"\r\n"))
    has_controls = CONTROL_CHARACTERS.search(text) is not None
    lines = text.encode().splitlines() if text.isascii() and not has_controls else None
    if lines is not None and max(map(len, lines), default=0) <= MAX_TEXT_LINE_CHARS:
        return "7bit", b"\r\n".join(lines) + b"\r\n"
    part = EmailMessage(policy=OUTGOING_POLICY)
    part.set_content(text, charset="utf-8", cte="base64" if has_controls else None)
    form: TextForm = part["Content-Transfer-Encoding"].cte
    return form, part.as_bytes().partition(b"\r\n\r\n")[2]


def _to_address(mailbox: Mailbox) -> Address:
    return Address(mailbox.name, addr_spec=mailbox.email)


def _write_mailbox(name: str, mailbox: Mailbox) -> bytes:
    """A header with one address; where nothing needs quoting or encoding without the library, which parses what it has
    written.
    """
    if mailbox.email.isascii() and PLAIN_NAME.fullmatch(mailbox.name):
        return OUTGOING_POLICY.fold_binary(name, f"{mailbox.name} <{mailbox.email}>" if mailbox.name else mailbox.email)
    return _write_header(name, _to_address(mailbox))


def _add_html_part(mail: EmailMessage, data: bytes, subtype: str, *, alternative: bool) -> None:
    put = mail.add_alternative if alternative else mail.set_content
    # as bytes: set as text, the standard library would turn every line end into one of its own
    put(data, "text", subtype, cte="base64", params={"charset": "utf-8"})


def _add_attachment(mail: EmailMessage, page: Any, item: MailAttachment, data: bytes, field: str) -> None:
    maintype, subtype, params = parse_content_type(item)
    inline = item.inline and page is not None
    add = page.add_related if inline else mail.add_attachment
    add(
        data,
        maintype,
        subtype,
        disposition="inline" if inline else "attachment",
        filename=parse_file_name(item.file_name, f"{field}.file_name"),
        cid=item.content_id or None,
        params=params,
    )

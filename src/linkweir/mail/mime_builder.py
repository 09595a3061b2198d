"""Builds the mail of one message: headers that cannot be injected into, bodies that keep the HTML's
bytes exactly.

HTML goes out in base64: any line end, any length of line and any character survives transport as it is.
"""

import base64
import contextlib
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import Header, decode_header, make_header
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, getaddresses, parsedate_to_datetime
from typing import Any

from linkweir.errors import ValidationError
from linkweir.mail import addresses
from linkweir.mail.addresses import require_single_line
from linkweir.mail.message_types import MailAttachment, Mailbox, Submission

MAX_LINE_BYTES = 998  # RFC 5322 section 2.1.1, without CRLF
MAX_HEADER_CHARS = MAX_LINE_BYTES * 8  # characters of one header; longer ones take long to encode
MAX_FILE_NAME_CHARS = 1000  # characters
LARGE_BODY_BYTES = 256 * 1024  # bytes of a body, or characters, that the standard library is not given
BASE64_LINE_BYTES = 57  # bytes that a line of base64 holds (RFC 2045 section 6.8)
MAX_LINKS = 50_000  # in one page; each takes memory
COUNT_CHUNK_CHARS = 1 << 20  # characters of a page that are looked at in one go
MAX_ATTACHMENTS = 500  # attachments of one mail
MAX_HEADERS = 500  # of a customer's own
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")  # legal in no transfer encoding but base64
HEADER_NAME = re.compile(r"[!-9;-~]{1,64}")
# RFC 2045 section 5.1; a quoted value holds nothing that would need a backslash
PARAMETER = r"""[ \t]*;[ \t]*([A-Za-z0-9!#$&^_.+-]{1,64})=(?:([A-Za-z0-9!#$&^_.+*'-]{1,255})|"([ !#-\[\]-~]{0,255})")"""
CONTENT_TYPE = re.compile(rf"([A-Za-z0-9!#$&^_.+-]{{1,64}})/([A-Za-z0-9!#$&^_.+-]{{1,64}})((?:{PARAMETER})*)")
CONTENT_ID = re.compile(r"<[!-;=?-~]{1,200}>")
# written by us or by those after us; a second one would contradict the first
RESERVED_HEADERS = frozenset(
    (
        *("from", "message-id", "mime-version", "received", "subject", "to"),
        *("resent-to", "resent-cc", "resent-bcc", "resent-from", "resent-sender", "resent-date", "resent-message-id"),
    )
)
IGNORED_HEADERS = {  # what client libraries send along with the rest; why it has no effect
    "bcc": "who else gets the mail is not shown in it",
    "return-path": "the server that delivers the mail writes it",
}
ADDRESS_HEADERS = ("reply-to", "cc", "sender")
FOLDED_LINE_BREAK = re.compile(r"\r?\n[ \t]+")  # as a client may have prepared a header for a mail


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
        if line.isascii() and len(line) <= MAX_LINE_BYTES and "\n" not in line and "\r" not in line:
            return line.encode("ascii") + b"\r\n"
        if isinstance(value, AddressHeader):
            return f"{name}: {', '.join(map(_encode_address, value.addresses))}\r\n".encode("ascii")
        if name.lower().startswith("content-"):
            return super().fold_binary(name, value)
        return f"{name}: {_fold_header(name, str(value))}\r\n".encode("ascii")


def _fold_header(name: str, text: str) -> str:
    if text.isascii():
        folded = Header(text, "us-ascii", header_name=name).encode(linesep="\r\n")
        if all(len(line) <= MAX_LINE_BYTES for line in f"{name}: {folded}".split("\r\n")):
            return folded
    return Header(text, "utf-8", header_name=name).encode(linesep="\r\n")


def _encode_address(address: Address) -> str:
    encoded = Header(address.display_name, "utf-8", maxlinelen=60).encode(linesep="\r\n")
    return f"{encoded}\r\n <{address.addr_spec}>"


OUTGOING_POLICY = _SafeHeaderPolicy(linesep="\r\n", utf8=False, cte_type="7bit", max_line_length=78)


def check_headers(headers: Mapping[str, str], *, has_reply_to: bool) -> dict[str, str]:
    """The customer's own headers that go out: `message-id`, `ahasend-*` and those that are ignored are not among them.

    Raises ValidationError naming the header.
    """
    if len(headers) > MAX_HEADERS:
        raise ValidationError("headers", f"are more than {MAX_HEADERS}")
    checked: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in headers.items():
        field = f"headers.{name!a}"
        if not HEADER_NAME.fullmatch(name):
            raise ValidationError(field, "is not the name of a header")
        lower = name.lower()
        if lower == "message-id" or lower in IGNORED_HEADERS or lower.startswith("ahasend-"):
            continue
        if lower in RESERVED_HEADERS or lower.startswith("content-"):
            raise ValidationError(field, "cannot be set, since it is made from the other fields")
        if lower in seen:
            raise ValidationError(field, "is given twice, in different spellings")
        if lower == "reply-to" and has_reply_to:
            raise ValidationError(field, "cannot be given together with reply_to")
        seen.add(lower)
        checked[name] = require_single_line(FOLDED_LINE_BREAK.sub(" ", check_header_length(value, field)), field)
        _check_header_value(lower, checked[name], field)
    return checked


def _check_header_value(lower: str, value: str, field: str) -> None:
    if lower in ADDRESS_HEADERS and len(parse_mailboxes(value, field)) > 1 and lower == "sender":
        raise ValidationError(field, "must be one address")
    if lower == "date":
        _parse_date(value, field)


def list_ignored_headers(headers: Mapping[str, str]) -> list[str]:
    """A sentence for each of the customer's headers that has no effect."""
    return [
        f"{name} is ignored: {IGNORED_HEADERS[name.lower()]}" for name in headers if name.lower() in IGNORED_HEADERS
    ]


def _parse_date(text: str, field: str) -> datetime:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        raise ValidationError(field, "must be a date like Tue, 31 Mar 2026 10:00:00 +0000") from None


def check_header_length(text: str, field: str) -> str:
    """A header's text. Raises ValidationError when it is too long for one."""
    if len(text) > MAX_HEADER_CHARS:
        raise ValidationError(field, f"is longer than {MAX_HEADER_CHARS} characters")
    return text


def check_html(html: str, field: str = "html_content") -> str:
    """A page whose links can be looked at one by one. Raises ValidationError for one with more than any mail has."""
    # in pieces, between which others have their turn: counting in 28 million "<" takes half a second
    pieces = ((tag, at) for at in range(0, len(html), COUNT_CHUNK_CHARS) for tag in ("<a", "<A", "<v:", "<V:"))
    if sum(html.count(tag, at, at + COUNT_CHUNK_CHARS + len(tag) - 1) for tag, at in pieces) > MAX_LINKS:
        raise ValidationError(field, f"has more than {MAX_LINKS} links")
    return html


def parse_mailboxes(text: str, field: str) -> list[Mailbox]:
    """The addresses in a header's text, their names decoded. Raises ValidationError when there is anything else."""
    try:
        parsed = getaddresses([text])
    except RecursionError:  # comments inside each other
        parsed = []
    if not parsed:
        raise ValidationError(field, "is not a list of addresses")
    return [addresses.validate_mailbox(Mailbox(email, _decode_name(name)), field) for name, email in parsed]


def _decode_name(name: str) -> str:
    """The name without encoded words, as far as they can be read."""
    if "=?" in name:
        with contextlib.suppress(LookupError, ValueError, MessageError):
            return str(make_header(decode_header(name)))
    return name


def check_attachment(item: MailAttachment, field: str) -> None:
    """Raises ValidationError naming what cannot go out."""
    match = CONTENT_TYPE.fullmatch(item.content_type)
    if not match or match[1].lower() in ("message", "multipart"):
        raise ValidationError(f"{field}.content_type", "must be a type like image/png, and no message or multipart")
    parse_file_name(item.file_name, f"{field}.file_name")
    if item.content_id and not CONTENT_ID.fullmatch(item.content_id):
        raise ValidationError(f"{field}.content_id", "must look like <name@example.com>")
    if item.inline and not item.content_id:
        raise ValidationError(f"{field}.content_disposition", "inline needs a content_id in <...>")


def parse_file_name(text: str, field: str) -> str:
    """A file's name; one that a client has put into encoded words is read. Raises ValidationError.

    The attack is the same as with headers, and here the standard library cannot be kept from reading them.
    """
    name = _decode_name(text) if len(text) <= MAX_FILE_NAME_CHARS else text
    if "=?" in require_single_line(name, field) or len(name) > MAX_FILE_NAME_CHARS:
        raise ValidationError(
            field, f"must be a name of at most {MAX_FILE_NAME_CHARS} characters, without encoded words"
        )
    return name


def build_mail(
    submission: Submission,
    to: Mailbox,
    *,
    message_id: str,
    subject: str,
    text: str | None,
    html: str | None,
    headers: Mapping[str, str],
    now: int,
) -> bytes:
    """The whole mail with CRLF line ends. Everything was checked before; `message_id` has its angle
    brackets.
    """
    mail = EmailMessage(policy=OUTGOING_POLICY)
    mail["From"] = _to_address(submission.sender)
    mail["To"] = _to_address(to)
    if submission.reply_to:
        mail["Reply-To"] = _to_address(submission.reply_to)
    mail["Subject"] = subject
    dates = [_parse_date(value, name) for name, value in headers.items() if name.lower() == "date"]
    mail["Date"] = format_datetime(dates[0] if dates else datetime.fromtimestamp(now / 1_000_000, UTC))
    mail["Message-ID"] = message_id
    for name, value in headers.items():
        if name.lower() != "date":
            mail[name] = (
                tuple(map(_to_address, parse_mailboxes(value, name))) if name.lower() in ADDRESS_HEADERS else value
            )
    large = _set_bodies(mail, text, html, submission.amp, submission.attachments)
    return large.insert_into(mail.as_bytes())


def _to_address(mailbox: Mailbox) -> Address:
    return Address(mailbox.name, addr_spec=mailbox.email)


class _LargeBodies:
    """Bodies of megabytes, for which others stand in while the standard library writes the mail: it looks through each
    as a whole several times, and no other thread runs meanwhile.
    """

    def __init__(self) -> None:
        self._bodies: dict[bytes, bytes] = {}

    def add_placeholder(self, data: bytes) -> bytes:
        """What to write in base64 in place of `data`; a small one itself."""
        if len(data) <= LARGE_BODY_BYTES:
            return data
        placeholder = secrets.token_hex(
            24
        ).encode()  # a line of its own in base64, and nothing that anybody could guess
        self._bodies[placeholder] = data
        return placeholder

    def insert_into(self, mail: bytes) -> bytes:
        """The mail with the bodies in their lines."""
        if not self._bodies:
            return mail
        pieces, at = [], 0
        for start, line, data in sorted(self._find_bodies(mail)):
            pieces += [mail[at:start], *_base64_lines(data)]
            at = start + len(line)
        return b"".join([*pieces, mail[at:]])

    def _find_bodies(self, mail: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        for name, data in self._bodies.items():
            line = base64.b64encode(name) + b"\r\n"
            yield mail.index(line), line, data


def _base64_lines(data: bytes) -> Iterator[bytes]:
    size = BASE64_LINE_BYTES * 4096
    for start in range(0, len(data), size):
        yield base64.encodebytes(data[start : start + size]).replace(b"\n", b"\r\n")


def _set_text(mail: EmailMessage, text: str, large: _LargeBodies) -> None:
    if len(text) <= LARGE_BODY_BYTES:
        mail.set_content(text, charset="utf-8", cte="base64" if CONTROL_CHARACTERS.search(text) else None)
        return
    data = text.encode().replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n") + b"\n"
    data = large.add_placeholder(data.replace(b"\n", b"\r\n"))
    mail.set_content(data, "text", "plain", cte="base64", params={"charset": "utf-8"})


def _set_bodies(
    mail: EmailMessage, text: str | None, html: str | None, amp: str | None, files: tuple[MailAttachment, ...]
) -> _LargeBodies:
    """Set all parts; what is returned puts the large ones into the finished mail."""
    large = _LargeBodies()
    if text is not None:
        _set_text(mail, text, large)
    if amp is not None and (text is not None or html is not None):
        # before the HTML: readers show the last alternative that they know, and few know this one
        _add_html_part(mail, large.add_placeholder(amp.encode()), "x-amp-html", alternative=text is not None)
    if html is not None:
        _add_html_part(
            mail, large.add_placeholder(html.encode()), "html", alternative=text is not None or amp is not None
        )
    page = mail.get_body(("html",))
    for index, item in enumerate(files):
        file_name = parse_file_name(item.file_name, f"attachments[{index}].file_name")
        maintype, subtype, params = _parse_content_type(item)
        inline = item.inline and page is not None
        add = page.add_related if page is not None and inline else mail.add_attachment
        disposition = "inline" if inline else "attachment"
        cid = item.content_id or None
        data = large.add_placeholder(item.data)
        add(data, maintype, subtype, disposition=disposition, filename=file_name, cid=cid, params=params)
    return large


def _parse_content_type(item: MailAttachment) -> tuple[str, str, dict[str, str]]:
    match = CONTENT_TYPE.fullmatch(item.content_type)
    assert match is not None  # checked before
    params = re.finditer(PARAMETER, match[3])
    return match[1], match[2], {parameter[1].lower(): parameter[2] or parameter[3] or "" for parameter in params}


def _add_html_part(mail: EmailMessage, data: bytes, subtype: str, *, alternative: bool) -> None:
    put = mail.add_alternative if alternative else mail.set_content
    # as bytes: set as text, the standard library would turn every line end into one of its own
    put(data, "text", subtype, cte="base64", params={"charset": "utf-8"})

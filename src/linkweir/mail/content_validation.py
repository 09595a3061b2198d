"""Checks of what a mail is made of: headers that cannot be injected into, types, file names, addresses, pages."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import getaddresses, parsedate_to_datetime

from linkweir.errors import ValidationError
from linkweir.mail import addresses
from linkweir.mail.addresses import decode_rfc2047, require_single_line
from linkweir.mail.message_types import MailAttachment, Mailbox

MAX_LINE_BYTES = 998  # RFC 5322 section 2.1.1, without CRLF
MAX_HEADER_CHARS = MAX_LINE_BYTES * 8  # characters of one header; longer ones take long to encode
MAX_FILE_NAME_CHARS = 1000  # characters
MAX_LINKS = 50_000  # in one page; each takes memory
COUNT_CHUNK_CHARS = 1 << 20  # characters of a page that are looked at in one go
MAX_ATTACHMENTS = 500  # attachments of one mail
MAX_HEADERS = 500  # of a customer's own
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


def check_headers(headers: Mapping[str, str], *, has_reply_to: bool) -> dict[str, str]:
    """The customer's own headers that go out: `message-id`, `ahasend-*` and those that are ignored are not among them.

    Raises ValidationError naming the header.
    """
    if len(headers) > MAX_HEADERS:
        raise ValidationError("headers", f"must be at most {MAX_HEADERS}")
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
            raise ValidationError(field, "cannot be set: it is derived from other fields")
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
        parse_date(value, field)


def list_ignored_headers(headers: Mapping[str, str]) -> list[str]:
    """A sentence for each of the customer's headers that has no effect."""
    return [
        f"{name} is ignored: {IGNORED_HEADERS[name.lower()]}" for name in headers if name.lower() in IGNORED_HEADERS
    ]


def parse_date(text: str, field: str) -> datetime:
    """The moment in a Date header. Raises ValidationError."""
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
    starts = range(0, len(html), COUNT_CHUNK_CHARS)
    if sum(html.count("<", at, at + COUNT_CHUNK_CHARS) for at in starts) <= MAX_LINKS:  # which is found sooner
        return html
    pieces = ((tag, at) for at in starts for tag in ("<a", "<A", "<v:", "<V:"))
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
    return [addresses.validate_mailbox(Mailbox(email, name), field) for name, email in parsed]


def check_attachment(item: MailAttachment, field: str) -> None:
    """Raises ValidationError naming what cannot go out."""
    match = CONTENT_TYPE.fullmatch(item.content_type)
    if not match or match[1].lower() in ("message", "multipart"):
        raise ValidationError(
            f"{field}.content_type", "must be a media type such as image/png, but not message/* or multipart/*"
        )
    if "=?" in item.content_type:  # the standard library would write what is inside, line breaks and all
        raise ValidationError(f"{field}.content_type", "must not hold encoded words (=?...?=)")
    parse_file_name(item.file_name, f"{field}.file_name")
    if item.content_id and not CONTENT_ID.fullmatch(item.content_id):
        raise ValidationError(f"{field}.content_id", "must look like <name@example.com>")
    if item.inline and not item.content_id:
        raise ValidationError(f"{field}.content_disposition", "inline needs a content_id in <...>")


def parse_file_name(text: str, field: str) -> str:
    """A file's name; one that a client has put into encoded words is read. Raises ValidationError.

    The attack is the same as with headers, and here the standard library cannot be kept from reading them.
    """
    name = decode_rfc2047(text) if len(text) <= MAX_FILE_NAME_CHARS else text
    if "=?" in require_single_line(name, field) or len(name) > MAX_FILE_NAME_CHARS:
        raise ValidationError(
            field, f"must be a name of at most {MAX_FILE_NAME_CHARS} characters, without encoded words"
        )
    return name


def parse_content_type(item: MailAttachment) -> tuple[str, str, dict[str, str]]:
    """Type, subtype and parameters of an attachment that was checked."""
    match = CONTENT_TYPE.fullmatch(item.content_type)
    assert match is not None  # checked before
    params = re.finditer(PARAMETER, match[3])
    return match[1], match[2], {parameter[1].lower(): parameter[2] or parameter[3] or "" for parameter in params}

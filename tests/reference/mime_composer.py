"""A mail built by the standard library alone, one at a time: the slow, obvious composer that defines the bytes."""

import base64
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from linkweir.mail.content_validation import (
    ADDRESS_HEADERS,
    parse_content_type,
    parse_date,
    parse_file_name,
    parse_mailboxes,
)
from linkweir.mail.message_types import MailAttachment, Mailbox, Submission

MAX_LINE_BYTES = 998
LARGE_BODY_BYTES = 256 * 1024
BASE64_LINE_BYTES = 57
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")


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
    dates = [parse_date(value, name) for name, value in headers.items() if name.lower() == "date"]
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
        maintype, subtype, params = parse_content_type(item)
        inline = item.inline and page is not None
        add = page.add_related if page is not None and inline else mail.add_attachment
        disposition = "inline" if inline else "attachment"
        cid = item.content_id or None
        data = large.add_placeholder(item.data)
        add(data, maintype, subtype, disposition=disposition, filename=file_name, cid=cid, params=params)
    return large


def _add_html_part(mail: EmailMessage, data: bytes, subtype: str, *, alternative: bool) -> None:
    put = mail.add_alternative if alternative else mail.set_content
    # as bytes: set as text, the standard library would turn every line end into one of its own
    put(data, "text", subtype, cte="base64", params={"charset": "utf-8"})

"""The notice to the sender of a filtered mail that cannot be given back (RFC 5321 section 6.1, RFC 3464).

The mail server has handed it over and forgotten it, so nobody else would tell. Senders over the API and submission are
told by events and webhooks instead.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.generator import BytesGenerator
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime
from io import BytesIO
from typing import Any

from linkweir.clock import DAY_US
from linkweir.db.messages_table import NewMessage
from linkweir.mail import message_ids
from linkweir.mail.draft import EXPIRY_US

MAX_RETURNED_HEADER_BYTES = 64 * 1024  # bytes of the mail's own headers that go back
ENHANCED_STATUS_CODE = re.compile(r"\b([45]\.[0-9]{1,3}\.[0-9]{1,3})\b")  # RFC 3463
BOUNCE_SUBJECT = "Your mail could not be delivered"
DELIVERY_EXPIRED_STATUS = "4.4.7"  # the same: delivery time expired


@dataclass(frozen=True, slots=True)
class BounceNotice:
    """A mail that is given up: its row, its bytes (b"" when they are gone), and why."""

    row: Mapping[str, Any]
    raw: bytes
    reason: str

    def to_new_message(self, hostname: str, now: int) -> NewMessage:
        """The notice, on its way to the sender by the way that the mail itself should have gone, from nobody."""
        key = message_ids.new_message_id(now)
        message_id, sender, to = f"{key}@{hostname}", f"MAILER-DAEMON@{hostname}", str(self.row["envelope_from"])
        return NewMessage(
            id=key,
            number=message_ids.link_number(key),
            account_id=uuid.UUID(str(self.row["account_id"])),
            message_id=message_id,
            sender=sender,
            envelope_from="",
            recipient=to,
            subject=BOUNCE_SUBJECT,
            tags=[],
            track_clicks=False,
            privacy="full",
            source="filter",
            route="filter",
            raw=self._build_mail({"From": sender, "To": to, "Message-ID": f"<{message_id}>"}, hostname, now),
            smtputf8=not to.isascii(),
            short_links={},
            now=now,
            due_at=now,
            expires_at=now + EXPIRY_US,
            keep_until_at=now + DAY_US,
            retain_until_at=now + 30 * DAY_US,
        )

    def _build_mail(self, names: Mapping[str, str], hostname: str, now: int) -> bytes:
        mail = MIMEMultipart("report", report_type="delivery-status", policy=compat32)
        date = format_datetime(datetime.fromtimestamp(now // 1_000_000, UTC))
        fixed = {
            "Subject": BOUNCE_SUBJECT,
            "Date": date,
            "Auto-Submitted": "auto-replied",
        }  # RFC 3834: no answers, please
        for name, value in {**names, **fixed}.items():
            # an address has no form in ASCII: it stands in UTF-8 in a mail that goes with SMTPUTF8 (RFC 6532)
            mail[name] = _to_raw_utf8(value) if name == "To" else _to_printable_ascii(value)
        text = f"Your mail to {self.row['recipient']} could not be delivered:\r\n\r\n{self.reason}\r\n"
        text = "".join(character for character in text if character in "\r\n" or character.isprintable())
        mail.attach(MIMEText(text, "plain", "us-ascii" if text.isascii() else "utf-8"))
        mail.attach(self._build_status(hostname))
        headers = MIMENonMultipart("text", "rfc822-headers")
        head = re.split(rb"\r?\n\r?\n", self.raw[:MAX_RETURNED_HEADER_BYTES], maxsplit=1)[0]
        headers.set_payload(_to_printable_ascii(head.decode("latin-1"), allowed="\r\n\t") + "\r\n")
        mail.attach(headers)
        out = BytesIO()
        BytesGenerator(out, mangle_from_=False, policy=compat32.clone(linesep="\r\n")).flatten(mail)
        return out.getvalue()

    def _build_status(self, hostname: str) -> Message:
        match = ENHANCED_STATUS_CODE.search(self.reason)
        of_recipient = {
            "Final-Recipient": _typed_address(self.row["recipient"]),
            "Action": "failed",
            "Status": match[1] if match else DELIVERY_EXPIRED_STATUS,
            "Diagnostic-Code": f"smtp; {self.reason}",
        }
        part = MIMENonMultipart("message", "delivery-status")
        part.set_payload([_make_fields({"Reporting-MTA": f"dns; {hostname}"}), _make_fields(of_recipient)])
        return part


def _make_fields(values: Mapping[str, str]) -> Message:
    fields = Message(policy=compat32)
    for name, value in values.items():
        fields[name] = _to_printable_ascii(value)
    return fields


def _typed_address(address: str) -> str:
    """An address in a status (RFC 3464 section 2.3.1; RFC 6533 section 3)."""
    if address.isascii():
        return f"rfc822; {address}"
    return "utf-8; " + "".join(
        character if character.isascii() and character not in "\\+=" else f"\\x{{{ord(character):X}}}"
        for character in address
    )


def _to_raw_utf8(text: str) -> str:
    """As the library writes it out in UTF-8, and not as an encoded word."""
    clean = "".join(character for character in text if character.isprintable())
    return clean.encode().decode("ascii", "surrogateescape")


def _to_printable_ascii(text: str, allowed: str = "") -> str:
    """Only what may stand in a mail as it is: addresses, answers and headers are strangers' texts."""
    return "".join(
        character if character in allowed or (character.isascii() and character.isprintable()) else "?"
        for character in text
    )

"""The peer for whole mails: the standard library parses, a regular expression replaces, a generator writes anew."""

import email
import email.policy
import re
from email.message import EmailMessage

MAIL_PEER = "email (standard library)"
_HREF = re.compile(r'(<a\b[^>]*?\shref=")(https?://[^"]*)"', re.IGNORECASE)


def rewrite_with_stdlib(raw: bytes, link: str) -> bytes:
    """Put one link into every quoted `href` of the HTML bodies. Raises what the library raises for malformed mails."""
    mail = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.SMTP)
    for part in mail.walk():
        if part.get_content_type() != "text/html" or part.is_multipart():
            continue
        encoding = part["content-transfer-encoding"]
        text = _HREF.sub(rf'\g<1>{link}"', part.get_content())
        part.set_content(text, subtype="html", charset="utf-8", cte=None if encoding is None else str(encoding))
    return mail.as_bytes()

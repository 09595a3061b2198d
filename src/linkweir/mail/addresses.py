"""Validation of e-mail addresses and of texts in headers."""

import contextlib
import re
from email.errors import MessageError
from email.header import decode_header, make_header

from linkweir.accounts.domain_names import to_ascii_domain
from linkweir.errors import ValidationError
from linkweir.mail.message_types import Mailbox
from linkweir.translation import gettext

# RFC 5321 dot-atom; quoted local parts are legal and, in practice, only ever an attempt at something
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# an address of an envelope (RFC 5321 section 4.1.2, RFC 6531 section 3.3): quoted or not, with a domain or without
ENVELOPE_PATH = re.compile(
    r'(?:"(?:[^\x00-\x1f"\\\x7f]|\\[ -~])*"|[^\x00-\x20"(),:;<>@\[\\\]\x7f]+)'
    r"(?:@(?:[A-Za-z0-9._-]|[^\x00-\x7f])+|@\[[A-Za-z0-9.:-]+\])?"
)
LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # what was not UTF-8
MAX_NAME_CHARS = 256
MAX_ENCODED_NAME_CHARS = 4096  # in encoded words, which take up to 12 characters for one, and their frames
MAX_EMAIL_CHARS = 512  # characters, before the domain is put into ASCII
CONTROL_CHARACTERS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
)  # all that str.splitlines splits at, too


def validate_mailbox(mailbox: Mailbox, field: str) -> Mailbox:
    """The mailbox with its domain in ASCII and its name without encoded words.

    Raises ValidationError naming `field` when it cannot be mailed to.
    """
    name = decode_rfc2047(mailbox.name) if len(mailbox.name) <= MAX_ENCODED_NAME_CHARS else mailbox.name
    if len(name) > MAX_NAME_CHARS:
        raise ValidationError(f"{field}.name", gettext("is longer than %(most)s characters", most=MAX_NAME_CHARS))
    require_single_line(name, f"{field}.name")
    if len(mailbox.email) > MAX_EMAIL_CHARS:
        raise ValidationError(f"{field}.email", gettext("is too long for an e-mail address"))
    local, at, domain = mailbox.email.rpartition("@")
    where = f"{field}.email"
    # "=?" begins an encoded word (RFC 2047): legal here, and read by mail software as something else
    if not at or not LOCAL_PART.fullmatch(local) or len(local) > 64 or "=?" in local:
        raise ValidationError(where, gettext("is not an e-mail address"))
    host = to_ascii_domain(domain, where)
    if len(local) + 1 + len(host) > 254:
        raise ValidationError(where, gettext("is too long for an e-mail address"))
    return Mailbox(f"{local}@{host}", name)


def decode_rfc2047(text: str) -> str:
    """The text without encoded words (RFC 2047), as far as they can be read: some clients write names in them."""
    if "=?" in text:
        with contextlib.suppress(LookupError, ValueError, MessageError):
            return str(make_header(decode_header(text)))
    return text


def is_envelope_path(text: str) -> bool:
    """Whether a command to a mail server can hold this address and nothing else is read from it."""
    return ENVELOPE_PATH.fullmatch(text) is not None and not LONE_SURROGATE.search(text)


def normalize_domain(path: str) -> str:
    """The address with its domain as the DNS has it, its local part as it is. Raises ValidationError."""
    local, at, domain = path.rpartition("@")
    return path if domain.isascii() else f"{local}{at}{to_ascii_domain(domain, 'domain')}"


def normalize_recipient(text: str, field: str) -> str:
    """The address as a message to it has it, whichever way that came in. Raises ValidationError naming `field`."""
    if "@" not in text or not is_envelope_path(text):
        raise ValidationError(field, gettext("is not an e-mail address"))
    try:
        return normalize_domain(text)
    except ValidationError as error:
        raise ValidationError(field, error.reason) from None


def require_single_line(text: str, field: str) -> str:
    """The text, if it can stand in a header. The attack: a line break that starts a header of the
    attacker's own.
    """
    if CONTROL_CHARACTERS.search(text):
        raise ValidationError(field, gettext("must not hold line breaks or other control characters"))
    return text

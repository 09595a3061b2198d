"""What may stand where an e-mail address belongs, and what may not stand in any header."""

import re

import idna

from linkweir.errors import BadInput
from linkweir.mail.model import Mailbox

# RFC 5321 dot-atom; quoted local parts are legal and, in practice, only ever an attempt at something
LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
# an address of an envelope (RFC 5321 section 4.1.2, RFC 6531 section 3.3): quoted or not, with a domain or without
PATH = re.compile(
    r'(?:"(?:[^\x00-\x1f"\\\x7f]|\\[ -~])*"|[^\x00-\x20"(),:;<>@\[\\\]\x7f]+)'
    r"(?:@(?:[A-Za-z0-9._-]|[^\x00-\x7f])+|@\[[A-Za-z0-9.:-]+\])?"
)
SURROGATE = re.compile("[\ud800-\udfff]")  # what was not UTF-8
NAME_LIMIT = 256
DOMAIN_LIMIT = 253
EMAIL_LIMIT = 512  # characters, before the domain is put into ASCII
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # all that str.splitlines splits at, too


def checked(mailbox: Mailbox, field: str) -> Mailbox:
    """The mailbox with its domain in ASCII. Raises BadInput naming `field` when it cannot be mailed to."""
    if len(mailbox.name) > NAME_LIMIT:
        raise BadInput(f"{field}.name", f"is longer than {NAME_LIMIT} characters")
    one_line(mailbox.name, f"{field}.name")
    if len(mailbox.email) > EMAIL_LIMIT:
        raise BadInput(f"{field}.email", "is too long for an e-mail address")
    local, at, domain = mailbox.email.rpartition("@")
    where = f"{field}.email"
    # "=?" begins an encoded word (RFC 2047): legal here, and read by mail software as something else
    if not at or not LOCAL.fullmatch(local) or len(local) > 64 or "=?" in local:
        raise BadInput(where, "is not an e-mail address")
    host = ascii_domain(domain, where)
    if len(local) + 1 + len(host) > 254:
        raise BadInput(where, "is too long for an e-mail address")
    return Mailbox(f"{local}@{host}", mailbox.name)


def is_path(text: str) -> bool:
    """Whether a command to a mail server can hold this address and nothing else is read from it."""
    return PATH.fullmatch(text) is not None and not SURROGATE.search(text)


def normal(path: str) -> str:
    """The address with its domain as the DNS has it, its local part as it is. Raises BadInput."""
    local, at, domain = path.rpartition("@")
    return path if domain.isascii() else f"{local}{at}{ascii_domain(domain, 'domain')}"


def stored(text: str, field: str) -> str:
    """The address as a message to it has it, whichever way that came in. Raises BadInput naming `field`."""
    if "@" not in text or not is_path(text):
        raise BadInput(field, "is not an e-mail address")
    try:
        return normal(text)
    except BadInput as error:
        raise BadInput(field, error.reason) from None


def ascii_domain(domain: str, field: str) -> str:
    """The domain as the DNS has it: lower case, other scripts in their ASCII form. Raises BadInput naming `field`."""
    if len(domain) > DOMAIN_LIMIT:  # before anything that takes long with long ones
        raise BadInput(field, "has a domain that cannot exist")
    try:
        text = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise BadInput(field, "has a domain that cannot exist") from None
    labels = text.split(".")
    if len(text) > DOMAIN_LIMIT or not all(LABEL.fullmatch(label) for label in labels):
        raise BadInput(field, "has a domain that cannot exist")
    return text


def one_line(text: str, field: str) -> str:
    """The text, if it can stand in a header. The attack: a line break that starts a header of the
    attacker's own.
    """
    if CONTROL.search(text):
        raise BadInput(field, "must not hold line breaks or other control characters")
    return text

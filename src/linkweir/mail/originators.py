"""Whom a mail says it comes from: the one rule for a credential that may send from some domains only.

It is the API's (`messages:send:{example.com}`), over the envelope and each header that names a sender: every address
there is one that the API would take, and its domain, as the DNS has it, is one of the credential's. A subdomain is
another domain. What two readers could understand in two ways names none that may send.
"""

import re
from collections.abc import Container, Iterable

from linkweir.accounts.domain_names import to_ascii_domain
from linkweir.errors import Forbidden, ValidationError
from linkweir.mail.addresses import LOCAL_PART

ORIGINATOR_HEADERS = (b"from", b"sender", b"resent-from", b"resent-sender")
SINGLE_HEADERS = (b"from", b"sender")
MAX_HEADER_CHARS = 8000  # characters of one header; real ones have a few addresses
# RFC 5322 section 3.4 without what readers differ about: groups, routes, comments inside comments or addresses, local
# parts in quotes, an "@" in a name that is not in quotes. Possessive: nothing is tried twice.
_QUOTED_STRING = r'"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*+"'
_COMMENT = r"\([^()\\\x00-\x1f\x7f]*+\)"
_ADDR_SPEC = r'[^\s\x00-\x1f"(),:;<>@\[\\\]\x7f]++@[^\s\x00-\x1f"(),:;<>@\[\\\]\x7f]++'
_DISPLAY_NAME = rf'(?:[^\x00-\x1f"(),:;<>@\[\\\]\x7f]|{_QUOTED_STRING}|{_COMMENT})*+'
_CFWS = rf"(?:[ \t]|{_COMMENT})*+"
_MAILBOX = re.compile(rf"{_CFWS}(?:(?P<bare>{_ADDR_SPEC})|{_DISPLAY_NAME}<(?P<angle>{_ADDR_SPEC})>){_CFWS}(?:,|\Z)")
_NON_ASCII = re.compile(r"[^\x00-\x7f]")


def parse_addresses(text: str) -> list[str]:
    """The addresses of a header, if every reader finds the same. Raises ValidationError."""
    addresses: list[str] = []
    at = 0
    while at < len(text) or not addresses:
        mailbox = _MAILBOX.match(text, at)
        if mailbox is None or len(text) > MAX_HEADER_CHARS:
            raise ValidationError("", "contains something that mail programs may interpret differently")
        addresses.append(mailbox["bare"] or mailbox["angle"])
        at = mailbox.end()
    if text.rstrip().endswith(","):
        raise ValidationError("", "ends with a comma")
    return addresses


def check_originators(domains: Container[str], envelope_from: str, headers: Iterable[tuple[bytes, str]]) -> None:
    """Raises Forbidden unless all senders are of these domains. `headers` are names in lower case and values."""
    seen: list[bytes] = []
    if envelope_from:  # none is the sender of bounces
        check_address(domains, envelope_from, "MAIL FROM")
    for name, text in headers:
        if name not in ORIGINATOR_HEADERS:
            continue
        field = name.decode().title()
        if name in SINGLE_HEADERS and name in seen:
            raise Forbidden("", f"{field}: must occur exactly once, because this credential is limited to some domains")
        seen.append(name)
        try:
            addresses = parse_addresses(text)
        except ValidationError as error:
            raise Forbidden("", f"{field}: {error.reason}; this credential is limited to some domains") from None
        for address in addresses:
            check_address(domains, address, field)
    if b"from" not in seen:
        raise Forbidden("", "From: is required, because this credential is limited to some domains")


def check_address(domains: Container[str], address: str, field: str) -> None:
    """Raises Forbidden unless this one is of these domains."""
    local, _, domain = address.rpartition("@")
    try:
        own = to_ascii_domain(domain, field) in domains
    except ValidationError:
        own = False
    # as the API has it, but for letters beyond ASCII, which it does not send from
    if not own or "=?" in local or not LOCAL_PART.fullmatch(_NON_ASCII.sub("x", local)):
        raise Forbidden("", f"{field}: this credential may not send from {address[:200]!r}")

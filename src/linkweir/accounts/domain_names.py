"""Domain names: their ASCII form, and the lists of domains that webhooks and SMTP credentials are limited to."""

import ipaddress
import re
from collections.abc import Sequence

import idna

from linkweir.errors import ValidationError
from linkweir.translation import gettext

MAX_DOMAIN_CHARS = 253
DNS_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
DOMAIN_PATTERN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")


def to_ascii_domain(domain: str, field: str) -> str:
    """The domain as the DNS has it: lower case, other scripts in their ASCII form. Raises ValidationError naming
    `field`.
    """
    if len(domain) > MAX_DOMAIN_CHARS:  # before anything that takes long with long ones
        raise ValidationError(field, gettext("has an invalid domain"))
    try:
        text = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValidationError(field, gettext("has an invalid domain")) from None
    labels = text.split(".")
    if len(text) > MAX_DOMAIN_CHARS or not all(DNS_LABEL.fullmatch(label) for label in labels):
        raise ValidationError(field, gettext("has an invalid domain"))
    return text


def is_host_name(host: str) -> bool:
    """Whether it is the name of a host, and not an address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host)
    return False


def parse_domains(scope: str, domains: Sequence[str] | None) -> list[str]:
    """The domains to keep: none for `global`, at least one for `scoped`. Raises ValidationError."""
    if scope == "global":
        if domains:  # ignored, they would let through more than was meant
            raise ValidationError("domains", "can only be given when scope is scoped")
        return []
    if not domains:
        raise ValidationError("domains", "is required when scope is scoped")
    parsed = []
    for index, domain in enumerate(domains):
        if not DOMAIN_PATTERN.fullmatch(domain.lower()):
            raise ValidationError(f"domains[{index}]", gettext("is not a domain"))
        parsed.append(domain.lower())
    return list(dict.fromkeys(parsed))

"""Internal recipients: whose clicks are those of the sender's own people, by address or by domain.

The letter case of an address does not matter, nor does what follows a `+` in its local part, as testers write it
(RFC 5233).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from linkweir.accounts.domain_names import to_ascii_domain
from linkweir.errors import ValidationError
from linkweir.translation import gettext

MAX_ENTRIES = 500
LOCAL_PART_PATTERN = re.compile(r"[^\x00-\x20\x7f@,;<>]{1,64}")


@dataclass(frozen=True, slots=True)
class InternalRecipients:
    """Addresses, and domains of which every address is one; all in lower case."""

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def includes(self, address: str) -> bool:
        """Whether this is one of the sender's own people."""
        if not self.addresses and not self.domains:
            return False
        lower = address.lower()
        local, at, domain = lower.rpartition("@")
        spellings = {lower, f"{_without_detail(local)}@{domain}"}
        return (bool(at) and domain in self.domains) or not spellings.isdisjoint(self.addresses)


def parse_addresses(entries: Sequence[str], field: str = "internal_addresses") -> list[str]:
    """The addresses (`ada@example.com`) and domains (`@example.com`) in their one spelling, each once.

    Raises ValidationError naming an entry that is neither.
    """
    parsed = list(dict.fromkeys(_parse_address(entry, f"{field}[{index}]") for index, entry in enumerate(entries)))
    if len(parsed) > MAX_ENTRIES:
        raise ValidationError(field, gettext("has more than %(most)s entries", most=MAX_ENTRIES))
    return parsed


def make_internal_recipients(entries: Sequence[str], own_domains: Sequence[str] = ()) -> InternalRecipients:
    """The recipients of entries as `parse_addresses` returns them, and of the account's own domains."""
    domains = [entry.removeprefix("@") for entry in entries if entry.startswith("@")]
    addresses = [entry for entry in entries if not entry.startswith("@")]
    return InternalRecipients(frozenset(addresses), frozenset((*domains, *own_domains)))


def _parse_address(entry: str, field: str) -> str:
    local, at, domain = entry.strip().lower().rpartition("@")
    if not at or not domain or (local and not LOCAL_PART_PATTERN.fullmatch(local)):
        raise ValidationError(
            field, gettext("must be an address like ada@example.com, or @example.com for every address of a domain")
        )
    return f"{local}@{to_ascii_domain(domain, field)}"


def _without_detail(local: str) -> str:
    return local.partition("+")[0] or local

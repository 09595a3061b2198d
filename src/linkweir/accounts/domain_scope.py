"""Things that are for all domains (`global`) or for some (`scoped`)."""

import re
from collections.abc import Sequence

from linkweir.errors import ValidationError

DOMAIN_PATTERN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")


def parse_domains(scope: str, domains: Sequence[str] | None) -> list[str]:
    """The domains to keep: none for `global`, at least one for `scoped`. Raises BadInput."""
    if scope == "global":
        if domains:  # ignored, they would let through more than was meant
            raise ValidationError("domains", "can only be given when scope is scoped")
        return []
    if not domains:
        raise ValidationError("domains", "is required when scope is scoped")
    found = []
    for place, one in enumerate(domains):
        if not DOMAIN_PATTERN.fullmatch(one.lower()):
            raise ValidationError(f"domains[{place}]", "is not a domain")
        found.append(one.lower())
    return list(dict.fromkeys(found))

"""Things that are for all domains (`global`) or for some (`scoped`)."""

import re
from collections.abc import Sequence

from linkweir.errors import BadInput

DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")


def domains_of(scope: str, domains: Sequence[str] | None) -> list[str]:
    """The domains to keep: none for `global`, at least one for `scoped`. Raises BadInput."""
    if scope == "global":
        if domains:  # ignored, they would let through more than was meant
            raise BadInput("domains", "can only be given when scope is scoped")
        return []
    if not domains:
        raise BadInput("domains", "is required when scope is scoped")
    found = []
    for place, one in enumerate(domains):
        if not DOMAIN.fullmatch(one.lower()):
            raise BadInput(f"domains[{place}]", "is not a domain")
        found.append(one.lower())
    return list(dict.fromkeys(found))

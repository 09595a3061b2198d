"""What an API key may do. A scope names a thing, a deed, and for some whether for all domains or one."""

import re
from collections.abc import Iterable

from linkweir.errors import BadInput, NotAllowed
from linkweir.store.accounts import EVERYTHING

PLAIN = frozenset(
    (
        *("accounts:read", "accounts:write", "domains:read", "domains:write"),
        *("api-keys:read", "api-keys:write", "api-keys:delete"),
        *("recipients:read", "recipients:delete"),  # ours: all that is known of one person, and its erasure
    )
)
# these are for all domains, or for one: `messages:send:{example.com}`
PER_DOMAIN = ("messages:send", "messages:read", "messages:cancel", "domains:delete", "statistics-transactional:read")
FOR_ALL = (
    *("webhooks:read", "webhooks:write", "webhooks:delete"),
    *("smtp-credentials:read", "smtp-credentials:write", "smtp-credentials:delete"),
)
KNOWN = sorted(
    (*PLAIN, *(f"{deed}:all" for deed in (*PER_DOMAIN, *FOR_ALL)), *(f"{deed}:{{example.com}}" for deed in PER_DOMAIN))
)
_DOMAIN = re.compile(r"\{?([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)\}?")


def check(scopes: Iterable[str], field: str = "scopes") -> list[str]:
    """The scopes in their one spelling. Raises BadInput naming one that opens nothing here."""
    return list(dict.fromkeys(_checked(scope, f"{field}[{place}]") for place, scope in enumerate(scopes)))


def _checked(scope: str, field: str) -> str:
    deed, _, whom = scope.rpartition(":")
    if scope in PLAIN or (deed in (*PER_DOMAIN, *FOR_ALL) and whom == "all"):
        return scope
    found = _DOMAIN.fullmatch(whom.lower())
    if deed not in PER_DOMAIN or found is None:
        raise BadInput(field, f"there is no scope {scope[:80]!r}; known are {', '.join(KNOWN)}")
    return f"{deed}:{{{found[1]}}}"


def require(held: Iterable[str], wanted: str, domain: str | None = None) -> None:
    """Raises NotAllowed unless the key may do this: for all domains, or for this one."""
    if domain is None and wanted.endswith(":any"):  # some domain; which one is seen later
        deed = wanted.removesuffix("any")
        if any(scope == EVERYTHING or scope.startswith(deed) for scope in held):
            return
        raise NotAllowed(f"{deed}all")
    options = {wanted, EVERYTHING}
    if domain is not None:
        options |= {f"{wanted.removesuffix('all')}{{{domain}}}"}
    if not options & set(held):
        raise NotAllowed(wanted)


def covers(held: Iterable[str], asked: Iterable[str]) -> None:
    """Raises NotAllowed when somebody would hand on more than they hold."""
    mine = set(held)
    for scope in asked:
        every = scope.rpartition(":")[0] + ":all"
        if not {EVERYTHING, scope, every} & mine:
            raise NotAllowed(scope)


def domains(held: Iterable[str], deed: str) -> list[str] | None:
    """The domains that scopes like `messages:read:{example.com}` name; None when all are covered."""
    mine = list(held)
    if EVERYTHING in mine or f"{deed}:all" in mine:
        return None
    return [scope.removeprefix(f"{deed}:{{").removesuffix("}") for scope in mine if scope.startswith(f"{deed}:{{")]

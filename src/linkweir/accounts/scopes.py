"""Scopes of API keys: `resource:action`, for some actions limited to one domain (`messages:send:{example.com}`)."""

import re
from collections.abc import Iterable

from linkweir.db.accounts_table import WILDCARD_SCOPE
from linkweir.errors import Forbidden, ValidationError
from linkweir.translation import gettext

ACCOUNT_SCOPES = frozenset(
    (
        *("accounts:read", "accounts:write", "domains:read", "domains:write"),
        *("api-keys:read", "api-keys:write", "api-keys:delete"),
        *("recipients:read", "recipients:delete"),  # ours: all that is known of one person, and its erasure
        *("corrections:read", "corrections:write", "corrections:delete"),  # ours: where sent links lead from now on
    )
)
# these are for all domains, or for one: `messages:send:{example.com}`
DOMAIN_ACTIONS = (
    "messages:send",
    "messages:read",
    "messages:cancel",
    "domains:delete",
    "statistics-transactional:read",
)
GLOBAL_ACTIONS = (
    *("webhooks:read", "webhooks:write", "webhooks:delete"),
    *("smtp-credentials:read", "smtp-credentials:write", "smtp-credentials:delete"),
)
ALL_SCOPES = sorted(
    (
        *ACCOUNT_SCOPES,
        *(f"{action}:all" for action in (*DOMAIN_ACTIONS, *GLOBAL_ACTIONS)),
        *(f"{action}:{{example.com}}" for action in DOMAIN_ACTIONS),
    )
)
FULL_SCOPES = sorted((*ACCOUNT_SCOPES, *(f"{action}:all" for action in (*DOMAIN_ACTIONS, *GLOBAL_ACTIONS))))
_SCOPE_DOMAIN = re.compile(r"\{?([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)\}?")


def parse_scopes(scopes: Iterable[str], field: str = "scopes") -> list[str]:
    """The scopes in their one spelling. Raises ValidationError naming one that opens nothing here."""
    return list(dict.fromkeys(_parse_scope(scope, f"{field}[{index}]") for index, scope in enumerate(scopes)))


def _parse_scope(scope: str, field: str) -> str:
    action, _, whom = scope.rpartition(":")
    if scope in ACCOUNT_SCOPES or (action in (*DOMAIN_ACTIONS, *GLOBAL_ACTIONS) and whom == "all"):
        return scope
    match = _SCOPE_DOMAIN.fullmatch(whom.lower())
    if action not in DOMAIN_ACTIONS or match is None:
        raise ValidationError(
            field,
            gettext(
                "there is no scope %(scope)r; known are %(choices)s", scope=scope[:80], choices=", ".join(ALL_SCOPES)
            ),
        )
    return f"{action}:{{{match[1]}}}"


def require(held: Iterable[str], required_scope: str, domain: str | None = None) -> None:
    """Raises Forbidden unless the key may do this: for all domains, or for this one."""
    if domain is None and required_scope.endswith(":any"):  # some domain; which one is seen later
        action = required_scope.removesuffix("any")
        if any(scope == WILDCARD_SCOPE or scope.startswith(action) for scope in held):
            return
        raise Forbidden(f"{action}all")
    options = {required_scope, WILDCARD_SCOPE}
    if domain is not None:
        options |= {f"{required_scope.removesuffix('all')}{{{domain}}}"}
    if not options & set(held):
        raise Forbidden(required_scope)


def covers_everything(held: Iterable[str]) -> bool:
    """Whether these scopes together open all there is."""
    mine = set(held)
    return WILDCARD_SCOPE in mine or mine.issuperset(FULL_SCOPES)


def require_subset(held: Iterable[str], requested: Iterable[str]) -> None:
    """Raises Forbidden when somebody would hand on more than they hold."""
    mine = set(held)
    for scope in requested:
        every = scope.rpartition(":")[0] + ":all"
        if not {WILDCARD_SCOPE, scope, every} & mine:
            raise Forbidden(scope)


def domains_for_action(held: Iterable[str], action: str) -> list[str] | None:
    """The domains that scopes like `messages:read:{example.com}` name; None when all are covered."""
    mine = list(held)
    if WILDCARD_SCOPE in mine or f"{action}:all" in mine:
        return None
    return [scope.removeprefix(f"{action}:{{").removesuffix("}") for scope in mine if scope.startswith(f"{action}:{{")]

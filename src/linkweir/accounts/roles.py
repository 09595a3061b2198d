"""What each role of a user may do, in scopes: those that API keys have, and two of people.

This is the one table of roles. Each page of the dashboard names its scope beside its path (dashboard.routes), each
operation of the API names its own beside its path.
"""

from typing import Literal, get_args

from linkweir.accounts import scopes
from linkweir.errors import ValidationError
from linkweir.translation import gettext, gettext_noop

Role = Literal["owner", "editor", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)
DESCRIPTIONS: dict[Role, str] = {
    "owner": gettext_noop("Owner: everything, including people, API keys, correcting links and erasing recipients"),
    "editor": gettext_noop("Editor: also sends mail and changes settings, domains and webhooks"),
    "viewer": gettext_noop("Viewer: sees messages, statistics and settings, and changes nothing"),
}
_VIEWER_SCOPES = (
    "accounts:read",
    "corrections:read",
    "domains:read",
    "messages:read:all",
    "statistics-transactional:read:all",
    "webhooks:read:all",
)
_EDITOR_SCOPES = (
    *_VIEWER_SCOPES,
    "accounts:write",
    "domains:write",
    "messages:send:all",
    "messages:cancel:all",
    "recipients:read",
    "webhooks:write:all",
    "webhooks:delete:all",
)
SCOPES: dict[Role, frozenset[str]] = {
    "owner": frozenset((*scopes.FULL_SCOPES, "people:read", "people:write")),
    "editor": frozenset(_EDITOR_SCOPES),
    "viewer": frozenset(_VIEWER_SCOPES),
}


def parse_role(text: str) -> Role:
    """Return the role of this name. Raises ValidationError."""
    for role in ROLES:
        if role == text:
            return role
    raise ValidationError(
        "role", gettext("is %(value)r; known are %(choices)s", value=text[:40], choices=", ".join(ROLES))
    )

"""What an API key may do, as the dashboard's forms offer it: a few usual sets of scopes, or any."""

from collections.abc import Sequence
from typing import Any

from linkweir.accounts import scopes
from linkweir.translation import gettext_noop, translate

CHOICES = (
    ("all", gettext_noop("Everything")),
    ("send", gettext_noop("Send mail only")),
    ("read", gettext_noop("Read messages and statistics only")),
    ("custom", gettext_noop("Only the scopes below")),
)
_SCOPES_OF_CHOICE = {
    "all": scopes.FULL_SCOPES,
    "send": ["messages:send:all"],
    "read": ["messages:read:all", "statistics-transactional:read:all"],
}
EMPTY_FORM = {"label": "", "access": "all", "scopes": "", "networks": ""}


def describe(held: Sequence[str]) -> str:
    """Return in a few words what a key with these scopes may do."""
    choice = choice_of(held)
    return ", ".join(held) if choice == "custom" else translate(dict(CHOICES)[choice])


def choice_of(held: Sequence[str]) -> str:
    """Return the choice that these scopes are."""
    if scopes.covers_everything(held):
        return "all"
    return next((name for name, wanted in _SCOPES_OF_CHOICE.items() if set(wanted) == set(held)), "custom")


def to_form(row: Any) -> dict[str, str]:
    """Return the form's values for an existing key."""
    choice = choice_of(row["scopes"])
    return {
        "label": row["label"],
        "access": choice,
        "scopes": "\n".join(row["scopes"]) if choice == "custom" else "",
        "networks": "\n".join(row["ip_allow_list"]),
    }


def parse_form(fields: dict[str, str]) -> dict[str, str]:
    """Return the form's values as they were typed."""
    return {name: fields.get(name, fallback).strip() for name, fallback in EMPTY_FORM.items()}


def scopes_from_form(values: dict[str, str]) -> list[str]:
    """Return the scopes that the form asks for."""
    wanted = _SCOPES_OF_CHOICE.get(values["access"])
    return values["scopes"].split() if wanted is None else list(wanted)

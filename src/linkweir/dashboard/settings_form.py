"""The form of tracking settings, of an account or of one of its domains: what is typed, and mistakes by their fields.

What was typed is shown again as it was, and each mistake stands at its field. Validation is that of the API.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from linkweir.accounts.resource_changes import PolicyUpdate
from linkweir.dashboard.form_errors import to_sentence
from linkweir.errors import ValidationError
from linkweir.web.request_body import to_validation_error

U = TypeVar("U", bound=PolicyUpdate)
SWITCH_FIELDS = ("track_clicks", "track_opens", "internal_own_domains", "outlook", "honeypot")
POLICY_LINES = ("opt_out", "skip")  # an entry to a line
ACCOUNT_LINES = (*POLICY_LINES, "confirm", "internal_networks", "internal_addresses")
DAYS_FIELDS = ("message_metadata_retention", "message_data_retention")
DAYS_PATTERN = re.compile(r"[0-9]{1,4}")  # anything else is rejected by its type
YES_OR_NO = {"on": True, "off": False, "": None}  # "": as the account says


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """Texts by the names of their fields, and what is wrong with which."""

    values: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)


def show_row(row: Mapping[Any, Any], names: tuple[str, ...]) -> SettingsForm:
    """The form of stored settings: columns, and preferences of the policy."""
    policy = row["policy"]
    values = {name: _to_text(row[name] if name in row else policy.get(name)) for name in names}
    return SettingsForm(values)


def show_typed(fields: Mapping[str, str], names: tuple[str, ...], error: ValidationError) -> SettingsForm:
    """The form as it was filled in, with what is wrong."""
    name = re.split(r"[\[.]", error.field)[0]
    values = {each: fields.get(each, "") for each in names}
    return SettingsForm(values, {name: to_sentence(error)})


def parse_account_form(fields: Mapping[str, str], shape: type[U]) -> U:
    """The change that an account's form asks for. Raises ValidationError."""
    given: dict[str, Any] = {
        name: fields.get(name) == "on" for name in ("track_clicks", "track_opens", "internal_own_domains")
    }
    given |= {name: True if fields.get(name) == "on" else None for name in ("outlook", "honeypot")}
    given["privacy"] = fields.get("privacy") or None
    given |= {name: split_lines(fields.get(name, "")) for name in ACCOUNT_LINES}
    for name in DAYS_FIELDS:
        if name in fields:
            given[name] = int(fields[name]) if DAYS_PATTERN.fullmatch(fields[name]) else fields[name]
    return convert(given, shape)


def parse_domain_form(fields: Mapping[str, str], shape: type[U]) -> U:
    """The change that a domain's form asks for; what is left as the account has it is null. Raises ValidationError."""
    given: dict[str, Any] = {}
    for name in ("track_clicks", "track_opens", "outlook", "honeypot"):
        given[name] = YES_OR_NO.get(fields.get(name, ""), fields.get(name))
    given |= {name: fields.get(name) or None for name in ("privacy", "link_style")}
    given |= {name: split_lines(fields.get(name, "")) or None for name in POLICY_LINES}
    return convert(given, shape)


def convert(given: Mapping[str, Any], shape: type[U]) -> U:
    """The values as a request of the API. Raises ValidationError."""
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError as error:
        raise to_validation_error(str(error)) from None


def split_lines(text: str) -> list[str]:
    """The entries of a field that has one to a line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _to_text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "\n".join(value) if isinstance(value, list) else "" if value is None else str(value)

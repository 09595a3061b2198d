"""Preferences about tracking: what an account, a domain, a message or a recipient asks for, and how rows store it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from linkweir.tokens import Privacy

LinkStyle = Literal["sealed", "short"]


@dataclass(frozen=True, slots=True)
class UtmSettings:
    """Campaign parameters to add to destinations; None leaves a parameter out. With `hosts` only destinations on one of
    them, or below one, get any.
    """

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingPreferences:
    """What one level (account, domain, message, recipient) wants of tracking; None leaves it to the level below.

    Except `privacy`: there the strictest of all levels wins. `opt_out`, `skip` and `outlook` are the switches of
    the link rules; all levels' `opt_out` and `skip` apply together.
    """

    track_clicks: bool | None = None
    track_opens: bool | None = None
    privacy: Privacy | None = None
    link_style: LinkStyle | None = None
    opt_out: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    outlook: bool | None = None
    honeypot: bool | None = None
    utm: UtmSettings | None = None


NO_PREFERENCES = TrackingPreferences()
FIELD_NAMES = frozenset(field.name for field in fields(TrackingPreferences))


def preferences_from_row(values: Mapping[str, Any], **columns: bool | None) -> TrackingPreferences:
    """Return the preferences in the JSON object `values`; `columns` are those with columns of their own.

    Names that are no preference about sending, such as `confirm`, are left out.
    """
    known_values: dict[str, Any] = {name: value for name, value in values.items() if name in FIELD_NAMES} | columns
    if known_values.get("privacy"):
        known_values["privacy"] = Privacy(known_values["privacy"])
    if known_values.get("utm"):
        known_values["utm"] = UtmSettings(
            **{**known_values["utm"], "hosts": tuple(known_values["utm"].get("hosts") or ())}
        )
    for name in ("opt_out", "skip"):
        known_values[name] = tuple(known_values.get(name) or ())
    return TrackingPreferences(**known_values)

"""Wishes as the store keeps them: a JSON object with the names of the fields, without those that say nothing."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from linkweir.mail.message_types import TrackingPreferences, UtmSettings
from linkweir.tokens import Privacy

FIELD_NAMES = frozenset(one.name for one in fields(TrackingPreferences))


def preferences_from_row(values: Mapping[str, Any], **columns: bool | None) -> TrackingPreferences:
    """What was kept; `columns` are wishes that have columns of their own. What is no wish about sending, such as what
    readers are asked to confirm, is left out.
    """
    kept: dict[str, Any] = {name: value for name, value in values.items() if name in FIELD_NAMES} | columns
    if kept.get("privacy"):
        kept["privacy"] = Privacy(kept["privacy"])
    if kept.get("utm"):
        kept["utm"] = UtmSettings(**{**kept["utm"], "hosts": tuple(kept["utm"].get("hosts") or ())})
    for name in ("opt_out", "skip"):
        kept[name] = tuple(kept.get(name) or ())
    return TrackingPreferences(**kept)

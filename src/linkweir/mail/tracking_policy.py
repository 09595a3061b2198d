"""Settings after overrides, in one place: recipient over message over domain over account over the operator.

Privacy is different: there the strictest of all wins, whoever asked for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from linkweir.accounts.skip_patterns import compile_skip_pattern
from linkweir.accounts.tracking_preferences import LinkStyle, TrackingPreferences, UtmSettings
from linkweir.html import Switches
from linkweir.tokens import Privacy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrackingPolicy:
    """What to do with one message. `utm` is a switch of its own: it works without click tracking. `honeypot`: put in
    the hidden link, which only machines follow. `chosen`: the switches over the operator's, as they were written.
    """

    track_clicks: bool
    track_opens: bool
    privacy: Privacy
    link_style: LinkStyle
    switches: Switches
    utm: UtmSettings | None
    honeypot: bool = False
    switch_overrides: Mapping[str, Any] = field(default_factory=dict)


def resolve_policy(*levels: TrackingPreferences, switches: Switches, default_style: LinkStyle) -> TrackingPolicy:
    """The policy from the levels' wishes, the strongest level first; `switches` are the operator's.

    Privacy NONE means that nothing is tracked. An anonymous link is always sealed: a short one would need a row
    that ties it to its message, which is what anonymity rules out.
    """
    privacy = Privacy.strictest(*(level.privacy for level in levels if level.privacy is not None))
    tracked = privacy is not Privacy.NONE
    style: LinkStyle = _first_set(levels, lambda level: level.link_style) or default_style
    clicks = tracked and bool(_first_set(levels, lambda level: level.track_clicks))
    return TrackingPolicy(
        track_clicks=clicks,
        track_opens=tracked and bool(_first_set(levels, lambda level: level.track_opens)),
        privacy=privacy,
        link_style=style if privacy is not Privacy.ANONYMOUS else "sealed",
        switches=_merge_switches(levels, switches),
        switch_overrides=_switch_overrides(levels),
        utm=_first_set(levels, lambda level: level.utm),
        # an anonymous hit on it would be tied to no message, whose other hits it could tell about
        honeypot=clicks and privacy is not Privacy.ANONYMOUS and bool(_first_set(levels, lambda level: level.honeypot)),
    )


def _first_set(levels: tuple[TrackingPreferences, ...], getter: Callable[[TrackingPreferences], T | None]) -> T | None:
    return next((value for value in map(getter, levels) if value is not None), None)


def _switch_overrides(levels: tuple[TrackingPreferences, ...]) -> dict[str, Any]:
    opt_out = [name for level in levels for name in level.opt_out]
    skip = [pattern for level in levels for pattern in level.skip]
    overrides = {"opt_out": opt_out, "skip": skip, "outlook": _first_set(levels, lambda level: level.outlook)}
    return {name: value for name, value in overrides.items() if value not in ([], None)}


def switches_from_overrides(overrides: Mapping[str, Any], base: Switches) -> Switches:
    """The switches of a message that was sent: what it was accepted with, over the operator's."""
    preferences = TrackingPreferences(
        opt_out=tuple(overrides.get("opt_out", ())),
        skip=tuple(overrides.get("skip", ())),
        outlook=overrides.get("outlook"),
    )
    return _merge_switches((preferences,), base)


def _merge_switches(levels: tuple[TrackingPreferences, ...], base: Switches) -> Switches:
    opt_out = (*base.opt_out, *(name for level in levels for name in level.opt_out))
    skip = (*base.skip, *(compile_skip_pattern(pattern) for level in levels for pattern in level.skip))
    outlook = _first_set(levels, lambda level: level.outlook)
    merged = (opt_out, skip, base.outlook if outlook is None else outlook)
    if merged == (base.opt_out, base.skip, base.outlook):
        return base  # compiled once for all messages
    return Switches(opt_out=opt_out, skip=skip, outlook=merged[2], track_placeholders=base.track_placeholders)

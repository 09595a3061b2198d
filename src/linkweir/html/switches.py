"""The switches of the link rules (section 6), checked once and turned into what the core reads."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from linkweir._html import NativeOptions
from linkweir.errors import BadSwitch
from linkweir.html import one_time

# What senders bring along from other services (link rules, section 6).
OPT_OUT_PRESETS = {
    "vendors": (
        "ses:no-track",  # Amazon SES
        "clicktracking=off",  # SendGrid
        "data-pm-no-track",  # Postmark
        "mc:disable-tracking",  # Mailchimp, Mandrill
        "data-msys-clicktrack=0",  # SparkPost
        "disable-tracking",  # Mailgun
        "data-no-track",  # Kannon
        "class=untracked",  # Customer.io
        "class=mktnotrack",  # Marketo
        "autotrack=false",  # MessageGears
        "mb_dontconvertlink",  # Campaign Monitor's MailBuild
    )
}

# Patterns by the name that stands for them, made when they are used.
SKIP_PRESETS: dict[str, Callable[[], tuple[str, ...]]] = {"one-time": one_time.build_patterns}

_ATTRIBUTE = re.compile(r"[^\s\"'<>/=\x00-\x1f]+")


class Pattern(Protocol):
    """A pattern that is compiled already, by whichever engine."""

    def search(self, text: str, /) -> object: ...


@dataclass(frozen=True)
class Switches:
    """What a caller may change about the rules; the default is the table of link rules, section 2.

    Attributes:
        opt_out: attributes that exclude a link beside `data-as-no-track`: "name", "name=value", or "vendors".
        outlook: also rewrite inside Outlook's conditional comments.
        skip: regular expressions searched in destinations, letter case aside; a hit is not tracked. Or "one-time".
            Python's engine takes for ever over some patterns: those of strangers come compiled, by another one.
        track_placeholders: track addresses with a template marker behind the host (it has been filled in already).
        tag_limit: the longest tag that is looked at, in bytes from `<` to `>`; bounds the memory of streaming.

    Raises:
        BadSwitch: an item that cannot be used; the text names it.
    """

    opt_out: tuple[str, ...] = ()
    outlook: bool = False
    skip: tuple[str | Pattern, ...] = ()
    track_placeholders: bool = False
    tag_limit: int = 65536

    def __post_init__(self) -> None:
        for name in ("opt_out", "skip"):
            if isinstance(getattr(self, name), str):
                raise BadSwitch(f"{name} takes a tuple of strings, not one string")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not isinstance(self.tag_limit, int) or not 16 <= self.tag_limit <= 2**40:
            raise BadSwitch(f"tag_limit must be a number of bytes from 16 to 2**40, not {self.tag_limit!r}")
        _ = self.rules, self.skip_patterns  # bad items speak up here, not in the middle of a document

    def __reduce__(self) -> tuple[type["Switches"], tuple[object, ...]]:
        return type(self), (self.opt_out, self.outlook, self.skip, self.track_placeholders, self.tag_limit)

    @cached_property
    def rules(self) -> NativeOptions:
        """The switches as the core reads them."""
        pairs = [_parse_opt_out(item) for raw in self.opt_out for item in OPT_OUT_PRESETS.get(raw, (raw,))]
        try:
            return NativeOptions(
                pairs,
                outlook=self.outlook,
                track_placeholders=self.track_placeholders,
                tag_limit=self.tag_limit,
            )
        except ValueError as error:
            raise BadSwitch(f"opt_out: {error}") from None

    @cached_property
    def skip_patterns(self) -> tuple[Pattern, ...]:
        """The patterns of `skip`, compiled."""
        return tuple(pattern for item in self.skip for pattern in _compile_item(item))


def _compile_item(item: str | Pattern) -> tuple[Pattern, ...]:
    if not isinstance(item, str):
        return (item,)
    return tuple(map(_compile_pattern, SKIP_PRESETS[item]() if item in SKIP_PRESETS else (item,)))


def _compile_pattern(text: str) -> Pattern:
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadSwitch(f"skip: {text!r} is not a regular expression: {error}") from None


def _parse_opt_out(item: str) -> tuple[bytes, bytes | None]:
    name, equals, value = item.partition("=")
    if not _ATTRIBUTE.fullmatch(name) or not item.isascii():
        raise BadSwitch(f"opt_out: {item!r} is not an attribute name, name=value or a preset")
    value = value.strip().strip("\"'").strip().lower()
    return name.lower().encode(), value.encode() if equals else None

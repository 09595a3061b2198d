"""What `ahasend-*` headers ask for, whichever interface they came through; their values, not their place in a mail.

What cannot be understood is ignored with a warning: a mail must not be lost for a misspelt wish.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from linkweir.mail.message_types import SandboxResult

HEADER_PREFIX = "ahasend-"
SANDBOX_RESULTS: tuple[SandboxResult, ...] = ("deliver", "bounce", "defer", "fail", "suppress")
MAX_TAGS = 10
MAX_TAG_CHARS = 64
MAX_WARNINGS = 20  # a mail may hold a million headers that nobody understands


@dataclass(slots=True)
class HeaderPreferences:
    """None and () where nothing was asked. `warnings`: a sentence for each header that was ignored."""

    track_clicks: bool | None = None
    track_opens: bool | None = None
    sandbox: bool = False
    sandbox_result: SandboxResult | None = None
    metadata_retention_days: int | None = None
    content_retention_days: int | None = None
    tags: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)


def parse_headers(headers: Iterable[tuple[str, str]]) -> HeaderPreferences:
    """The wishes among these (name, value) pairs; names in any case, other headers are passed over."""
    preferences, ignored = HeaderPreferences(), 0
    for name, value in headers:
        lower, text = name.lower(), value.strip()
        if lower.startswith(HEADER_PREFIX) and not _apply_header(preferences, lower.removeprefix(HEADER_PREFIX), text):
            ignored += 1
            if ignored <= MAX_WARNINGS:
                preferences.warnings.append(f"{name[:80]}: {text[:80]!r} is not understood and was ignored")
    if ignored > MAX_WARNINGS:
        preferences.warnings.append(f"{ignored - MAX_WARNINGS} more headers were ignored")
    return preferences


def _apply_header(preferences: HeaderPreferences, name: str, text: str) -> bool:
    """Whether the wish was understood, and then it is noted."""
    field, read = VALUE_PARSERS.get(name, ("", _ignore_value))
    value = read(text)
    if value is None:
        return False
    setattr(preferences, field, value)
    return True


def _ignore_value(_text: str) -> None:
    return None


def _parse_boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _parse_switch(text: str) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())


def _parse_result(text: str) -> SandboxResult | None:
    return next((result for result in SANDBOX_RESULTS if result == text.lower()), None)


def _parse_tags(text: str) -> tuple[str, ...] | None:
    tags = tuple(tag.strip() for tag in text.split(",") if tag.strip())
    return tags if len(tags) <= MAX_TAGS and all(len(tag) <= MAX_TAG_CHARS for tag in tags) else None


def _parse_days(text: str, least: int) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 3 and least <= int(text) <= 30 else None


VALUE_PARSERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "track-clicks": ("track_clicks", _parse_boolean),
    "track-opens": ("track_opens", _parse_boolean),
    "sandbox": ("sandbox", _parse_switch),
    "sandbox-result": ("sandbox_result", _parse_result),
    "metadata-retention": ("metadata_retention_days", lambda word: _parse_days(word, 1)),
    "data-retention": ("content_retention_days", lambda word: _parse_days(word, 0)),
    "tags": ("tags", _parse_tags),
}

"""What `ahasend-*` headers ask for, whichever door they came through; their values, not their place in a mail.

What cannot be understood is ignored with a warning: a mail must not be lost for a misspelt wish.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from linkweir.mail.model import SandboxResult

PREFIX = "ahasend-"
RESULTS: tuple[SandboxResult, ...] = ("deliver", "bounce", "defer", "fail", "suppress")
TAGS = 10
TAG_LENGTH = 64
WARNINGS = 20  # a mail may hold a million headers that nobody understands


@dataclass(slots=True)
class HeaderWishes:
    """None and () where nothing was asked. `warnings`: a sentence for each header that was ignored."""

    track_clicks: bool | None = None
    track_opens: bool | None = None
    sandbox: bool = False
    sandbox_result: SandboxResult | None = None
    keep_metadata_days: int | None = None
    keep_content_days: int | None = None
    tags: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)

    @property
    def result(self) -> SandboxResult | None:
        """What the sandbox should do; None: no sandbox was asked for."""
        return (self.sandbox_result or "deliver") if self.sandbox else None


def read(headers: Iterable[tuple[str, str]]) -> HeaderWishes:
    """The wishes among these (name, value) pairs; names in any case, other headers are passed over."""
    wishes, ignored = HeaderWishes(), 0
    for name, value in headers:
        lower, word = name.lower(), value.strip()
        if lower.startswith(PREFIX) and not _take(wishes, lower.removeprefix(PREFIX), word):
            ignored += 1
            if ignored <= WARNINGS:
                wishes.warnings.append(f"{name[:80]}: {word[:80]!r} is not understood and was ignored")
    if ignored > WARNINGS:
        wishes.warnings.append(f"{ignored - WARNINGS} more headers were ignored")
    return wishes


def _take(wishes: HeaderWishes, name: str, word: str) -> bool:
    """Whether the wish was understood, and then it is noted."""
    field, read = READERS.get(name, ("", _nothing))
    value = read(word)
    if value is None:
        return False
    setattr(wishes, field, value)
    return True


def _nothing(_word: str) -> None:
    return None


def _flag(word: str) -> bool | None:
    return {"true": True, "false": False}.get(word.lower())


def _switch(word: str) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(word.lower())


def _result(word: str) -> SandboxResult | None:
    return next((one for one in RESULTS if one == word.lower()), None)


def _tags(word: str) -> tuple[str, ...] | None:
    tags = tuple(tag.strip() for tag in word.split(",") if tag.strip())
    return tags if len(tags) <= TAGS and all(len(tag) <= TAG_LENGTH for tag in tags) else None


def _days(text: str, least: int) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 3 and least <= int(text) <= 30 else None


READERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "track-clicks": ("track_clicks", _flag),
    "track-opens": ("track_opens", _flag),
    "sandbox": ("sandbox", _switch),
    "sandbox-result": ("sandbox_result", _result),
    "metadata-retention": ("keep_metadata_days", lambda word: _days(word, 1)),
    "data-retention": ("keep_content_days", lambda word: _days(word, 0)),
    "tags": ("tags", _tags),
}

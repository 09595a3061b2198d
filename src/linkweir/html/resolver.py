"""Resolvers: from tracked destinations to the values that replace them.

The core calls once per batch of links. Order of the outcomes as in the link rules, section 2: too-long-destination,
skipped, declined, refused, already-tracked, tracked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from linkweir import _html
from linkweir.errors import RefusedValue, check_type
from linkweir.html.charset import Charset
from linkweir.html.link import OUTCOME_NUMBER
from linkweir.html.outcome import Outcome
from linkweir.html.switches import Pattern, Switches
from linkweir.tokens import KeyRing, Tracker

if TYPE_CHECKING:
    from linkweir.html.document import Document

LinkFunction: TypeAlias = Callable[[str, int], str | None]


class DocumentLinks(Protocol):
    """Links that look at the whole document first, and whose answers are outcomes too."""

    def of_document(self, document: Document, switches: Switches, first: int) -> _html.Resolve:
        """The function that the core calls for each batch; `first` is the index of the document's first link."""


Links: TypeAlias = Tracker | LinkFunction

_SAFE_DESTINATION_BYTES = 2000  # bytes of a destination whose tracking link is shorter than that, whatever it holds
_BREAKS_ATTRIBUTE = re.compile(r"[\"'\x00-\x1f\x7f]")


def make_resolver(links: Links, switches: Switches, charset: Charset) -> _html.Resolve:
    """The function that the core calls for each batch."""
    if not callable(links):
        check_type("links", links, Tracker, "a Tracker or a function")
    check_type("switches", switches, Switches, "Switches")
    mint = _make_tracker_resolver(links, charset) if isinstance(links, Tracker) else None
    resolve_batch = mint or _make_function_resolver(cast(LinkFunction, links), charset)
    return _skip_matching(resolve_batch, switches.skip_patterns, mint) if switches.skip_patterns else resolve_batch


def make_document_resolver(
    links: Links | DocumentLinks, switches: Switches, document: Document, first: int = 0
) -> _html.Resolve:
    """The same for a whole document."""
    # by its attribute: isinstance with a Protocol costs as much as rendering 20 KB
    of_document = getattr(links, "of_document", None)
    if of_document is None:
        return make_resolver(cast(Links, links), switches, document.charset)
    resolve_batch: _html.Resolve = of_document(document, switches, first)
    return _skip_matching(resolve_batch, switches.skip_patterns) if switches.skip_patterns else resolve_batch


def make_dry_run_resolver(links: Tracker | None, switches: Switches, charset: Charset) -> _html.Resolve:
    """Says what would become of each link and replaces nothing; where its length may matter it is minted."""
    check_type("links", links, (Tracker, type(None)), "a Tracker or None")
    check_type("switches", switches, Switches, "Switches")
    tracked, known = OUTCOME_NUMBER[Outcome.TRACKED], OUTCOME_NUMBER[Outcome.ALREADY_TRACKED]
    mint = None if links is None else _make_tracker_resolver(links, charset)

    def resolve_batch(destinations: list[bytes], indexes: list[int]) -> list[bytes | int]:
        if links is None or mint is None:
            return [tracked] * len(destinations)
        grows = 1 if charset.codec == "utf-8" else 3  # a query in another charset is percent-encoded
        if max(map(len, destinations), default=0) * grows <= _SAFE_DESTINATION_BYTES:
            return [known if links.is_tracked(destination) else tracked for destination in destinations]
        return [tracked if isinstance(value, bytes) else value for value in mint(destinations, indexes)]

    return _skip_matching(resolve_batch, switches.skip_patterns, mint) if switches.skip_patterns else resolve_batch


@lru_cache(1)
def dry_run_tracker() -> Tracker:
    """For a dry run without keys: its links are about as long as others, and nobody has made one."""
    return Tracker(KeyRing.generate(datetime.now(UTC)), "https://t.example.com/c/", message=0)


def _make_tracker_resolver(tracker: Tracker, charset: Charset) -> _html.Resolve:
    known, refused = OUTCOME_NUMBER[Outcome.ALREADY_TRACKED], OUTCOME_NUMBER[Outcome.TOO_LONG_DESTINATION]

    def mint(destinations: list[bytes], indexes: list[int]) -> list[bytes | int]:
        if charset.codec != "utf-8":
            destinations = [charset.percent_encode_query(destination) for destination in destinations]
        return tracker.mint_many(destinations, indexes, known=known, refused=refused)

    return mint


def _make_function_resolver(function: LinkFunction, charset: Charset) -> _html.Resolve:
    def call(destinations: list[bytes], indexes: list[int]) -> list[bytes | int]:
        return [
            _check_replacement(function, destination.decode(), index, charset)
            for destination, index in zip(destinations, indexes, strict=True)
        ]

    return call


def _check_replacement(function: LinkFunction, destination: str, index: int, charset: Charset) -> bytes | int:
    value: object = function(destination, index)
    if value is None:
        return OUTCOME_NUMBER[Outcome.DECLINED]
    if isinstance(value, str):
        value = str.__str__(value)  # a subclass may answer for itself what is asked below
    if not isinstance(value, str):
        reason = f"the link function returned {type(value).__name__}, not str or None"
    elif not value:
        reason = "the link function returned an empty string"
    elif match := _BREAKS_ATTRIBUTE.search(value):
        reason = f"the link function returned {match[0]!r} at {match.start()}, which would break the attribute"
    else:
        try:
            return value.replace("&", "&amp;").encode(charset.codec)
        except UnicodeEncodeError:
            reason = f"the link function returned a value that {charset.codec} cannot hold"
    raise RefusedValue(reason, destination=destination, index=index, value=value)


def _skip_matching(
    resolve: _html.Resolve, patterns: tuple[Pattern, ...], mint: _html.Resolve | None = None
) -> _html.Resolve:
    """Links that match a pattern are skipped; what `mint` says is too long comes before that."""
    too_long, skipped = OUTCOME_NUMBER[Outcome.TOO_LONG_DESTINATION], OUTCOME_NUMBER[Outcome.SKIPPED]

    def of_skipped(destination: bytes, index: int) -> int:
        long = mint is not None and len(destination) > _SAFE_DESTINATION_BYTES
        return too_long if long and mint and mint([destination], [index])[0] == too_long else skipped

    def skip(destinations: list[bytes], indexes: list[int]) -> list[bytes | int]:
        texts = [d.decode() for d in destinations]
        tracked = [i for i, text in enumerate(texts) if not any(p.search(text) for p in patterns)]
        answers = resolve([destinations[i] for i in tracked], [indexes[i] for i in tracked]) if tracked else []
        values = dict(zip(tracked, answers, strict=True))
        return [values[i] if i in values else of_skipped(destinations[i], indexes[i]) for i in range(len(texts))]

    return skip

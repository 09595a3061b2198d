"""Replacements of a document's links, for callers that splice themselves.

A mail's transfer encoding has its own idea of lines, so its splice cannot be the document's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from linkweir import _html
from linkweir.html.document import Document
from linkweir.html.link import OUTCOME_BY_NUMBER, OUTCOME_NUMBER, Link
from linkweir.html.outcome import Outcome
from linkweir.html.resolver import DocumentLinks, Links, dry_run_tracker, make_document_resolver
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches
from linkweir.tokens import Tracker

# (start, end, value): the document's bytes from start to before end become the value
Replacement: TypeAlias = tuple[int, int, bytes]


class LinkReplacements:
    """The links of one document, judged; with `links` also their new values.

    Attributes: `unjudgeable`: its encoding cannot be judged by bytes, so nothing was looked at. `count`: how many
    links there are, whatever became of them. `replacements`: in document order; offsets are bytes of the document
    (of UTF-8 for a str).

    `first` is the index of the document's first link. `collect_links`: whether `links()` will be asked for, which
    costs more than the replacing. Raises what `links` raises, and RefusedValue.
    """

    def __init__(
        self,
        html: str | bytes,
        links: Links | DocumentLinks | None,
        *,
        switches: Switches = DEFAULT_SWITCHES,
        charset: str = "utf-8",
        first: int = 0,
        tracker: Tracker | None = None,
        collect_links: bool = True,
    ) -> None:
        self._document = Document(html, charset)
        self._first = first
        self.is_opaque = self._document.is_opaque
        self.count = 0
        self.replacements: list[Replacement] = []
        self._rows: list[_html.RawLink] = []
        self._outcome_counts: list[int] = []
        self._excluded: tuple[set[int], Outcome] = set(), Outcome.DECLINED
        if self.is_opaque:
            return
        if links is None:
            self._rows = self._document.scan_rows(switches, tracker or dry_run_tracker())
            self.count = len(self._rows)
            return
        resolve_batch = make_document_resolver(links, switches, self._document, first)
        resolve = resolve_batch if not first else _shift_indexes(resolve_batch, first)
        report = self._rows.extend if collect_links else None
        splice = _html.LinkRewriter(switches.rules, resolve, self._document.charset.to_utf8, report)
        self.replacements = splice.replacements(self._document.raw)
        self._outcome_counts = list(splice.outcome_counts())
        self.count = sum(self._outcome_counts)

    def candidates(self) -> list[Replacement]:
        """Return the values that would be replaced, with nothing instead: for a scan without `links`."""
        tracked = OUTCOME_NUMBER[Outcome.TRACKED]
        return [(row.value_start, row.value_end, b"") for row in self._rows if row.outcome == tracked]

    def exclude(self, numbers: list[int], outcome: Outcome) -> None:
        """Make nothing of some of the replacements (or candidates), whose links get this outcome."""
        all_of_them = self.replacements or self.candidates()
        starts = {all_of_them[number][0] for number in numbers}
        self.replacements = [replacement for replacement in self.replacements if replacement[0] not in starts]
        self._excluded = starts, outcome

    def count_outcomes(self) -> dict[Outcome, int]:
        """How many links had each outcome, for a rewriting with `links`; costs less than `links()`."""
        counts = {OUTCOME_BY_NUMBER[number]: count for number, count in enumerate(self._outcome_counts) if count}
        starts, outcome = self._excluded
        if not starts:
            return counts
        counts[outcome] = counts.get(outcome, 0) + len(starts)
        counts[Outcome.TRACKED] -= len(starts)
        return {outcome: count for outcome, count in counts.items() if count}

    def links(self) -> list[Link]:
        """Every link as reports show it, if `listed`; its index counts from `first`."""
        links = [self._document.to_link(row) for row in self._rows]
        starts, outcome = self._excluded
        if starts:
            links = [
                replace(link, outcome=outcome, replacement=None, warning=None) if row.value_start in starts else link
                for link, row in zip(links, self._rows, strict=True)
            ]
        return [replace(link, index=link.index + self._first) for link in links] if self._first else links


def _shift_indexes(resolve: _html.Resolve, first: int) -> _html.Resolve:
    def resolve_shifted(destinations: list[bytes], indexes: list[int]) -> list[bytes | int]:
        return list(resolve(destinations, [index + first for index in indexes]))

    return resolve_shifted

"""Where a document's links stand and what would stand there instead: for callers that splice themselves.

A mail's transfer encoding has its own idea of lines, so its splice cannot be the document's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from linkweir import _core
from linkweir.html.link import Link
from linkweir.html.resolve import Links, resolver
from linkweir.html.rewrite import Document
from linkweir.html.stream import DEFAULT
from linkweir.html.switches import Switches
from linkweir.token import Tracker


@dataclass(frozen=True, slots=True)
class Replacement:
    """Bytes `start` to `end` of a document become `value`."""

    start: int
    end: int
    value: bytes


class Places:
    """The links of one document, judged; with `links` also their new values.

    Attributes: `unjudgeable`: its encoding cannot be judged by bytes, so nothing was looked at. `count`: how many
    links there are. `replacements`: in document order; offsets are bytes of the document (of UTF-8 for a str).

    `first` is the index of the document's first link. Raises what `links` raises, and RefusedValue.
    """

    def __init__(
        self,
        html: str | bytes,
        links: Links | None,
        *,
        switches: Switches = DEFAULT,
        charset: str = "utf-8",
        first: int = 0,
        known: Tracker | None = None,
    ) -> None:
        self._document = Document(html, charset)
        self._first = first
        self.unjudgeable = self._document.unjudgeable
        self._rows: list[_core.Row] = []
        if self.unjudgeable:
            return
        if links is None:
            self._rows = self._document.rows(switches, known)
            return
        ask = resolver(links, switches, self._document.charset)
        resolve = ask if not first else _moved(ask, first)
        splice = _core.Splice(switches.rules, resolve, self._document.charset.to_utf8, self._rows.extend)
        splice.feed(self._document.raw)
        splice.close()

    @property
    def count(self) -> int:
        """How many links the document has, whatever became of them."""
        return len(self._rows)

    @property
    def replacements(self) -> list[Replacement]:
        """What is to be replaced, in order."""
        return [Replacement(row[5], row[6], row[11]) for row in self._rows if row[11] is not None]

    def links(self) -> list[Link]:
        """Every link as reports show it; its index counts from `first`."""
        found = [self._document.link(row) for row in self._rows]
        return [replace(link, index=link.index + self._first) for link in found] if self._first else found


def _moved(ask: _core.Resolve, first: int) -> _core.Resolve:
    def moved(destinations: list[bytes], indexes: list[int]) -> list[bytes | int]:
        return list(ask(destinations, [index + first for index in indexes]))

    return moved

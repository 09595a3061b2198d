"""A case: a document and its right answer, known from how the document was made and not from any engine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LinkSite:
    """One value that must be replaced: `document[start:end]`, between the quotes.

    `index` is the ordinal of its tag among all `a` start tags of the document, whatever their outcome.
    """

    start: int
    end: int
    destination: str
    index: int


@dataclass(frozen=True, slots=True)
class Case:
    """A document, the sites to replace in it, in document order, and how many `a` start tags it has in all.

    A destination with `excused` in it belongs to a tag that only our own rules leave alone: a peer may
    replace it.
    """

    name: str
    document: bytes = field(repr=False)
    sites: tuple[LinkSite, ...] = field(repr=False)
    anchors: int = 0
    peer_exemption: str | None = None

    @property
    def destinations(self) -> list[str]:
        """What the reader would be sent to, decoded, in document order."""
        return [site.destination for site in self.sites]

    def expected_output(self, link: Callable[[str, int], str]) -> bytes:
        """The only right output: the document with `link(destination, index)` in place of every site's
        value."""
        return b"".join(self._pieces(link))

    def _pieces(self, link: Callable[[str, int], str]) -> Iterator[bytes]:
        at = 0
        for site in self.sites:
            yield self.document[at : site.start]
            yield link(site.destination, site.index).encode()
            at = site.end
        yield self.document[at:]


class PageBuilder:
    """A document being written; remembers the sites as they go by."""

    def __init__(self) -> None:
        self.size = 0
        self.anchors = 0
        self._parts: list[bytes] = []
        self._sites: list[LinkSite] = []

    def add_markup(self, text: str | bytes) -> None:
        """Markup without any `a` start tag in it."""
        part = text.encode() if isinstance(text, str) else text
        self._parts.append(part)
        self.size += len(part)

    def add_untracked_anchor(self, markup: str) -> None:
        """One `a` start tag that must be left alone."""
        self.add_markup(markup)
        self.anchors += 1

    def add_link(self, before: str, value: str, after: str, destination: str) -> None:
        """One `a` start tag whose `value` must be replaced: `before` ends and `after` begins with its
        quote."""
        self.add_markup(before)
        start = self.size
        self.add_markup(value)
        self._sites.append(LinkSite(start, self.size, destination, self.anchors))
        self.add_markup(after)
        self.anchors += 1

    def build(self, name: str) -> Case:
        """The finished document."""
        return Case(name, b"".join(self._parts), tuple(self._sites), self.anchors)

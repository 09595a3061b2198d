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

"""The twin and the real scanner behind one face, so that one test holds both to the rules."""

from collections.abc import Callable
from typing import Protocol

import linkweir
from tests import twin
from tests.twin import TwinLink, TwinSwitches

DEFAULT = TwinSwitches()
Links = Callable[[str, int], str | None]


class Scanner(Protocol):
    """What can find and replace the links of a document."""

    name: str

    def scan(self, document: bytes, switches: TwinSwitches = ..., charset: str = ...) -> list[TwinLink]:
        """Every link of the document in order."""

    def rewrite(self, document: bytes, links: Links, switches: TwinSwitches = ..., charset: str = ...) -> bytes:
        """The document with the tracked links replaced."""


class Twin:
    """The plain one."""

    name = "twin"

    def scan(self, document: bytes, switches: TwinSwitches = DEFAULT, charset: str = "utf-8") -> list[TwinLink]:
        """Every link of the document in order."""
        return twin.scan(document, switches, charset)

    def rewrite(self, document: bytes, links: Links, switches: TwinSwitches = DEFAULT, charset: str = "utf-8") -> bytes:
        """The document with the tracked links replaced."""
        return twin.rewrite(document, links, switches, charset)


class Core:
    """The real one."""

    name = "core"

    def scan(self, document: bytes, switches: TwinSwitches = DEFAULT, charset: str = "utf-8") -> list[TwinLink]:
        """Every link of the document in order."""
        found = linkweir.scan(document, switches=real(switches), charset=charset)
        return [as_twin(link) for link in found]

    def rewrite(self, document: bytes, links: Links, switches: TwinSwitches = DEFAULT, charset: str = "utf-8") -> bytes:
        """The document with the tracked links replaced."""
        return linkweir.rewrite(document, links, switches=real(switches), charset=charset)


def real(switches: TwinSwitches) -> linkweir.Switches:
    """The same switches in the package's words."""
    return linkweir.Switches(
        opt_out=switches.opt_out,
        outlook=switches.outlook,
        skip=switches.skip,
        track_placeholders=switches.track_placeholders,
        tag_limit=switches.tag_limit,
    )


def as_twin(link: linkweir.Link) -> TwinLink:
    """The fields that the twin knows too."""
    return TwinLink(
        link.index,
        str(link.outcome),
        link.destination,
        link.start,
        link.end,
        link.value_start,
        link.value_end,
        link.element,
    )


SCANNERS: tuple[Scanner, ...] = (Twin(), Core())

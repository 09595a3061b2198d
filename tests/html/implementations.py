"""The twin and the real scanner behind one face, so that one test holds both to the rules."""

from collections.abc import Callable
from typing import Protocol

import linkweir
from tests import reference
from tests.reference import ReferenceLink, ReferenceSwitches

DEFAULT_SWITCHES = ReferenceSwitches()
LinkFunction = Callable[[str, int], str | None]


class Scanner(Protocol):
    """What can find and replace the links of a document."""

    name: str

    def scan(self, document: bytes, switches: ReferenceSwitches = ..., charset: str = ...) -> list[ReferenceLink]:
        """Every link of the document in order."""

    def rewrite(
        self, document: bytes, links: LinkFunction, switches: ReferenceSwitches = ..., charset: str = ...
    ) -> bytes:
        """The document with the tracked links replaced."""


class ReferenceScanner:
    """The plain one."""

    name = "twin"

    def scan(
        self, document: bytes, switches: ReferenceSwitches = DEFAULT_SWITCHES, charset: str = "utf-8"
    ) -> list[ReferenceLink]:
        """Every link of the document in order."""
        return reference.scan(document, switches, charset)

    def rewrite(
        self,
        document: bytes,
        links: LinkFunction,
        switches: ReferenceSwitches = DEFAULT_SWITCHES,
        charset: str = "utf-8",
    ) -> bytes:
        """The document with the tracked links replaced."""
        return reference.rewrite(document, links, switches, charset)


class CoreScanner:
    """The real one."""

    name = "core"

    def scan(
        self, document: bytes, switches: ReferenceSwitches = DEFAULT_SWITCHES, charset: str = "utf-8"
    ) -> list[ReferenceLink]:
        """Every link of the document in order."""
        result = linkweir.scan(document, switches=to_switches(switches), charset=charset)
        return [to_reference_link(link) for link in result]

    def rewrite(
        self,
        document: bytes,
        links: LinkFunction,
        switches: ReferenceSwitches = DEFAULT_SWITCHES,
        charset: str = "utf-8",
    ) -> bytes:
        """The document with the tracked links replaced."""
        return linkweir.rewrite(document, links, switches=to_switches(switches), charset=charset)


def to_switches(switches: ReferenceSwitches) -> linkweir.Switches:
    """The same switches in the package's words."""
    return linkweir.Switches(
        opt_out=switches.opt_out,
        outlook=switches.outlook,
        skip=switches.skip,
        track_placeholders=switches.track_placeholders,
        tag_limit=switches.tag_limit,
    )


def to_reference_link(link: linkweir.Link) -> ReferenceLink:
    """The fields that the twin knows too."""
    return ReferenceLink(
        link.index,
        str(link.outcome),
        link.destination,
        link.start,
        link.end,
        link.value_start,
        link.value_end,
        link.element,
    )


SCANNERS: tuple[Scanner, ...] = (ReferenceScanner(), CoreScanner())

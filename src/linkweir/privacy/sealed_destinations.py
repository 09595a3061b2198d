"""Destinations of the service's own sealed links in a mail: they are packed into the links, so a text search cannot
find them.
"""

from collections.abc import Iterator

from linkweir.errors import BadToken
from linkweir.html import Outcome, Switches
from linkweir.mime.message import check_message
from linkweir.tokens import KeyRing, Tracker, open_link


def sealed_link_destinations(raw: bytes, ring: KeyRing, base_url: str) -> Iterator[str]:
    """The destinations of the sealed links in the HTML of a mail."""
    for part_link in check_message(raw, switches=Switches(), links=Tracker(ring, base_url))[0]:
        if part_link.link.outcome is not Outcome.ALREADY_TRACKED or not part_link.link.destination:
            continue
        try:
            opened = open_link(ring, part_link.link.destination)
        except BadToken:
            continue
        if opened.destination is not None:
            yield opened.destination

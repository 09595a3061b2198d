"""7bit, 8bit and binary: the bytes are the text."""

from linkweir import _mime
from linkweir.html.places import Replacement


class Plain:
    """One part as it stands; `decoded` is the same."""

    def __init__(self, encoded: bytes, _crlf: bool) -> None:
        self.decoded = encoded

    def splice(self, replacements: list[Replacement]) -> bytes:
        """The part with these bytes replaced."""
        return _mime.splice(self.decoded, replacements)

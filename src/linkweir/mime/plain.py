"""7bit, 8bit and binary: the bytes are the text."""

from collections.abc import Sequence

from linkweir.html.places import Replacement


class Plain:
    """One part as it stands; `decoded` is the same."""

    def __init__(self, encoded: bytes) -> None:
        self.decoded = encoded

    def splice(self, replacements: Sequence[Replacement]) -> bytes:
        """The part with these bytes replaced."""
        done, at = [], 0
        for one in replacements:
            done += [self.decoded[at : one.start], one.value]
            at = one.end
        return b"".join([*done, self.decoded[at:]])

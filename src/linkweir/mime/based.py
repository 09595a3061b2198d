"""Base64 (RFC 2045 section 6.8): decoded strictly, and spliced so that everything before the first new value stays.

From the group of four characters in which the first new value begins, the rest of the part is encoded anew, at the
part's own width: a value of another length moves every group behind it.
"""

from linkweir import _mime
from linkweir.html.places import Replacement
from linkweir.mime.note import Untouchable

WIDTH = 76  # characters to a line, where the part does not show its own
_SPACE = b" \t\r\n"
_CODEC = _mime.Base64()


class Based:
    """One encoded part; `decoded` is its content. Raises Untouchable when it holds anything but base64."""

    def __init__(self, encoded: bytes) -> None:
        try:
            self.decoded = _CODEC.decode(encoded)
        except _mime.Malformed as reason:
            raise Untouchable(str(reason)) from None
        self._encoded = encoded

    def splice(self, replacements: list[Replacement]) -> bytes:
        """The part with these bytes of the content replaced."""
        if not replacements:
            return self._encoded
        whole = replacements[0][0] // 3  # groups that stay
        head = self._encoded[: _mime.base64_behind(self._encoded, whole * 4)]
        content = _mime.splice(self.decoded, replacements, whole * 3)
        body = self._encoded.rstrip(_SPACE)
        tail = self._encoded[len(body) :]
        return _CODEC.encode(content, _width(body), b"\r\n" in self._encoded, head, tail)


def _width(body: bytes) -> int:
    """The whole groups in the first of several lines, as characters."""
    body = body.lstrip(_SPACE)
    stop = body.find(b"\n")
    first = len(body[:stop].rstrip(_SPACE))
    return first // 4 * 4 if stop >= 0 and first >= 4 else WIDTH

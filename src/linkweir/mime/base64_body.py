"""Base64 parts (RFC 2045 section 6.8): strict decoding, and splicing that keeps everything before the first new value.

As in all readers, the padding at the end may be missing; it is then missing in the result, too.

From the group of four characters that contains the first change, the rest of the part is encoded again in the line
width of the part: a value of another length shifts every group after it.
"""

import contextlib

from linkweir import _mime
from linkweir.html import REASONS, Outcome
from linkweir.html.replacements import Replacement
from linkweir.mime.notes import UnrewritablePart

DEFAULT_LINE_CHARACTERS = 76  # characters in a line, if the part has only one
_WHITESPACE = b" \t\r\n"
_CODEC = _mime.Base64Codec()


class Base64Body:
    """One encoded part; `decoded` is its content. Raises UnrewritablePart for anything but base64.

    `crlf`: new lines end with CRLF if the part has only one line.
    """

    failure_outcome = Outcome.ENCODING  # never used: every link can be replaced
    failure_reason = REASONS[failure_outcome]

    def __init__(self, encoded: bytes, crlf: bool) -> None:
        self._is_padded = True
        try:
            self.decoded = _CODEC.decode(encoded)
        except _mime.MalformedEncoding as reason:
            self.decoded = _decode_unpadded(encoded, str(reason))
            self._is_padded = False
        self._encoded = encoded
        self._crlf = b"\r\n" in encoded or (crlf and b"\n" not in encoded)

    def splice(self, replacements: list[Replacement]) -> tuple[bytes, list[int]]:
        """Return the part with these bytes of the content replaced, and an empty list: all replacements succeed."""
        return self._splice_and_encode(replacements) if replacements else self._encoded, []

    def _splice_and_encode(self, replacements: list[Replacement]) -> bytes:
        encoded = self._encoded
        whole = replacements[0][0] // 3  # unchanged groups
        content = _mime.splice(self.decoded, replacements, whole * 3)
        begin, end = _mime.base64_bounds(encoded)
        head, tail = encoded[: _mime.base64_offset_after(encoded, whole * 4)], encoded[end:]
        if self._is_padded:
            return _CODEC.encode(content, _detect_line_width(encoded, begin, end), self._crlf, head, tail)
        return _CODEC.encode(content, _detect_line_width(encoded, begin, end), self._crlf, head).rstrip(b"=") + tail


def _decode_unpadded(encoded: bytes, reason: str) -> bytes:
    """Decode a part without padding. Raises UnrewritablePart with `reason` for other defects."""
    missing = -len(encoded.translate(None, _WHITESPACE)) % 4
    if 0 < missing < 3 and b"=" not in encoded:
        with contextlib.suppress(_mime.MalformedEncoding):
            return _CODEC.decode(encoded + b"=" * missing)
    raise UnrewritablePart(reason)


def _detect_line_width(encoded: bytes, begin: int, end: int) -> int:
    """Return the characters of the first line in whole groups; the default width if there is one line."""
    stop = encoded.find(b"\n", begin, end)
    first = len(encoded[begin:stop].rstrip(_WHITESPACE)) if stop >= 0 else 0
    return first // 4 * 4 or DEFAULT_LINE_CHARACTERS

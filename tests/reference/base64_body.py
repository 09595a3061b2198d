"""Base64 once more, character by character (RFC 2045, section 6.8), and what a part becomes when its content changes.

From the first group that changes, everything is encoded anew, in lines as wide as the part's first. The padding at the
end may be missing; then it is missing afterwards.
"""

import base64
import re

from tests.reference.quoted_printable_body import Change, ReferenceMalformedError

SPACE = b" \t\r\n"
VALID_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{3}=?|[A-Za-z0-9+/]{2}(?:==)?)?")


class ReferenceBase64:
    """One part; `decoded` is its content."""

    def __init__(self, encoded: bytes, crlf: bool) -> None:
        characters = bytes(byte for byte in encoded if byte not in SPACE)
        if not VALID_BASE64.fullmatch(characters):
            raise ReferenceMalformedError("its base64 has foreign characters or an uneven end")
        self.encoded = encoded
        self.padded = len(characters) % 4 == 0
        self.decoded = base64.b64decode(characters + b"==")
        self.newline = b"\r\n" if b"\r\n" in encoded or (crlf and b"\n" not in encoded) else b"\n"

    def splice(self, changes: list[Change]) -> tuple[bytes, list[int]]:
        """The part with these changes of its content, and the empty list, as all of them are made."""
        if not changes:
            return self.encoded, []
        kept = changes[0][0] // 3 * 3
        content, at = b"", kept
        for start, end, value in changes:
            content += self.decoded[at:start] + value
            at = end
        text = base64.b64encode(content + self.decoded[at:])
        text = text if self.padded else text.rstrip(b"=")
        body = self.encoded.rstrip(SPACE)
        done = self.encoded[: self._offset_after(kept // 3 * 4)]
        for group in range(0, len(text), 4):
            if len(done.split(b"\n")[-1]) + 4 > self._width():
                done += self.newline
            done += text[group : group + 4]
        return done + self.encoded[len(body) :], []

    def _offset_after(self, count: int) -> int:
        """Behind so many characters."""
        places = [at for at, byte in enumerate(self.encoded) if byte not in SPACE]
        return places[count - 1] + 1 if count else 0

    def _width(self) -> int:
        lines = self.encoded.strip(SPACE).split(b"\n")
        return len(lines[0].rstrip(SPACE)) // 4 * 4 or 76 if len(lines) > 1 else 76

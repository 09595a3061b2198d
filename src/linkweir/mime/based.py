"""Base64 (RFC 2045 section 6.8): decoded strictly, and spliced so that everything before the first new value stays.

From the group of four characters in which the first new value begins, the rest of the part is encoded anew, at the
part's own width: a value of another length moves every group behind it.
"""

import binascii
import string
from collections.abc import Sequence

from linkweir.html.places import Replacement
from linkweir.mime.note import Untouchable

WIDTH = 76  # characters to a line, where the part does not show its own
_SPACE = b" \t\r\n"
_ALPHABET = string.ascii_letters.encode() + string.digits.encode() + b"+/"


class Based:
    """One encoded part; `decoded` is its content. Raises Untouchable when it holds anything but base64."""

    def __init__(self, encoded: bytes) -> None:
        compact = encoded.translate(None, _SPACE)
        padding = compact.translate(None, _ALPHABET)
        if len(compact) % 4 or padding not in (b"", b"=", b"==") or not compact.endswith(padding):
            raise Untouchable("its base64 has foreign characters or an uneven end")
        self._encoded = encoded
        self.decoded = binascii.a2b_base64(compact)

    def splice(self, replacements: Sequence[Replacement]) -> bytes:
        """The part with these bytes of the content replaced."""
        if not replacements:
            return self._encoded
        whole = replacements[0].start // 3 * 3  # bytes in the groups that stay
        content = _spliced(self.decoded, replacements, whole)
        kept = self._characters(whole // 3 * 4)
        body = self._encoded.rstrip(_SPACE)
        head = self._encoded[:kept]
        newline = b"\r\n" if b"\r\n" in self._encoded else b"\n"
        column = len(head) - head.rfind(b"\n") - 1
        return head + _lines(content, column, self._width(), newline) + self._encoded[len(body) :]

    def _characters(self, count: int) -> int:
        """The offset behind the first `count` characters that are not white space."""
        width, newline = self._width(), 2 if b"\r\n" in self._encoded else 1
        guess = count + (count - 1) // width * newline if count else 0
        if guess <= len(self._encoded) and len(self._encoded[:guess].translate(None, _SPACE)) == count:
            return guess
        at = 0
        for line in self._encoded.splitlines(keepends=True):
            size = len(line.translate(None, _SPACE))
            if size >= count:
                return at + _behind(line, count)
            count -= size
            at += len(line)
        return at

    def _width(self) -> int:
        first = self._encoded.lstrip(_SPACE).partition(b"\n")[0].strip(_SPACE)
        return len(first) // 4 * 4 if b"\n" in self._encoded.strip(_SPACE) and len(first) >= 4 else WIDTH


def _behind(line: bytes, count: int) -> int:
    at = 0
    while count:
        count -= line[at] not in _SPACE
        at += 1
    return at


def _spliced(content: bytes, replacements: Sequence[Replacement], at: int) -> bytes:
    done = []
    for one in replacements:
        done += [content[at : one.start], one.value]
        at = one.end
    return b"".join([*done, content[at:]])


def _lines(content: bytes, column: int, width: int, newline: bytes) -> bytes:
    """The content in base64, the first line filling up one that has `column` characters already."""
    text = binascii.b2a_base64(content, newline=False)
    first = max(width - column, 0) // 4 * 4
    lines = [text[:first], *(text[at : at + width] for at in range(first, len(text), width))]
    if not lines[0] and column == 0:
        lines = lines[1:]
    return newline.join(lines)

"""A mail as what it has in common with a base and what it has not, so that mails of one submission take little space.

What is set in base64 is compared as it is before: in base64 one byte more changes everything behind it.
"""

import struct
from typing import NamedTuple

from linkweir import _mime
from linkweir._mime import DeltaEncoder, apply_delta

BASE64_LINE_CHARS = 76  # RFC 2045 section 6.8
_BASE64 = _mime.Base64Codec()
_LENGTHS = struct.Struct(">QQ")  # of the first two deltas; the third is the rest


class MailParts(NamedTuple):
    """A mail: some bytes, `content` in base64 with its line ends, some more bytes."""

    before: bytes
    content: bytes = b""
    after: bytes = b""

    def join(self) -> bytes:
        """Return the mail."""
        return b"".join((self.before, encode_base64_lines(self.content), self.after))

    @property
    def size(self) -> int:
        """Bytes of the mail."""
        characters = (len(self.content) + 2) // 3 * 4
        lines = -(-characters // BASE64_LINE_CHARS)
        return len(self.before) + characters + 2 * lines + len(self.after)


def encode_base64_lines(data: bytes) -> bytes:
    """Lines of base64, each with CRLF; nothing for nothing."""
    return _BASE64.encode(data, BASE64_LINE_CHARS, True, b"", b"\r\n" if data else b"")


def encode_mail(encoder: DeltaEncoder, mail: MailParts) -> bytes:
    """The mail's difference from the encoder's base."""
    before, content, after = map(encoder.encode, mail)
    return b"".join((_LENGTHS.pack(len(before), len(content)), before, content, after))


def decode_mail(base: bytes, difference: bytes) -> bytes:
    """The mail that `encode_mail` was given. Raises MalformedEncoding, struct.error for what it has not made."""
    before_length, content_length = _LENGTHS.unpack_from(difference)
    content_start = _LENGTHS.size + before_length
    after_start = content_start + content_length
    deltas = difference[_LENGTHS.size : content_start], difference[content_start:after_start], difference[after_start:]
    return MailParts(*(apply_delta(base, delta) for delta in deltas)).join()

"""Quoted-printable once more, byte by byte: what is right, and what a part becomes when pieces of its text change.

RFC 2045, section 6.7, read strictly: "=" begins =XX or ends a line, and soft breaks are of one kind.
"""

import re
from typing import NamedTuple

MAX_LINE_CHARACTERS = 76
SOFT_BREAK = re.compile(rb"=\r?\n")
HEX_ESCAPE = re.compile(rb"=[0-9A-Fa-f]{2}")
TRAILING_WHITESPACE = re.compile(rb"[ \t]\r?\n")

Change = tuple[int, int, bytes]


class ReferenceMalformedError(Exception):
    """No reader can be sure what this part says; the text is the package's too."""


class EncodedByte(NamedTuple):
    """One byte of the text and where its encoding stands."""

    byte: int
    start: int
    end: int


class ReferenceQuotedPrintable:
    """One part. `units`: its text; `end`: where one more byte would begin; `newline`: of its lines."""

    def __init__(self, encoded: bytes, crlf: bool) -> None:
        self.encoded = encoded
        self.units: list[EncodedByte] = []
        at = self.end = 0
        while at < len(encoded):
            if soft := SOFT_BREAK.match(encoded, at):
                at = soft.end()
            elif encoded[at:] == b"=":
                break
            elif encoded[at] != ord("="):
                self.units.append(EncodedByte(encoded[at], at, at + 1))
                at += 1
            elif HEX_ESCAPE.match(encoded, at):
                self.units.append(EncodedByte(int(encoded[at + 1 : at + 3], 16), at, at + 3))
                at += 3
            else:
                raise ReferenceMalformedError(f"malformed quoted-printable at byte {at}")
            self.end = at
        has_crlf = b"\r\n" in encoded
        self.newline = b"\r\n" if has_crlf or (crlf and b"\n" not in encoded) else b"\n"
        if has_crlf and b"=\n" in encoded:
            raise ReferenceMalformedError("its soft line breaks are of two kinds")

    @property
    def decoded(self) -> bytes:
        """The text."""
        return bytes(unit.byte for unit in self.units)

    def splice(self, changes: list[Change]) -> tuple[bytes, list[int]]:
        """The part with these changes of its text, but for those on which readers would not agree; which ones."""
        done = b""
        left = []
        copied = 0
        for number, (start, end, value) in enumerate(changes):
            begin = self.units[start].start if start < len(self.units) else self.end
            behind = self.units[end - 1].end if end > start else begin
            if TRAILING_WHITESPACE.search(self.encoded[begin:behind]):
                left.append(number)
                continue
            done += self.encoded[copied:begin]
            tail = self.encoded[behind:].split(b"\n")[0].rstrip(b"\r")
            done += self._fold(value, len(done.split(b"\n")[-1]), len(tail))
            copied = behind
        return done + self.encoded[copied:], left

    def _fold(self, value: bytes, column: int, tail: int) -> bytes:
        """Filled up to the limit, line by line, until the rest and the tail behind it fit into one."""
        units = [bytes([byte]) if 33 <= byte <= 126 and byte != 61 else b"=%02X" % byte for byte in value]
        lines = [b""]
        while units and column + len(b"".join(units)) + tail > MAX_LINE_CHARACTERS:
            while units and column + len(units[0]) <= MAX_LINE_CHARACTERS - 1:
                column += len(units[0])
                lines[-1] += units.pop(0)
            lines.append(b"")
            column = 0
        if not value and column + tail > MAX_LINE_CHARACTERS:
            lines.append(b"")
        return (b"=" + self.newline).join(lines) + b"".join(units)

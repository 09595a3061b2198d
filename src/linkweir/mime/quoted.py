"""Quoted-printable (RFC 2045 section 6.7): decoded with a way back, and spliced without touching another byte.

The way back from an offset counts "=" between two links, and never walks the text byte by byte.
"""

import binascii
import re
from collections.abc import Sequence

from linkweir.html.places import Replacement
from linkweir.mime.note import Untouchable

LINE_LIMIT = 76  # characters, the soft break's "=" included
# "=" must begin a byte or end a line; anything else is read differently by different readers
_MALFORMED = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n|\Z)")
_STRAY = re.compile(rb"(?<!=)[ \t]+\r?\n")  # readers differ on white space before a line's end
_SAFE = re.compile(rb"[!-<>-~]*")


class Quoted:
    """One encoded part; `decoded` is its text. Raises Untouchable when it is malformed."""

    def __init__(self, encoded: bytes) -> None:
        bad = _MALFORMED.search(encoded)
        if bad:
            raise Untouchable(f"malformed quoted-printable at byte {bad.start()}")
        self._encoded = encoded
        self.decoded = binascii.a2b_qp(encoded)
        self._newline = b"\r\n" if b"\r\n" in encoded else b"\n"
        self._soft = b"=" + self._newline
        if encoded.count(b"=\n") + encoded.count(b"=\r\n") != encoded.count(self._soft):
            raise Untouchable("its soft line breaks are of two kinds")
        self._known = (0, 0)  # a decoded offset and the encoded one that belongs to it

    def splice(self, replacements: Sequence[Replacement]) -> bytes:
        """The part with these bytes of the decoded text replaced; those that cannot be are left as they are."""
        done: list[bytes] = []
        copied = column = 0
        for one in replacements:
            start = self._place(one.start)
            end = self._end(one.start, one.end, start)
            if _STRAY.search(self._encoded, start, end):
                continue  # the destination depends on who decodes it
            before = self._encoded[copied:start]
            column = _column(column, before)
            value = _folded(one.value, column, self._rest_of_line(end), self._newline)
            column = _column(column, value)
            done += [before, value]
            copied = end
        done.append(self._encoded[copied:])
        return b"".join(done)

    def _place(self, offset: int) -> int:
        """Where the encoding of the decoded byte at `offset` begins; behind the last byte: the end.

        Goes on from the place that was asked for last: as many bytes as are still missing are taken and counted,
        until none is missing, which a few steps reach, for most bytes stand for themselves.
        """
        decoded, at = self._known if self._known[0] <= offset else (0, 0)
        size = len(self._encoded)
        while at < size and (decoded < offset or self._is_soft(at)):
            end = self._whole(at, min(at + max(offset - decoded, 1), size))
            marks = self._encoded.count(b"=", at, end)
            soft = self._encoded.count(self._soft, at, end) if marks else 0
            if end == size and self._encoded.endswith(b"="):
                decoded -= 1  # a soft break without its line end stands for nothing
                marks -= 1
            decoded += end - at - 2 * (marks - soft) - len(self._soft) * soft
            at = end
        self._known = (decoded, at)
        return at

    def _is_soft(self, at: int) -> bool:
        return self._encoded.startswith(self._soft, at)

    def _whole(self, start: int, end: int) -> int:
        """Not inside of what one "=" begins: behind it when it begins before, and at least one character on."""
        mark = self._encoded.rfind(b"=", max(end - len(self._soft) + 1, start), end)
        if mark < 0:
            return end
        if self._is_soft(mark):
            return mark + len(self._soft)
        return min(max(end, mark + 3), len(self._encoded))

    def _end(self, first: int, behind: int, start: int) -> int:
        """Where the encoding of the bytes before `behind` ends; soft breaks behind them are not theirs."""
        if behind == first:
            return start
        last = self._place(behind - 1)
        return last + (3 if self._encoded[last : last + 1] == b"=" else 1)

    def _rest_of_line(self, at: int) -> int:
        """How many characters stand between here and the line's end."""
        stop = self._encoded.find(b"\n", at)
        return len(self._encoded[at : stop if stop >= 0 else None].rstrip(b"\r"))


def _column(column: int, text: bytes) -> int:
    """The column behind a text that begins at `column`."""
    end = text.rfind(b"\n")
    return column + len(text) if end < 0 else len(text) - end - 1


def _folded(value: bytes, column: int, tail: int, newline: bytes) -> bytes:
    """The value encoded, with soft breaks so that no line passes the limit; `tail` characters follow it."""
    encoded = value if _SAFE.fullmatch(value) else b"".join(map(_unit, value))
    done: list[bytes] = []
    at = 0
    while column + len(encoded) - at + tail > LINE_LIMIT and at < len(encoded):
        stop = min(at + max(LINE_LIMIT - 1 - column, 0), len(encoded))
        mark = encoded.rfind(b"=", max(stop - 2, at), stop)
        stop = mark if mark >= 0 else stop  # never inside =XX
        done += [encoded[at:stop], b"=", newline]
        at, column = stop, 0
    if at == len(encoded) and not done and column + tail > LINE_LIMIT:
        done += [b"=", newline]
    return b"".join([*done, encoded[at:]])


def _unit(byte: int) -> bytes:
    return bytes([byte]) if 33 <= byte <= 126 and byte != 61 else b"=%02X" % byte

"""Quoted-printable (RFC 2045 section 6.7): decoded with a way back, and spliced without touching another byte.

The decoded text has the same lines as the encoded one, so the way back from an offset goes over its line: one count
per line, and a walk inside the few lines that hold a link.
"""

import binascii
import re
from bisect import bisect_right
from collections.abc import Sequence

from linkweir.html.places import Replacement
from linkweir.mime.note import Untouchable

LINE_LIMIT = 76  # characters, the soft break's "=" included
# "=" must begin a byte or end a line; anything else is read differently by different readers
_MALFORMED = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n|\Z)")
_STRAY = re.compile(rb"(?<!=)[ \t]+\r?\n")  # readers differ on white space before a line's end
_SAFE = re.compile(rb"[!-<>-~]*")
_TOKEN = re.compile(rb"=[0-9A-Fa-f]{2}|=(?:\r?\n|\Z)|[^=]+")


class Quoted:
    """One encoded part; `decoded` is its text. Raises Untouchable when it is malformed."""

    def __init__(self, encoded: bytes) -> None:
        bad = _MALFORMED.search(encoded)
        if bad:
            raise Untouchable(f"malformed quoted-printable at byte {bad.start()}")
        self._encoded = encoded
        self.decoded = binascii.a2b_qp(encoded)
        self._newline = b"\r\n" if b"\r\n" in encoded else b"\n"
        self._decoded_starts: list[int] = []  # where each encoded line begins in the decoded text ...
        self._encoded_starts: list[int] = []  # ... and in the encoded

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

    def _lines(self) -> None:
        decoded = encoded = 0
        for line in self._encoded.splitlines(keepends=True) if b"\r" not in self._encoded else _split(self._encoded):
            self._decoded_starts.append(decoded)
            self._encoded_starts.append(encoded)
            encoded += len(line)
            marks = line.count(b"=")
            soft = marks and line.rstrip(b"\r\n").endswith(b"=")
            decoded += len(line.rstrip(b"\r\n")) - 1 - 2 * (marks - 1) if soft else len(line) - 2 * marks

    def _place(self, offset: int) -> int:
        """Where the encoding of the decoded byte at `offset` begins; behind the last byte: the end."""
        if not self._decoded_starts:
            self._lines()
        line = bisect_right(self._decoded_starts, offset) - 1
        decoded, at = self._decoded_starts[line], self._encoded_starts[line]
        while decoded < offset and (token := _TOKEN.match(self._encoded, at)):
            size = _decoded_size(token[0])
            if decoded + size > offset:
                return at + offset - decoded  # inside a run of literal bytes
            decoded += size
            at = token.end()
        return at

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


def _split(encoded: bytes) -> list[bytes]:
    """Lines end at LF only: a lone CR is a character like others."""
    return [line + b"\n" for line in encoded.split(b"\n")[:-1]] + [encoded[encoded.rfind(b"\n") + 1 :]]


def _decoded_size(token: bytes) -> int:
    if token[:1] != b"=":
        return len(token)
    return 0 if token[1:2] in (b"\r", b"\n", b"") else 1


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

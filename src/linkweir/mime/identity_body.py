"""7bit, 8bit and binary parts: unencoded, with at most 998 octets in a line (RFC 5322 section 2.1.1)."""

from typing import NamedTuple, Self

from linkweir import _mime
from linkweir.html import REASONS, Outcome
from linkweir.html.replacements import Replacement

MAX_LINE_OCTETS = 998  # octets without the line end


class IdentityBody:
    """One unencoded part; `decoded` is identical."""

    failure_outcome = Outcome.LINE_TOO_LONG  # the outcome of a link that cannot be replaced
    failure_reason = REASONS[failure_outcome]

    def __init__(self, encoded: bytes, _crlf: bool) -> None:
        self.decoded = encoded

    def splice(self, replacements: list[Replacement]) -> tuple[bytes, list[int]]:
        """Return the part with these bytes replaced, except those that would make a line longer than the limit, and
        the indexes of these. The first ones on a line take precedence.
        """
        done = _mime.splice_within_lines(self.decoded, replacements, MAX_LINE_OCTETS)
        if done is not None:
            return done, []
        left = find_overlong(self.decoded, replacements)
        out = set(left)
        fitting = [replacement for number, replacement in enumerate(replacements) if number not in out]
        return _mime.splice(self.decoded, fitting), left


class LineSpan(NamedTuple):
    """One line of a text: offsets of its begin, of its line end, and of the next line."""

    begin: int
    stop: int
    next: int

    @classmethod
    def containing(cls, text: bytes, offset: int, line_start: int) -> Self:
        """Return the line that contains `offset`; `line_start`: the begin of a line at or before it."""
        begin = text.rfind(b"\n", line_start, offset) + 1 or line_start
        end = text.find(b"\n", offset)
        if end < 0:
            return cls(begin, len(text), len(text) + 1)
        return cls(begin, end - text.endswith(b"\r", begin, end), end + 1)

    @property
    def size(self) -> int:
        return self.stop - self.begin


def find_overlong(text: bytes, replacements: list[Replacement], limit: int = MAX_LINE_OCTETS) -> list[int]:
    """Return the indexes of replacements that would make a line exceed the limit although the original did not."""
    left: list[int] = []
    line = LineSpan.containing(text, 0, 0)
    # of the line that is being written; up to where the text is in it; its last octet
    column, copied, was_long, tail = 0, 0, line.size > limit, b""
    for number, (start, end, value) in enumerate(replacements):
        if start >= line.next:
            line = LineSpan.containing(text, start, line.next)
            column, copied, was_long, tail = 0, line.begin, line.size > limit, b""
        tail = text[max(copied, start - 1) : start] or tail
        column, copied = column + start - copied, start
        last, any_long = line, was_long
        if end >= line.next:  # the old value has line ends, the new one has none
            last = LineSpan.containing(text, end, line.next)
            between = text[line.next : last.begin].split(b"\n")
            any_long = (
                was_long
                or last.size > limit
                or any(len(between_line.removesuffix(b"\r")) > limit for between_line in between)
            )
        end_tail = value[-1:] or tail
        size = column + len(value) + max(0, last.stop - end)
        size -= end_tail == b"\r" and text.startswith(b"\n", end)  # these two are a line end now
        if not any_long and size > limit:
            left.append(number)
        else:
            line, column, copied, was_long, tail = last, column + len(value), end, any_long, end_tail
    return left

"""The line limit once more: each change is tried on the whole text, and every line is measured.

A line of the result may be too long only if a line of the text that has gone into it was.
"""

from tests.reference.quoted_printable_body import Change


def reference_over_limit(text: bytes, changes: list[Change], limit: int) -> list[int]:
    """The numbers of the changes that are not made, of which the first come first."""
    created: list[Change] = []
    left = []
    for number, change in enumerate(changes):
        if _fits(text, [*created, change], limit):
            created.append(change)
        else:
            left.append(number)
    return left


def _fits(text: bytes, changes: list[Change], limit: int) -> bool:
    was_long: list[bool] = []  # for each byte and for the end
    for line in text.split(b"\n"):
        was_long += [len(line.removesuffix(b"\r") if len(was_long) + len(line) < len(text) else line) > limit] * (
            len(line) + 1
        )
    out = b""
    origins: list[set[int]] = []  # of each byte of the result: which bytes of the text it stands for or beside
    at = 0
    for start, end, value in changes:
        origins += [{i} for i in range(at, start)] + [set(range(start, end + 1))] * len(value)
        out += text[at:start] + value
        at = end
        if not value and start < end:
            origins[-1:] = [origins[-1] | set(range(start, end + 1))] if origins and out[-1:] != b"\n" else origins[-1:]
    origins += [{i} for i in range(at, len(text))]
    out += text[at:]
    return _check_lines(out, origins, was_long, limit)


def _check_lines(out: bytes, origins: list[set[int]], was_long: list[bool], limit: int) -> bool:
    begin = 0
    for line in out.split(b"\n"):
        end = begin + len(line)
        content = line.removesuffix(b"\r") if end < len(out) else line
        if len(content) > limit and not any(was_long[i] for origin in origins[begin:end] for i in origin):
            return False
        begin = end + 1
    return True

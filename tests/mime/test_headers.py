"""Header blocks as bytes, against reading them line by line."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir.mime.headers import Headers, fields

PIECES = st.sampled_from(
    [
        *(b"Subject: x", b"X-Y:", b"Content-Type: text/html", b"; charset=x", b"From a@b", b"From : y", b"From ", b":"),
        *(b"a", b"b c:", b" ", b"\t", b"\n", b"\n", b"\r\n", b"\r", b"\xff"),
    ]
)


def line_by_line(raw: bytes) -> tuple[list[tuple[bytes, int, int, int]], int]:
    """The fields as (name, start, value, end) and where the body begins."""
    found: list[tuple[bytes, int, int, int]] = []
    at = 0
    for line in re.findall(rb"[^\n]*\n|[^\n]+\Z", raw):
        if not re.match(rb"From |[!-9;-~]*:|[ \t]", line):
            return found, at + len(line) if line in (b"\n", b"\r\n") else at
        if line[:1] in b" \t":
            found[-1:] = [(*one[:3], at + len(line)) for one in found[-1:]]
        elif name := re.match(rb"([!-9;-~]+)[ \t]*:", line):
            found.append((name[1].lower(), at, at + name.end(), at + len(line)))
        at += len(line)
    return found, at


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=14).map(b"".join))
def test_a_block_is_read_as_line_by_line(raw: bytes) -> None:
    """Names, places and the body's begin are those that reading each line for itself gives."""
    found, body = fields(raw, 0, len(raw))
    assert ([tuple(field) for field in found], body) == line_by_line(raw)


def test_what_is_remembered_is_what_was_said() -> None:
    """Parts with the same text type all have it, and one that contradicts itself is told from those that do not."""
    head = b"Content-Type: text/html; charset=KOI8-R\n"
    once, twice = Headers(head, 0, len(head)), Headers(head + b"Content-Type: text/plain\n", 0, len(head) + 25)
    for headers, ambiguous in ((once, False), (twice, True), (once, False)):
        kind = headers.content_type("text/plain")
        assert (kind.kind, kind.charset, kind.ambiguous) == ("text/html", "koi8-r", ambiguous)

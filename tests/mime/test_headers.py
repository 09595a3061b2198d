"""Header blocks as bytes, against reading them line by line."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir.mime.headers import HeaderBlock, PartHeaders, unfold

PIECES = st.sampled_from(
    [
        *(b"Subject: x", b"X-Y:", b"Content-Type: text/html", b"; charset=x", b"From a@b", b"From : y", b"From ", b":"),
        *(
            b"a",
            b"b c:",
            b" ",
            b"\t",
            b"\n",
            b"\n",
            b"\n",
            b"\r\n",
            b"\r",
            b"\xff",
            b">From x",
            b"--b",
            b"\xef\xbb\xbf",
        ),
        *(b"To", b"p: q"),
    ]
)
COMMON_HEADER_PATTERN = re.compile(rb"(?:subject|x-y|content-type|from|to)[ \t]*:", re.IGNORECASE)


def parse_line_by_line(raw: bytes) -> tuple[list[tuple[bytes, int]], int, bool]:
    """The lines as (text with continuations, offset), where the body begins, and whether an empty line stands there."""
    at = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    block = b""
    for line in re.findall(rb"[^\n]*\n|[^\n]+\Z", raw[at:]):
        if line in (b"\n", b"\r\n"):
            break
        block += line
    end = at + len(block)
    empty = raw[end:].startswith((b"\n", b"\r\n"))
    bare = re.search(rb"\r(?!\n)", block) is not None
    result: list[tuple[bytes, int]] = []
    lines = re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z" if bare else rb"[^\n]*\n|[^\n]+\Z", block)
    while lines and re.match(rb">*From (?![ \t]*:)", lines[0]):
        at += len(lines.pop(0))
    for line in lines:
        if result and line[:1] in (b" ", b"\t"):
            result[-1] = (result[-1][0] + line, result[-1][1])
        else:
            result.append((line, at))
        at += len(line)
    odd = [i for i, (text, _) in enumerate(result) if not re.match(rb"[!-9;-~]*[ \t]*:", text)]
    odd = [i for i in odd if i or result[0][0][:1] not in (b" ", b"\t")]
    boundary = next((i for i in odd if result[i][0].startswith(b"--")), len(result))
    last = max((i for i in range(boundary) if COMMON_HEADER_PATTERN.match(result[i][0])), default=-1)
    forgotten = next((result[i][1] for i in odd if i > last), None)
    behind = end + len(re.match(rb"\r?\n|", raw[end:])[0])  # type: ignore[index]
    return result, behind if forgotten is None else forgotten, empty and forgotten is None


@settings(max_examples=600, deadline=None)
@given(st.lists(PIECES, max_size=18).map(b"".join))
def test_a_block_is_read_as_line_by_line(raw: bytes) -> None:
    """Lines, their offsets, the body's begin and what stands before it are those that reading line by line gives."""
    block = HeaderBlock(raw, 0, len(raw))
    result = [(raw[line.start : line.end], line.start) for line in block.lines]
    assert (result, block.body, block.has_separator) == parse_line_by_line(raw)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        (b"Bcc: a", b"bcc", b"a"),
        (b"Content-Type : text/html", b"content-type", b"text/html"),
        (b"From \t: a", b"from", b"a"),
        (b"Bcc\r\n : a", b"bcc", b"a"),
        (b"\xa0Bcc\x01: a", b"bcc", b"a"),
        (b" Bcc: a", b"bcc", b"a"),
        (b"no header", b"", b"no header"),
        (b": a", b"", b"a"),
    ],
)
def test_a_name_is_what_the_most_lenient_reader_takes_for_one(line: bytes, name: bytes, value: bytes) -> None:
    """White space and what no name can hold are left out of it; a line without a name is a line all the same."""
    raw = line + b"\r\nTo: b\r\n\r\n"
    first = HeaderBlock(raw, 0, len(raw)).lines[0]
    assert (first.name, unfold(raw, first)) == (name, value)


@pytest.mark.parametrize(
    ("block", "body"),
    [
        (b"Subject: a\nwrapped badly\nTo: b\n\nhello", b"hello"),
        (b"Subject: a\nGood day,\nwe write: to you\n\nhello", b"Good day,\nwe write: to you\n\nhello"),
        (b"Subject: a\nGood day, no empty line at all", b"Good day, no empty line at all"),
        (
            b"Subject: a\nPreamble\n--b\nContent-Type: text/plain\n\nx\n",
            b"Preamble\n--b\nContent-Type: text/plain\n\nx\n",
        ),
        (b"\xef\xbb\xbfFrom a@b\n>From b\nSubject: a\n\nhello", b"hello"),
        (b"From a@b\n folded\nSubject: a\n\nhello", b"hello"),
        (b"Subject: a\n", b""),
        (b"\nhello", b"hello"),
    ],
)
def test_the_body_begins_where_readers_find_it(block: bytes, body: bytes) -> None:
    """Behind the empty line where headers go on to it, else at the line that is none, else there is no body."""
    assert block[HeaderBlock(block, 0, len(block)).body :] == body


@pytest.mark.parametrize("envelope", [b"From a@b Mon\r\n", b">From a@b\n", b"From a\n>From b\n"])
@pytest.mark.parametrize("indent", [b" ", b"\t", b"\t\r\n "])
def test_an_indented_line_behind_an_envelope_line_is_no_part_of_it(envelope: bytes, indent: bytes) -> None:
    """It is read as the first line, for some readers pass over the "From " line alone."""
    raw = envelope + indent + b"Bcc: a\r\nTo: b\r\n\r\n"
    block = HeaderBlock(raw, 0, len(raw))
    assert [line.name for line in block.lines] == [b"bcc", b"to"]
    assert (block.first_line_start, block.malformed_at) == (len(envelope), None)


@pytest.mark.parametrize("above", [b"", b"\xef\xbb\xbf", b"From x\r\n", b" \r\n\xef\xbb\xbf\r\n>From x\r\n\t"])
def test_a_header_below_an_empty_line_is_noticed(above: bytes) -> None:
    """A header that some reader finds below an empty line at the top makes the mail malformed; a text does not."""
    for line, malformed_at in ((b"To: b", 0), (b"Hello, to: b", None), (b"From x", None)):
        raw = b"\r\n" + above + line + b"\r\n\r\n"
        assert HeaderBlock(raw, 0, len(raw)).malformed_at == malformed_at


def test_cached_headers_equal_parsed_headers() -> None:
    """Parts with the same text type all have it, and one that contradicts itself is told from those that do not."""
    head = b"Content-Type: text/html; charset=KOI8-R\n"
    once, twice = PartHeaders(head, 0, len(head)), PartHeaders(head + b"Content-Type: text/plain\n", 0, len(head) + 25)
    for headers, unclear in ((once, False), (twice, True), (once, False)):
        kind = headers.content.type_or("text/plain")
        assert (kind.media_type, kind.charset, bool(kind.ambiguity)) == ("text/html", "koi8-r", unclear)


LINE_TEXTS = (
    *(b"From a@example.com Thu Jan  1 00:00:00 2026", b">From x", b"From : a", b"Content-Type: text/html", b"X: y"),
    *(b"content-type:multipart/mixed;", b" boundary=x", b"\t", b"Lines : 7", b"Content-Length:9", b"DKIM-Signature: a"),
    *(b"no header", b":", b" ", b"\r", b"\0", b"--x", b"\xef\xbb\xbf", b"A\r: b", b"", b"", b"From now on"),
)


@given(
    st.lists(
        st.tuples(st.sampled_from(LINE_TEXTS), st.sampled_from((b"\n", b"\n", b"\r\n", b"\r\n", b""))), max_size=12
    ),
    st.sampled_from((b"", b"before\n")),
)
def test_a_plain_block_is_read_like_any_other(pieces: list[tuple[bytes, bytes]], before: bytes) -> None:
    """What is read by one expression, since all readers agree on it, is what reading line by line gives."""
    raw = before + b"".join(text + end for text, end in pieces)
    fast, slow = PartHeaders(raw, len(before), len(raw)), PartHeaders(raw, len(before), len(raw))
    slow._read_block(raw, HeaderBlock(raw, len(before), len(raw)))
    names = ("start", "body", "has_separator", "malformed_at", "ambiguity", "fields")
    assert [getattr(fast, name) for name in names] == [getattr(slow, name) for name in names]

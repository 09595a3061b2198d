"""Tables as streams: the documents' links are replaced, and no other byte."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir import KeyRing, Switches, Tracker, rewrite
from linkweir.bulk.document_io import UnreadableInput
from linkweir.bulk.tables.csv_table import rewrite_csv
from linkweir.bulk.tables.ndjson_table import rewrite_ndjson
from linkweir.bulk.tables.table_format import compress, decompress
from linkweir.bulk.tables.table_rows import TableOptions, TableRows
from linkweir.bulk.tracker_factory import TrackerFactory

BASE_URL = "https://t.example.com"
RING = KeyRing.generate(datetime(2026, 1, 1, tzinfo=UTC))
LINK = '<a href="https://example.com/?a=1&amp;b=é">'
HTMLS = st.text(alphabet=st.sampled_from("x é😀\"'/\\<>&;,|\t\n\r\u2028")) | st.builds(
    lambda before, after: before.replace("<", "") + LINK + after, st.text(max_size=20), st.text(max_size=20)
).filter(lambda html: html.isprintable() or "\0" not in html)
VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(max_size=3), max_size=3)


def make_rows(report: Callable[[bytes], None] | None = None) -> TableRows:
    options = TableOptions("html", "id", Switches(), "utf-8", report is not None, True)
    trackers = TrackerFactory(RING, BASE_URL).make_row_trackers("t", has_ids=True)
    return TableRows("t", options, trackers, report or (lambda _: None))


def rewrite_one(html: str, number: int) -> str:
    return rewrite(html, Tracker(RING, BASE_URL, message=number))


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def escape_as_go(text: str) -> str:
    """What Go's encoder writes."""
    text = json.dumps(text, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04X}")
    return text


ENCODERS: list[Callable[[str], str]] = [
    json.dumps,
    lambda text: json.dumps(text, ensure_ascii=False),
    lambda text: json.dumps(text).replace("/", r"\/"),
    escape_as_go,
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(HTMLS, VALUES, st.sampled_from(ENCODERS)), min_size=1, max_size=5),
    st.sampled_from([1, 7, 1000]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_lines_keep_every_other_byte(
    table: list[tuple[str, Any, Callable[[str], str]]], size: int, line_end: str
) -> None:
    """In however a program has escaped it, each document has its links, and what surrounds them has the same bytes."""
    lines, expected = [], []
    for number, (html, value, encode) in enumerate(table):
        start, end = f'{{ "x":{json.dumps(value)},"html" :', f',\t"id":{number}, "y": [1.50, {{"html": 1e2}}] }}'
        lines.append(f"{start}{encode(html)}{end}{line_end}")
        expected.append((start, rewrite_one(html, number), encode, end))
    data = "".join(lines).encode("utf-8", "surrogatepass")
    rows = make_rows()
    done = b"".join(rewrite_ndjson(cut(data, size), rows)).decode()
    assert rows.totals.unchanged == []
    found = done.split("\n")[:-1]
    assert len(found) == len(lines)
    for line, (start, html, encode, end) in zip(found, expected, strict=True):
        assert line.startswith(start)
        assert line.removesuffix("\r").endswith(end)
        raw = line.removesuffix("\r")[len(start) : -len(end)]
        assert json.loads(raw) == html
        # a new link is ASCII, whose slashes may be written in two ways
        assert raw.replace(r"\/", "/") == encode(html).replace(r"\/", "/")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(HTMLS.map(lambda html: html.replace("\0", "")), st.text('a,;|"\t x\r\n')), max_size=5),
    st.sampled_from(",;\t|"),
    # without all quotes, Python's writer quotes only what its own line end has
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), *((end, csv.QUOTE_ALL) for end in ("\n", "\r\n", "\r"))]),
    st.sampled_from([1, 5, 1000]),
)
def test_records_are_those_that_python_writes(
    table: list[tuple[str, str]], delimiter: str, form: tuple[str, Any], size: int
) -> None:
    """Whatever the delimiter, the line ends and the quotes, the bytes are those that Python's writer writes for the
    rewritten documents.
    """
    line_end, quoting = form

    def write(htmls: list[str]) -> bytes:
        output = io.StringIO(newline="")
        writer = csv.writer(output, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
        writer.writerow(["id", "note", "html"])
        writer.writerows((i, note, html) for i, (html, (_, note)) in enumerate(zip(htmls, table, strict=True)))
        return output.getvalue().encode("utf-8", "surrogatepass")

    rows = make_rows()
    done = b"".join(rewrite_csv(cut(write([html for html, _ in table]), size), rows))
    assert rows.totals.unchanged == []
    assert rows.totals.row_count == len(table)
    assert done == write([rewrite_one(html, i) for i, (html, _) in enumerate(table)])


def test_rows_that_cannot_be_rewritten_stay_and_are_named() -> None:
    """Each wrong row comes out as it was, with its number and a reason; the rows around it are rewritten."""
    good = b'{"id": 1, "html": "<a href=\\"https://example.com/\\">x</a>"}\n'
    wrong = {
        b"{": "no JSON object",
        b"[1]": "begins with something else",
        b'{"html": "\xff"}': "utf-8",
        b'{"html": 5, "id": 1}': "is a number, not text",
        b'{"html": "a", "html": "b"}': "occurs twice",
        b'{"html": "<p>"} 5': "something follows",
        b'{"html": "<a>"}': "message id is missing",
        b'{"html": "<a>", "id": true}': "it must be text or a number",
        b'{"html": "<a>", "id": -1}': "message id",
        b'{"html": "<a>", "id": "a@example.com"}': "never an address",
        b'{"html": ' + b"[" * 100_000 + b"}": "recursion",
    }
    report: list[bytes] = []
    rows = make_rows(report.append)
    done = b"".join(rewrite_ndjson(iter([good, *(line + b"\n" + good for line in wrong)]), rows)).splitlines(True)
    assert done[1::2] == [line + b"\n" for line in wrong]
    assert all(BASE_URL.encode() in line for line in done[::2])
    assert (rows.totals.row_count, rows.totals.unchanged_count) == (2 * len(wrong) + 1, len(wrong))
    for named, reason, number in zip(rows.totals.unchanged, wrong.values(), range(2, 100, 2), strict=False):
        assert named.startswith(f"row {number}: ")
        assert reason in named
    outcomes = [json.loads(line)["outcome"] for line in report]
    assert outcomes.count("unchanged-row") == len(wrong)
    assert outcomes.count("tracked") == len(wrong) + 1


def test_huge_rows_pass_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row beyond the limit passes as it is, in pieces, and the next one is rewritten; a quote without end passes the
    rest of its table.
    """
    for name in ("ndjson_table", "csv_table"):
        monkeypatch.setattr(f"linkweir.bulk.tables.{name}.MAX_ROW_BYTES", 1000)
    row = b'{"id": 1, "html": "<a href=\\"https://example.com/\\">x</a>"}\n'
    huge = b'{"id": 2, "html": "' + b"x" * 5000 + b'"}\n'
    rows = make_rows()
    pieces = list(rewrite_ndjson(cut(row + huge + row, 100), rows))
    assert max(map(len, pieces)) < 1500
    done = b"".join(pieces)
    assert done.count(BASE_URL.encode()) == 2
    assert huge in done
    assert rows.totals.unchanged == ["row 2: larger than 64 MiB"]
    table = b'id,html\n1,"<a href=""https://example.com/"">"\n2,"' + b"x" * 5000
    rows = make_rows()
    pieces = list(rewrite_csv(cut(table, 100), rows))
    assert max(map(len, pieces)) < 2500
    assert b"".join(pieces).endswith(b"x" * 5000)
    assert len(rows.totals.unchanged) == 1


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_streams_that_are_cut_are_errors(compression: Any) -> None:
    """What was compressed comes back, also as two members or frames; data that ends too early is no whole table."""
    data = b"".join(b"%d," % number for number in range(100_000))
    packed = b"".join(compress(cut(data, 1000), compression))
    assert len(packed) < len(data)
    assert b"".join(decompress(cut(packed + packed, 777), compression)) == data * 2
    for size in (len(packed) // 2, len(packed) - 1):
        with pytest.raises(UnreadableInput):
            b"".join(decompress(cut(packed[:size], 777), compression))
    with pytest.raises(UnreadableInput):
        b"".join(decompress(cut(packed[:50] + b"\0" * 500, 777), compression))

"""When the text of a link is an address itself, and what is no document."""

import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from linkweir.bulk.document_io import UnreadableInput, reject_binary
from linkweir.bulk.file_lint import lint_file
from linkweir.bulk.tracker_factory import TrackerFactory
from linkweir.html import Switches
from linkweir.html.lint import is_url_like
from linkweir.tokens import KeyRing

TRACKERS = TrackerFactory(KeyRing.generate(datetime.now(UTC)), "https://t.example.com/")


@pytest.mark.parametrize(
    ("text", "destination", "expected"),
    [
        ("https://example.com/a", None, True),
        ("http:/example.com", None, True),
        ("www.example.de", None, True),
        ("WWW.EXAMPLE.DE/x.", None, True),
        ("(example.com)", None, True),
        ("shop.example.co.uk/sale?x=1", None, True),
        ("my.weird.host", "https://my.weird.host/x", True),
        ("weird.host", "https://www.weird.host/x", True),
        ("Node.js", "https://nodejs.org/", False),
        ("Read more", "https://example.com/", False),
        ("see https://example.com", None, False),
        ("v2.0", None, False),
        ("", "https://example.com/", False),
        ("example", "https://example/", False),
        ("x.y", "http://[broken", False),
    ],
)
def test_texts_that_readers_take_for_addresses(text: str, destination: str | None, expected: bool) -> None:
    """A text is an address by its beginning, by a well-known ending, or by being the link's host."""
    assert is_url_like(text, destination) is expected


def test_compressed_data_is_junk() -> None:
    """Random bytes and UTF-16 without a BOM are refused, and the position of a NUL is named."""
    with pytest.raises(UnreadableInput, match="a NUL at byte 1\\)"):
        reject_binary("<p>hello</p>".encode("utf-16-le"))
    noise = bytes(range(256)) * 4
    with pytest.raises(UnreadableInput, match="binary"):
        reject_binary(noise)


@pytest.mark.parametrize("head", [b"", b"<p>\0" + b"text " * 100, b"\x1b$B" * 40, "Grüße".encode("latin-1")])
def test_odd_documents_are_no_junk(head: bytes) -> None:
    """An empty file, one stray NUL, ISO-2022-JP and Latin-1 are let through."""
    reject_binary(head)


def test_this_interpreter_is_junk() -> None:
    """A real executable is refused."""
    with open(os.path.realpath("/proc/self/exe"), "rb") as file, pytest.raises(UnreadableInput):
        reject_binary(file.read(8192))


@pytest.mark.parametrize("charset", ["utf-8", "shift_jis", "gb18030", "windows-1252"])
def test_columns_count_characters_from_the_line_s_start(tmp_path: Path, charset: str) -> None:
    """Each of several links on two lines has the column that decoding its line up to it gives, cut characters too."""
    line = b'\xe3\x81\x82<a href="https://e.com/">\x83\xe3<a href="https://e.com/">x</a>\xc3<a href="https://e.com/">\n'
    (tmp_path / "a.html").write_bytes(line * 2)
    remarks = lint_file(str(tmp_path / "a.html"), switches=Switches(), charset=charset, trackers=TRACKERS)
    codec = {"windows-1252": "cp1252", "shift_jis": "cp932"}.get(charset, charset)
    places = [result.start() for result in re.finditer(b"<a", line)]
    columns = [len(line[:place].decode(codec, "replace")) + 1 for place in places]
    assert [(remark.line, remark.column) for remark in remarks] == [(n, column) for n in (1, 2) for column in columns]


def test_half_a_megabyte_in_one_line_is_checked_in_linear_time(tmp_path: Path) -> None:
    """Columns of 8 000 links on a line take no decoding of that line for each: hardly more than on as many lines."""
    spent = {}
    for end in (b"\n", b" "):
        block = '<p>ü<a href="https://example.com/some/path/a">x</a>'.encode() + end
        (tmp_path / "a.html").write_bytes(block * 8_000)
        start = time.process_time()
        remarks = lint_file(str(tmp_path / "a.html"), switches=Switches(), charset=None, trackers=TRACKERS)
        spent[end] = time.process_time() - start
    assert spent[b" "] < 5 * spent[b"\n"]
    assert remarks[-1].column == 7_999 * 52 + 5

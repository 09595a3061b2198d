"""When the text of a link is an address itself, and what is no document."""

import os

import pytest

from linkweir.batch.checking import looks_like_address
from linkweir.batch.source import Unreadable, refuse_junk


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
    assert looks_like_address(text, destination) is expected


def test_compressed_data_is_junk() -> None:
    """Random bytes and UTF-16 without a BOM are refused, and the position of a NUL is named."""
    with pytest.raises(Unreadable, match="a NUL at byte 1\\)"):
        refuse_junk("<p>hello</p>".encode("utf-16-le"))
    noise = bytes(range(256)) * 4
    with pytest.raises(Unreadable, match="binary"):
        refuse_junk(noise)


@pytest.mark.parametrize("head", [b"", b"<p>\0" + b"text " * 100, b"\x1b$B" * 40, "Grüße".encode("latin-1")])
def test_odd_documents_are_no_junk(head: bytes) -> None:
    """An empty file, one stray NUL, ISO-2022-JP and Latin-1 are let through."""
    refuse_junk(head)


def test_this_interpreter_is_junk() -> None:
    """A real executable is refused."""
    with open(os.path.realpath("/proc/self/exe"), "rb") as file, pytest.raises(Unreadable):
        refuse_junk(file.read(8192))

"""Link rules, section 5: documents whose bytes cannot be judged pass untouched."""

import pytest

import linkweir
from linkweir.html.outcome import Outcome

HTML = '<p>é<a href="https://x.example/?a&amp;b">one</a> <a href="/x">two</a></p>'
REWRITTEN_HTML = '<p>é<a href="https://t.example/0">one</a> <a href="/x">two</a></p>'


def make_link(destination: str, index: int) -> str:
    """A new value from the index."""
    return f"https://t.example/{index}"


ENCODINGS = ["utf-16", "utf-16le", "utf-32", "utf-7", "iso-2022-jp", "hz-gb-2312", "iso-2022-kr", "johab", "cp037"]


@pytest.mark.parametrize("kind", [bytes, bytearray])
@pytest.mark.parametrize("charset", ENCODINGS)
def test_an_unsupported_encoding_passes_untouched(charset: str, kind: type[bytes]) -> None:
    """Such a document comes back as it is, and `check` names the reason."""
    document = b'<a href="https://x.example/">'
    assert linkweir.rewrite(kind(document), make_link, charset=charset) == document
    assert list(linkweir.scan(document, charset=charset)) == []
    (finding,) = linkweir.check(document, charset=charset)
    assert finding.link.outcome is Outcome.ENCODING


@pytest.mark.parametrize("mark", [b"\x1b", b"\0", b"~{"])
def test_an_unknown_label_is_processed_unless_something_speaks_against_it(mark: bytes) -> None:
    """An unknown charset counts as bytes, but not in a document with ESC, NUL or `~{`."""
    document = b'<a href="https://x.example/">~ {'
    assert linkweir.rewrite(document, make_link, charset="x-unknown") == b'<a href="https://t.example/0">~ {'
    assert linkweir.rewrite(document + mark, make_link, charset="x-unknown") == document + mark


def test_a_str_has_no_byte_order_mark_and_no_charset() -> None:
    """In a str, U+FEFF and a charset label change nothing."""
    assert linkweir.rewrite("\ufeff" + HTML, make_link, charset="utf-16") == "\ufeff" + REWRITTEN_HTML

"""Link rules, sections 3 and 5: which bytes may change, and in which character sets."""

import pytest

from tests.html.implementations import Scanner
from tests.reference import ReferenceSwitches

NEW_URL = "https://t.example/1?a=1"
ODD_DOCUMENTS = [
    b'\xef\xbb\xbf<a href="%s">',
    b'\0<p \0><a \0="" href="%s">\0',
    b"<!DOCTYPE html>\r\n<A\r\nHREF='%s'\r\n>\r\n",
    b'<a CLASS=x href="%s" data-x=\'"\' />&nbsp;&unknown;',
    b'\xff\xfa\x80<a href="%s">\xc3',
    b'<a title="unclosed" href="%s"></p></a></a><td><</',
    b'<a href="%s"> \x0c\x0b\t<!-- x --!><?php ?><![CDATA[>',
]
CHARSETS = {
    "utf-8": ("https://bücher.example/日本?é", "utf-8"),
    "iso-8859-1": ("https://x.example/é€", "cp1252"),
    "windows-1251": ("https://x.example/привет", "cp1251"),
    "koi8-r": ("https://x.example/привет", "koi8-r"),
    "iso-8859-2": ("https://x.example/łódź", "iso-8859-2"),
    "shift_jis": ("https://x.example/表示ソ十", "cp932"),
    "euc-jp": ("https://x.example/日本語", "euc-jp"),
    "gbk": ("https://x.example/中文乗俓", "gbk"),
    "gb18030": ("https://x.example/中文𠀀", "gb18030"),
    "big5": ("https://x.example/中文功", "big5"),
    "euc-kr": ("https://x.example/한국어", "cp949"),
    "ibm866": ("https://x.example/привет", "cp866"),
    "windows-874": ("https://x.example/ภาษา", "cp874"),
}


@pytest.mark.parametrize("frame", ODD_DOCUMENTS, ids=ascii)
@pytest.mark.parametrize("value", [b"https://x.example/", b" \n https://x.example/?a&amp;b&copy=\xc3\xa9 "])
def test_only_the_value_changes(scanner: Scanner, frame: bytes, value: bytes) -> None:
    """White space, quotes, entities, line ends, BOM, NULs and broken markup around the value stay."""
    after = scanner.rewrite(frame % value, lambda destination, index: NEW_URL)
    assert after == frame % NEW_URL.encode()


@pytest.mark.parametrize("quote", ['"', "'"])
def test_an_ampersand_from_a_function_is_escaped(scanner: Scanner, quote: str) -> None:
    """`&` in a returned value becomes `&amp;`, so that the reader is sent to exactly what was returned."""
    document = f"<a href={quote}https://x.example/{quote}>".encode()
    after = scanner.rewrite(document, lambda destination, index: "https://t.example/?a=1&copy=2&amp;c")
    assert after == f"<a href={quote}https://t.example/?a=1&amp;copy=2&amp;amp;c{quote}>".encode()
    (link,) = scanner.scan(after)
    assert link.destination == "https://t.example/?a=1&copy=2&amp;c"


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_destination_is_text_in_the_charset_of_the_document(scanner: Scanner, charset: str) -> None:
    """Bytes of an ASCII-transparent charset come out as the characters they stand for."""
    destination, codec = CHARSETS[charset]
    (link,) = scanner.scan(f'<a href="{destination}">'.encode(codec), charset=charset)
    assert (link.outcome, link.destination) == ("tracked", destination)


@pytest.mark.parametrize(
    ("charset", "raw", "outcome"),
    [
        ("shift_jis", b"https://x.example/\x83\x7b\x83\x7b", "tracked"),  # 7B is "{" elsewhere
        ("shift_jis", b"https://\x83\x5c.example/", "tracked"),  # 5C is "\" likewise
        ("shift_jis", b"https://\x83\x5b.example/", "tracked"),  # 5B is "["
        ("gbk", b"https://\x81\x7c.example/", "tracked"),  # 7C is "|"
        ("shift_jis", b"https://x.example/{", "placeholder"),
        ("shift_jis", b"https://[.example/", "no-host"),
    ],
)
def test_trail_bytes_are_not_ascii(scanner: Scanner, charset: str, raw: bytes, outcome: str) -> None:
    """The second byte of a two-byte character is never taken for a marker or a host's end."""
    (link,) = scanner.scan(b'<a href="' + raw + b'">', charset=charset)
    assert link.outcome == outcome


@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        ("utf-8", b"\xff"),
        ("utf-8", b"\xc3"),
        ("utf-8", b"\xe2\x82x"),
        ("utf-8", b"\xed\xa0\x80"),
        ("utf-8", b"\xf0\x9f\x98"),
        ("utf-8", b"\xc0\xaf"),
        ("windows-1253", b"\xaa"),
        ("windows-874", b"\xdb"),
        ("shift_jis", b"\x83"),
        ("euc-jp", b"\xa4"),
        ("gbk", b"\xff"),
        ("big5", b"\xff\x40"),
        ("no such charset", b"\xe9"),
    ],
)
def test_a_destination_that_is_no_text_is_not_changed(scanner: Scanner, charset: str, raw: bytes) -> None:
    """Where bytes mean nothing in the document's encoding nobody can say where the link leads; its neighbour can."""
    document = b'<a href="https://x.example/' + raw + b'"><a href="https://y.example/">'
    broken, whole = scanner.scan(document, charset=charset)
    assert (broken.outcome, broken.destination) == ("encoding", None)
    assert (whole.outcome, whole.destination) == ("tracked", "https://y.example/")
    after = scanner.rewrite(document, lambda destination, index: NEW_URL, charset=charset)
    assert after == document.replace(b"https://y.example/", NEW_URL.encode())


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (b"{{\xff", "placeholder"),
        (b"\xffhttps://x.example/", "not-http"),
        (b"https://a b\xff/", "no-host"),
        (b"https://x.example/<\xff", "malformed"),
        (b"https://x.example/\xff/{{x}}", "encoding"),
        (b"https://x.example/\xff" + b"a" * 8000, "encoding"),
    ],
)
@pytest.mark.parametrize("track_placeholders", [False, True])
def test_no_text_comes_right_after_malformed(
    scanner: Scanner, value: bytes, outcome: str, track_placeholders: bool
) -> None:
    """What its ASCII says decides first; that it is no text comes before a marker behind the host and the length."""
    switches = ReferenceSwitches(track_placeholders=track_placeholders, skip=("x",))
    (link,) = scanner.scan(b'<a href="' + value + b'">', switches)
    assert (link.outcome, link.destination) == (outcome, None)


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        ("us-ascii", b"\x80\xe9\x81", "€é\x81"),
        ("iso-8859-1", b"\x93x\x94", "\u201cx\u201d"),
        ("windows-1253", b"\x81\xe1", "\x81\u03b1"),
        ("windows-874", b"\x81\xa1", "\x81ก"),
        ("windows-1255", b"\x9f\xe0", "\x9fא"),
    ],
)
def test_latin_1_is_windows_1252_and_its_gaps_are_controls(
    scanner: Scanner, charset: str, raw: bytes, text: str
) -> None:
    """Labels mean what the Encoding standard says, which leaves no byte of 80 to 9F without a character."""
    (link,) = scanner.scan(b'<a href="https://x.example/' + raw + b'">', charset=charset)
    assert (link.outcome, link.destination) == ("tracked", f"https://x.example/{text}")


@pytest.mark.parametrize("charset", ["utf-8", "koi8-r", "windows-1252", "utf-16", "x-unknown"])
def test_the_mark_of_utf_8_counts_more_than_the_label(scanner: Scanner, charset: str) -> None:
    """A document that begins with the byte order mark of UTF-8 is read as that, and its mark stays."""
    document = '\ufeff<a href="https://x.example/да">~{'.encode()
    (link,) = scanner.scan(document, charset=charset)
    assert (link.outcome, link.destination) == ("tracked", "https://x.example/да")
    changed = scanner.rewrite(document, lambda destination, index: "https://t.example/да", charset=charset)
    assert changed == '\ufeff<a href="https://t.example/да">~{'.encode()


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
def test_a_document_with_a_wide_bom_is_not_changed(scanner: Scanner, codec: str, charset: str) -> None:
    """A document that begins with a UTF-16 or UTF-32 byte order mark passes untouched, whatever its label."""
    document = '\ufeff<a href="https://x.example/">'.encode(codec)
    document += b'<a href="https://x.example/">'
    assert scanner.rewrite(document, lambda destination, index: NEW_URL, charset=charset) == document

"""Link rules, section 2, below the table: how the bytes between the quotes become the destination."""

import html
from html.entities import html5

import pytest

from tests.html.implementations import Scanner

DECODED = {
    "&amp;": ("?a=1&amp;b=2", "?a=1&b=2"),
    "bare &": ("?a=1&b=2", "?a=1&b=2"),
    "&copy= stays": ("?a=1&copy=2", "?a=1&copy=2"),
    "&section= stays": ("?a&section=2", "?a&section=2"),
    "&copyx stays": ("?a&copyx", "?a&copyx"),
    "&copy9 stays": ("?a&copy9", "?a&copy9"),
    "&copy at the end": ("?a&copy", "?a©"),
    "&copy before &": ("?a&copy&b", "?a©&b"),
    "&copy before a letter beyond ASCII": ("?a&copyé", "?a©é"),
    "&copy before %": ("?a&copy%20", "?a©%20"),
    "&copy;=": ("?a&copy;=2", "?a©=2"),
    "&not in &notit; stays": ("?&notit;", "?&notit;"),
    "the longest name": ("?&notin;", "?∉"),
    "names are case-sensitive": ("?&AMP;&aMp;", "?&&aMp;"),
    "unknown name": ("?&xyzzy;", "?&xyzzy;"),
    "a name of two characters": ("?&NotEqualTilde;", "?≂̸"),
    "the longest name there is": ("?&CounterClockwiseContourIntegral;", "?∳"),
    "decimal": ("&#47;&#0047;&#x2f;&#X2F;", "////"),
    "decimal without ;": ("&#47x", "/x"),
    "hex without ; eats hex digits": ("&#x2fg&#x2fa", "/g\u02fa"),
    "&#038;": ("?a&#038;b", "?a&b"),
    "no digits": ("&#&#x&#g&#xg;", "&#&#x&#g&#xg;"),
    "windows-1252 numbers": ("&#128;&#x9f;&#129;", "€Ÿ\x81"),
    "surrogates": ("&#xd800;&#xDFFF;", "\ufffd\ufffd"),
    "beyond Unicode": ("&#x110000;&#99999999999999999999;", "\ufffd\ufffd"),
    "the last of Unicode": ("&#x10FFFF;", "\U0010ffff"),
    "once only": ("?&amp;amp;", "?&amp;"),
    "% stays": ("%20%zz%", "%20%zz%"),
    "case stays": ("A/b%2F", "A/b%2F"),
    "fragment stays": ("#A?b&c", "#A?b&c"),
    "beyond ASCII stays": ("ü/日本", "ü/日本"),
    "inner space stays": ("a b", "a b"),
    "tab, CR and LF go": ("a\tb\r\nc&#9;d&NewLine;e&#13;f", "abcdef"),
    "no-break space stays": ("a\u00a0", "a\u00a0"),
    "the other quote": ("it's", "it's"),
    "&quot;": ("&quot;", '"'),
}

STRIPPED_CHARACTERS = str.maketrans("", "", "\t\n\r")  # these do not survive in a URL

TRIMMED = {
    " https://x.example/ ": "https://x.example/",
    "\t\n\f\r https://x.example/\x1f\x01": "https://x.example/",
    "&#32;https://x.example/&Tab;&#11;": "https://x.example/",
    "ht\ntps:/\t/x.exa\rmple/": "https://x.example/",
    "&#104;ttps://x.example/": "https://x.example/",
    "https&colon;&sol;&sol;x.example/": "https://x.example/",
}


def scan_destination(scanner: Scanner, value: str) -> str | None:
    """The destination of the only link of a document."""
    (link,) = scanner.scan(f'<a href="{value}">'.encode())
    return link.destination


@pytest.mark.parametrize(("raw", "decoded"), DECODED.values(), ids=DECODED.keys())
def test_references_decode_by_the_attribute_rules(scanner: Scanner, raw: str, decoded: str) -> None:
    """A destination is the value as a browser decodes an attribute, and nothing else in it changes."""
    assert scan_destination(scanner, f"https://x.example/{raw}") == f"https://x.example/{decoded}"


@pytest.mark.parametrize(
    "number", [*range(1, 0x300), 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0xFFFE, 0xFFFF, 0x10000, 0x10FFFF]
)
def test_every_number(scanner: Scanner, number: int) -> None:
    """Numeric references name their character, but for the standard's table of C1 controls and surrogates."""
    expected = chr(number)
    if 0x80 <= number <= 0x9F:
        expected = html.unescape(f"&#{number};")  # the same table, in another implementation
    if 0xD800 <= number <= 0xDFFF:
        expected = "\ufffd"
    expected = expected.translate(STRIPPED_CHARACTERS)
    for form in (f"&#{number};", f"&#x{number:x};", f"&#X{number:06X};", f"&#{number:08}"):
        assert scan_destination(scanner, f"https://x.example/{form}/") == f"https://x.example/{expected}/"


@pytest.mark.parametrize(("value", "expected"), TRIMMED.items(), ids=map(ascii, TRIMMED))
def test_white_space_is_stripped_as_the_url_standard_does(scanner: Scanner, value: str, expected: str) -> None:
    """C0 controls and spaces go at the ends, tab, CR and LF everywhere, after decoding."""
    assert scan_destination(scanner, value) == expected


def test_every_name_with_a_semicolon_decodes(scanner: Scanner) -> None:
    """All 2125 names that end in ";" decode to the characters of the standard's table, whatever follows."""
    names = [name for name in html5 if name.endswith(";")]
    document = "".join(f'<a href="https://x.example/?&{name}=">' for name in names)
    result = [link.destination for link in scanner.scan(document.encode())]
    assert result == [f"https://x.example/?{html5[name]}=".translate(STRIPPED_CHARACTERS) for name in names]


@pytest.mark.parametrize("after", ["", "&", "%", "é", " x", "/"])
def test_every_name_without_one_decodes_before_other_characters(scanner: Scanner, after: str) -> None:
    """The 106 old names decode without ";" at the end of the value and in front of anything but these."""
    names = [name for name in html5 if not name.endswith(";")]
    document = "".join(f'<a href="https://x.example/?&{name}{after}">' for name in names)
    result = [link.destination for link in scanner.scan(document.encode())]
    assert result == [f"https://x.example/?{html5[name]}{after}" for name in names]


@pytest.mark.parametrize("after", ["=", "z", "Z", "9"])
def test_every_name_without_one_stays_before_equals_and_alphanumerics(scanner: Scanner, after: str) -> None:
    """The old names stay literally in front of "=" or an ASCII alphanumeric: query parameters survive."""
    names = [name for name in html5 if not name.endswith(";")]
    document = "".join(f'<a href="https://x.example/?&{name}{after}1">' for name in names)
    result = [link.destination for link in scanner.scan(document.encode())]
    assert result == [f"https://x.example/?&{name}{after}1" for name in names]


@pytest.mark.parametrize(
    ("tag", "destination"),
    [
        ('<a href=" mailto:a@x.example ">', "mailto:a@x.example"),
        ('<a href = "https://x.example/">', "https://x.example/"),
        ('<a data-as-no-track href="https://x.example/?a&amp;b">', "https://x.example/?a&b"),
        ('<a href="">', ""),
        ("<a href=https://x.example/>", None),
        ("<a href>", None),
        ("<a>", None),
    ],
)
def test_the_destination_is_reported_for_every_quoted_value(
    scanner: Scanner, tag: str, destination: str | None
) -> None:
    """Untracked links have their destination too; without a quoted value there is none."""
    (link,) = scanner.scan(tag.encode())
    assert link.destination == destination
    assert (link.value_start == -1) == (link.value_end == -1) == (destination is None)

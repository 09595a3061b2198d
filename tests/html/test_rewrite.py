"""`rewrite` and `scan` as a caller sees them: kinds of input, functions that refuse or raise, reports."""

from array import array

import pytest

import linkweir
from linkweir.errors import BadSwitch, LinkweirError, RefusedValue
from linkweir.html.link import Link
from linkweir.html.outcome import Outcome
from linkweir.html.switches import Switches

HTML = '<p>é<a href="https://x.example/?a&amp;b">one</a> <a href="/x">two</a></p>'
REWRITTEN_HTML = '<p>é<a href="https://t.example/0">one</a> <a href="/x">two</a></p>'


def make_link(destination: str, index: int) -> str:
    """A new value from the index."""
    return f"https://t.example/{index}"


def test_str_in_str_out() -> None:
    """A str document comes back as str."""
    assert linkweir.rewrite(HTML, make_link) == REWRITTEN_HTML


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda raw: memoryview(bytearray(raw))])
def test_every_buffer_comes_back_as_bytes(kind: type[bytes]) -> None:
    """bytes, bytearray and memoryviews are read where they are and come back as bytes."""
    out = linkweir.rewrite(kind(HTML.encode()), make_link)
    assert type(out) is bytes
    assert out == REWRITTEN_HTML.encode()


def test_a_buffer_is_not_written_to() -> None:
    """A mutable buffer keeps its content and is released."""
    document = bytearray(HTML.encode())
    linkweir.rewrite(document, make_link)
    assert document == HTML.encode()
    document.append(0)  # BufferError if the view were still held


@pytest.mark.parametrize("strided", [memoryview(b"<p><p><p>")[::2], memoryview(b"abcd")[::-1]])
def test_a_strided_view_is_refused(strided: memoryview) -> None:
    """Only a contiguous buffer can be borrowed; anything else is an error and not a silent copy."""
    with pytest.raises(BufferError):
        linkweir.rewrite(strided, make_link)


@pytest.mark.parametrize("html", [None, 1, ["<a>"], object()])
def test_what_is_no_document_is_a_type_error(html: object) -> None:
    """Neither str nor a buffer: TypeError."""
    with pytest.raises(TypeError):
        linkweir.rewrite(html, make_link)  # type: ignore[call-overload]


def test_a_buffer_of_other_items_is_read_as_its_bytes() -> None:
    """A contiguous array of another item type is its bytes in memory."""
    document = array("I", b'<a href="http://x/">')
    assert linkweir.rewrite(document, make_link) == b'<a href="https://t.example/0">'


@pytest.mark.parametrize("document", ["", b"", "<", b"<a", "no link"])
def test_a_document_without_links_comes_back(document: str | bytes) -> None:
    """Nothing to replace: the same bytes or characters."""
    assert linkweir.rewrite(document, make_link) == document


def test_the_function_is_called_for_tracked_links_only_and_in_order() -> None:
    """It gets the destination and the index among all links, whatever became of the others."""
    asked = []
    linkweir.rewrite(
        '<a name="x"><a href="https://x/?a&amp;b"><a href=y><a href="http://z">',
        lambda destination, index: asked.append((destination, index)),
    )
    assert asked == [("https://x/?a&b", 1), ("http://z", 3)]


def test_none_leaves_a_link_as_it_is() -> None:
    """A function that returns None declines; the report says so."""
    reported: list[Link] = []
    assert linkweir.rewrite(HTML, lambda destination, index: None, on_link=reported.append) == HTML
    assert [(item.outcome, item.replacement) for item in reported] == [
        (Outcome.DECLINED, None),
        (Outcome.NOT_HTTP, None),
    ]


INVALID_VALUES = ['a"b', "a'b", "a\nb", "a\0b", "a\x1fb", "a\x7fb", "", b"bytes", 1, ["x"]]


@pytest.mark.parametrize("value", INVALID_VALUES, ids=repr)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_value_that_would_break_the_attribute_is_refused(value: object, quote: str) -> None:
    """A quote of either kind, a control, nothing, or no str: an error that names link and value."""
    document = f"<a name=x><a href={quote}https://x.example/{quote}>"
    with pytest.raises(RefusedValue) as refused:
        linkweir.rewrite(document, lambda destination, index: value)  # type: ignore[arg-type, return-value]
    assert isinstance(refused.value, LinkweirError | ValueError)
    assert (refused.value.destination, refused.value.index) == ("https://x.example/", 1)
    assert refused.value.value == value


@pytest.mark.parametrize("value", ["a<b>c", "a b", "&quot;", "\u00a0é日本", "a`b", "javascript:x"])
def test_other_values_are_written_and_read_back(value: str) -> None:
    """What a function returns is what a browser reads out of the attribute again."""
    (result,) = linkweir.scan(linkweir.rewrite('<a href="https://x.example/">', lambda d, i: value))
    assert result.destination == value


def test_a_value_that_the_charset_lacks_is_refused() -> None:
    """A character without bytes in the document's charset is refused instead of guessed."""
    with pytest.raises(RefusedValue):
        linkweir.rewrite(b'<a href="https://x/">', lambda d, i: "日本", charset="windows-1252")
    out = linkweir.rewrite(b'<a href="https://x/">', lambda d, i: "é", charset="windows-1252")
    assert out == b'<a href="\xe9">'


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), StopIteration(), MemoryError()])
def test_what_the_function_raises_comes_out_unchanged(error: BaseException) -> None:
    """The very exception object reaches the caller."""

    def fail(destination: str, index: int) -> str:
        raise error

    with pytest.raises(type(error)) as caught:
        linkweir.rewrite(HTML, fail)
    assert caught.value is error


def test_what_on_link_raises_comes_out_unchanged() -> None:
    """The same for the report function."""
    error = LookupError("x")

    def fail(found: Link) -> None:
        raise error

    with pytest.raises(LookupError) as caught:
        linkweir.rewrite(HTML, make_link, on_link=fail)
    assert caught.value is error


def test_on_link_reports_every_link_once_in_document_order() -> None:
    """Each link is reported once, with its final outcome and what was written."""
    reported: list[Link] = []
    document = '<a href="https://x/">1</a><!--[if mso]><v:rect href="https://y/"><![endif]--><a href=z><a '
    linkweir.rewrite(document, lambda d, i: f"/{i}?a&b", switches=Switches(outlook=True), on_link=reported.append)
    assert [(item.index, str(item.outcome), item.replacement) for item in reported] == [
        (0, "tracked", "/0?a&amp;b"),
        (1, "tracked", "/1?a&amp;b"),
        (2, "unquoted", None),
        (3, "unterminated", None),
    ]
    assert [item.start for item in reported] == sorted(item.start for item in reported)


@pytest.mark.parametrize("document", ["\r\n\n<p>é日\U0001f600<a \n href='https://é.x/'>", HTML, "é" * 99 + HTML * 3])
def test_offsets_are_characters_for_str_and_bytes_for_bytes(document: str) -> None:
    """Slices of the caller's own document by the offsets are the tag and the value."""
    for text, raw in zip(linkweir.scan(document), linkweir.scan(document.encode()), strict=True):
        tag = document[text.start : text.end]
        assert tag[:2].lower() + tag[-1] == "<a>"
        assert document.encode()[raw.start : raw.end].decode() == tag
        value = document[text.value_start : text.value_end]
        assert document[text.value_start - 1] in "\"'"
        assert document.encode()[raw.value_start : raw.value_end].decode() == value
        assert (text.line, text.destination, text.index) == (raw.line, raw.destination, raw.index)


@pytest.mark.parametrize(
    ("document", "line", "column"),
    [
        ("<a>", 1, 1),
        ("\n<a>", 2, 1),
        ("x\n\n yé<a>", 3, 4),
        ("\r\n\r\n <a\n>", 3, 2),
        ("<p\n>\n<!--\n-->\n<style>\n</style>  <a>", 6, 11),
    ],
)
def test_line_and_column_are_those_of_the_tag(document: str, line: int, column: int) -> None:
    """Both count from 1; the line counts LF, the column counts characters of str and bytes of bytes."""
    (text,) = linkweir.scan(document)
    (raw,) = linkweir.scan(document.encode())
    assert (text.line, text.column) == (line, column)
    assert (raw.line, raw.column) == (line, column + document.count("é"))


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("one", "one"),
        (" a \n  b&nbsp;&amp;c ", "a b &c"),
        ("<b>a</b><img alt='>'>b", "a b"),
        ("a<!-- <x> -->b", "a b"),
        ("", ""),
        ("x" * 300, "x" * 200),
        ("x</A>y", "x"),
        ("x<a href=y>z", "x"),
        ("é日本", "é日本"),
    ],
)
def test_the_text_of_a_link(inside: str, text: str) -> None:
    """Its text content up to the next `a` tag, white space collapsed, at most 200 characters."""
    first = next(iter(linkweir.scan(f'<a href="https://x/">{inside}</a> rest')))
    assert " ".join(first.text.split()) == first.text
    assert first.text == text


def test_a_link_is_frozen() -> None:
    """A report can't be changed by whoever reads it first."""
    (result,) = linkweir.scan("<a>")
    with pytest.raises(AttributeError):
        result.index = 2  # type: ignore[misc]


def test_a_tracked_marker_warns() -> None:
    """With track_placeholders, a link with a marker behind the host is tracked with a warning, others without."""
    document = '<a href="https://x/{{ y }}"><a href="https://x/y">'
    first, second = linkweir.scan(document, switches=Switches(track_placeholders=True))
    assert (first.outcome, second.outcome) == (Outcome.TRACKED, Outcome.TRACKED)
    assert first.warning
    assert second.warning is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"opt_out": ("a b",)},
        {"opt_out": ("",)},
        {"opt_out": ("=x",)},
        {"opt_out": ("a>b",)},
        {"opt_out": "vendors"},
        {"skip": ("(",)},
        {"skip": ("a", "(?P<x>a)(?P<x>b)")},
        {"skip": "one-time"},
        {"tag_limit": 0},
        {"tag_limit": -1},
    ],
    ids=repr,
)
def test_a_switch_that_cannot_be_used_is_an_error(arguments: dict[str, object]) -> None:
    """Bad switches speak up when they are made, not in the middle of a document."""
    with pytest.raises(BadSwitch):
        Switches(**arguments)  # type: ignore[arg-type]


def test_skip_patterns_do_not_disturb_each_other() -> None:
    """Each pattern stands by itself: its own groups, back-references and flags."""
    switches = Switches(skip=("(a)b", r"//(x)\1", "(?-i:Q)"))
    result = linkweir.scan('<a href="https://xx/"><a href="https://xa/"><a href="https://q/">', switches=switches)
    assert [str(item.outcome) for item in result] == ["skipped", "tracked", "tracked"]


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ("https://x.example/reset-password?t=1", "skipped"),
        ("https://x.example/password/reset/abc", "skipped"),
        ("https://x.example/verify?token=abc", "skipped"),
        ("https://x.example/confirm-email/1", "skipped"),
        ("https://x.example/unsubscribe/1", "skipped"),
        ("https://x.example/activate/1", "skipped"),
        ("https://x.example/products/shoes", "tracked"),
        ("https://x.example/blog/verified-reviews", "tracked"),
        ("https://x.example/preset/1", "tracked"),
        ("https://x.example/", "tracked"),
    ],
)
def test_the_one_time_preset(value: str, outcome: str) -> None:
    """Links that work once, which scanners would use up, are skipped with the preset; ordinary ones are not."""
    (result,) = linkweir.scan(f'<a href="{value}">', switches=Switches(skip=("one-time",)))
    assert result.outcome == outcome


def test_lone_surrogates_survive() -> None:
    """A str with surrogates, as `surrogateescape` makes them, keeps them outside the values."""
    assert linkweir.rewrite(f"\udc80{HTML}\ud800", make_link) == f"\udc80{REWRITTEN_HTML}\ud800"

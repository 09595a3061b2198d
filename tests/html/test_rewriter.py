"""`Rewriter`, files and iterators: nothing is lost when something raises, and nothing is held that need not be."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator

import pytest

import linkweir
from linkweir.html.link import Link
from linkweir.html.outcome import Outcome
from linkweir.html.rewriter import Rewriter
from linkweir.html.switches import Switches

DOCUMENT = b'<p><a href="https://x/">1</a><a name=x><a href="https://y/">2</a><a href="https://z/">3</a></p>'


def make_link(destination: str, index: int) -> str:
    """A new value from the index."""
    return f"https://t.example/{index}"


class CallbackError(Exception):
    """What the functions below raise."""


def make_failing_link(failing_index: int) -> "linkweir.html.resolver.LinkFunction":
    """A link function that raises for one index."""

    def function(destination: str, index: int) -> str:
        if index == failing_index:
            raise CallbackError
        return make_link(destination, index)

    return function


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
@pytest.mark.parametrize("wanted", [0, 2, 3])
def test_no_byte_is_lost_when_the_function_raises(size: int, wanted: int) -> None:
    """After the exception the rewriter passes on: the output is the document with some links replaced."""
    rewriter = Rewriter(make_failing_link(wanted))
    out, faults = b"", 0
    for start in range(0, len(DOCUMENT), size):
        try:
            out += rewriter.feed(DOCUMENT[start : start + size])
        except CallbackError:
            faults += 1
    out += rewriter.close()
    for index, old in [(0, b"https://x/"), (2, b"https://y/"), (3, b"https://z/")]:
        assert index < wanted or make_link("", index).encode() not in out
        out = out.replace(make_link("", index).encode(), old)
    assert (faults, out) == (1, DOCUMENT)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_no_byte_is_lost_when_on_link_raises(size: int) -> None:
    """The same when the report function fails; the output stays a whole document."""

    def report(found: Link) -> None:
        raise CallbackError

    rewriter = Rewriter(lambda destination, index: None, on_link=report)
    out, faults = b"", 0
    for start in range(0, len(DOCUMENT), size):
        try:
            out += rewriter.feed(DOCUMENT[start : start + size])
        except CallbackError:
            faults += 1
    assert faults >= 1
    assert out + rewriter.close() == DOCUMENT


def test_no_byte_is_lost_when_a_value_is_refused() -> None:
    """A refused value is an error like any other: the bytes come out of the next call."""
    rewriter = Rewriter(lambda destination, index: '"')
    with pytest.raises(linkweir.RefusedValue):
        rewriter.feed(DOCUMENT)
    assert rewriter.feed(b"<a href='https://w/'>") + rewriter.close() == DOCUMENT + b"<a href='https://w/'>"


def test_closing_twice_is_safe() -> None:
    """The rest of the document comes out once."""
    rewriter = Rewriter(make_link)
    assert rewriter.feed(b'<a href="https://x/') + rewriter.close() == b'<a href="https://x/'
    assert rewriter.close() == b""


def test_what_comes_after_the_end_passes() -> None:
    """A document that was closed has no more links: bytes fed later come out unchanged."""
    rewriter = Rewriter(make_link)
    rewriter.close()
    assert rewriter.feed(DOCUMENT) + rewriter.close() == DOCUMENT
    assert rewriter.counts == {}


def test_counts_are_by_outcome() -> None:
    """`counts` holds the number of links of each outcome that occurred."""
    rewriter = Rewriter(lambda destination, index: None if index == 2 else "/")
    rewriter.feed(DOCUMENT + b"<a ")
    rewriter.close()
    assert rewriter.counts == {
        Outcome.TRACKED: 2,
        Outcome.DECLINED: 1,
        Outcome.NO_HREF: 1,
        Outcome.UNTERMINATED: 1,
    }


def test_text_flows_at_once() -> None:
    """Only an open link tag is held back; a comment, a script or another tag is not."""
    rewriter = Rewriter(make_link)
    for chunk in [b"text", b"<!-- open", b" still", b"--><script>", b"x", b"</script><p title='", b"x"]:
        assert rewriter.feed(chunk) == chunk
    assert rewriter.feed(b"'><a href='https://x/'") == b"'>"
    assert rewriter.feed(b">") == b"<a href='https://t.example/0'>"


def test_a_tag_beyond_the_limit_is_let_go() -> None:
    """No more than the limit is ever held, and the tag comes out as it was."""
    rewriter = Rewriter(make_link, switches=Switches(tag_limit=100))
    tag = b"<a title='" + b"x" * 5000 + b"' href='https://x/'>"
    out = b""
    for fed, byte in enumerate(tag, 1):
        out += rewriter.feed(bytes([byte]))
        assert fed - len(out) <= 101
    assert out + rewriter.close() == tag
    assert rewriter.counts == {Outcome.TOO_LONG: 1}


@pytest.mark.parametrize("chunk", ["text", None, 1])
def test_a_chunk_must_be_bytes(chunk: object) -> None:
    """A str has no bytes before it is encoded: TypeError, and the stream goes on."""
    rewriter = Rewriter(make_link)
    with pytest.raises(TypeError):
        rewriter.feed(chunk)  # type: ignore[arg-type]
    assert rewriter.feed(DOCUMENT) + rewriter.close() == linkweir.rewrite(DOCUMENT, make_link)


@pytest.mark.parametrize("charset", ["x-unknown", "utf-16"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_unsupported_documents_pass_in_any_chunks(charset: str, size: int) -> None:
    """With an unknown label, everything from the first suspicious byte on passes, wherever the chunks end."""
    document = b'<a href="https://x/">' + b"~{" + b'<a href="https://y/">'
    rewriter = Rewriter(make_link, charset=charset)
    out = b"".join(rewriter.feed(document[start : start + size]) for start in range(0, len(document), size))
    first = b'<a href="https://t.example/0">' if charset == "x-unknown" else b'<a href="https://x/">'
    assert out + rewriter.close() == first + document[21:]
    assert rewriter.counts[Outcome.ENCODING] == 1


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_a_wide_bom_is_seen_in_any_chunks(size: int) -> None:
    """A UTF-32 byte order mark is recognised byte by byte too."""
    document = b"\0\0\xfe\xff" + DOCUMENT
    rewriter = Rewriter(make_link)
    out = b"".join(rewriter.feed(document[start : start + size]) for start in range(0, len(document), size))
    assert out + rewriter.close() == document
    assert rewriter.counts == {Outcome.ENCODING: 1}


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 1000])
@pytest.mark.parametrize("charset", ["koi8-r", "utf-16", "x-unknown"])
def test_the_mark_of_utf_8_is_seen_in_any_chunks(charset: str, size: int) -> None:
    """It counts more than the label: links are read and written as UTF-8, in the report as well."""
    document = '\ufeff<a href="https://x.example/да">да</a>\0'.encode()
    seen: list[Link] = []
    rewriter = Rewriter(lambda destination, index: f"{destination}/да", charset=charset, on_link=seen.append)
    out = b"".join(rewriter.feed(document[start : start + size]) for start in range(0, len(document), size))
    assert out + rewriter.close() == document.replace('да"'.encode(), 'да/да"'.encode())
    assert [(item.destination, item.replacement) for item in seen] == [
        ("https://x.example/да", "https://x.example/да/да")
    ]
    assert rewriter.counts == {Outcome.TRACKED: 1}


@pytest.mark.parametrize("document", [b"", b"\xef\xbb"])
def test_a_document_without_room_for_a_mark_is_named_all_the_same(document: bytes) -> None:
    """Under a label that bytes cannot be judged by, even an empty document has the outcome encoding."""
    rewriter = Rewriter(make_link, charset="utf-16")
    assert rewriter.feed(document) + rewriter.close() == document
    assert rewriter.counts == {Outcome.ENCODING: 1}


class ShortReads(io.RawIOBase):
    """A source that gives fewer bytes than it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        """At most three bytes."""
        return self._data.read(min(size, 3))


@pytest.mark.parametrize("source", [io.BytesIO(DOCUMENT), ShortReads(DOCUMENT)])
def test_files(source: io.BytesIO) -> None:
    """From one binary file to another, with short reads too; the counts come back."""
    sink = io.BytesIO()
    counts = linkweir.rewrite_file(source, sink, make_link)
    assert sink.getvalue() == linkweir.rewrite(DOCUMENT, make_link)
    assert counts == {Outcome.TRACKED: 3, Outcome.NO_HREF: 1}


@pytest.mark.parametrize("chunk_size", [1, 10, 65536])
def test_a_file_that_fails_midway_holds_what_was_read(chunk_size: int) -> None:
    """When the function raises, everything read so far is in the sink before the exception goes on."""
    source, sink = io.BytesIO(DOCUMENT), io.BytesIO()
    with pytest.raises(CallbackError):
        linkweir.rewrite_file(source, sink, make_failing_link(2), chunk_size=chunk_size)
    out = sink.getvalue().replace(make_link("", 0).encode(), b"https://x/")
    assert out == DOCUMENT[: source.tell()]


def test_iterators() -> None:
    """Chunks in, chunks out, lazily."""

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(DOCUMENT), 5):
            yield DOCUMENT[start : start + 5]

    out = linkweir.rewrite_chunks(chunks(), make_link)
    assert next(out) == b"<p>"
    assert b"<p>" + b"".join(out) == linkweir.rewrite(DOCUMENT, make_link)


def test_asynchronous_iterators() -> None:
    """The same over an asynchronous source."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(DOCUMENT), 5):
            await asyncio.sleep(0)
            yield DOCUMENT[start : start + 5]

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in linkweir.arewrite_chunks(chunks(), make_link)])

    assert asyncio.run(collect()) == linkweir.rewrite(DOCUMENT, make_link)

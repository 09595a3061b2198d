"""Every public entry that reaches the extensions, steered by bytes: what runs under sanitizers and a fuzzer call.

An entry gets decisions and a document. It may raise what it documents; it asserts what must hold whatever the document
is. What must not happen at all, a read or write outside of a buffer, the sanitizers notice.
"""

import base64
import contextlib
import os
import quopri
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from linkweir import (
    BadToken,
    Plan,
    Privacy,
    Rewriter,
    Switches,
    Tracker,
    _html,
    _journal,
    _mime,
    _tokens,
    check,
    check_message,
    open_link,
    open_token,
    rewrite,
    rewrite_chunks,
    rewrite_message,
    scan,
)
from linkweir.click.segment import Target
from linkweir.mime import html_bodies
from tests.token.rings import RING

T = TypeVar("T")
HEAD = 16  # bytes of an input that are decisions
BASE = "https://t.example"
CHARSETS = ("utf-8", "utf-8", "iso-8859-1", "shift_jis", "gb18030", "utf-16", "x-unknown", "iso-2022-jp")
SWITCHES = (
    Switches(),
    Switches(outlook=True),
    Switches(tag_limit=16),
    Switches(outlook=True, tag_limit=64, track_placeholders=True),
    Switches(opt_out=("vendors", "x=y"), skip=("one-time",)),
)


class Choices:
    """Decisions, one byte each, again from the front when they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data or b"\0"
        self._at = 0

    def below(self, limit: int) -> int:
        self._at += 1
        return self._data[(self._at - 1) % len(self._data)] % limit

    def of(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def pieces(self, data: bytes) -> list[bytes]:
        """The data in one piece or in some, among them empty ones."""
        cuts = sorted(self.below(256) * len(data) // 255 for _ in range(self.below(6)))
        return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


class Stop(Exception):
    """What a callback that misbehaves raises."""


class Emptying(Tracker):
    """Gives out one list again and again, and changes it and what it is given."""

    shared: list[Any] = []  # noqa: RUF012 - shared on purpose

    def mint_many(self, destinations: list[bytes], indexes: list[int], **marks: Any) -> Any:
        found = super().mint_many(destinations, indexes, **marks)
        self.shared[:] = found
        destinations.clear()
        indexes[:0] = [0] * 100
        return self.shared


def tracker(kind: type[Tracker], style: Any = "sealed", privacy: Privacy = Privacy.FULL) -> Tracker:
    return kind(RING, BASE, message=7, campaign="c", privacy=privacy, style=style)


def numbered(destination: str, index: int) -> str:
    """A link whose text says what it replaces."""
    return f"{BASE}/{index}?{len(destination)}&"


def raising(destination: str, index: int) -> str | None:
    if index % 3 == 2:
        raise Stop
    return numbered(destination, index) if index % 3 else None


TRACKERS = (tracker(Tracker), tracker(Tracker, "short"), tracker(Tracker, privacy=Privacy.ANONYMOUS))
LINKS: tuple[Any, ...] = (*TRACKERS, numbered, raising, tracker(Emptying))


def _emptied(_link: object) -> None:
    Emptying.shared.clear()


def _stopping(_link: object) -> None:
    raise Stop


REPORTS: tuple[Any, ...] = (None, lambda link: None, _emptied, _stopping)
FORMS: tuple[Callable[[bytes], Any], ...] = (
    bytes,
    bytearray,
    memoryview,
    lambda data: data.decode("utf-8", "replace"),
    lambda data: data.decode("latin-1"),
)


def whole(choices: Choices, data: bytes) -> None:
    """A whole document, in every form it may come in."""
    html, links, told = choices.of(FORMS)(data), choices.of(LINKS), choices.of(REPORTS)
    with contextlib.suppress(Stop):
        rewrite(html, links, switches=choices.of(SWITCHES), charset=choices.of(CHARSETS), on_link=told)


def streamed(choices: Choices, data: bytes) -> None:
    """In chunks: the same bytes come out as of the whole; after an error, none is lost."""
    links, told = choices.of(LINKS), choices.of(REPORTS)
    ways: dict[str, Any] = {"switches": choices.of(SWITCHES), "charset": choices.of(CHARSETS)}
    rewriter = Rewriter(links, on_link=told, **ways)
    done, failed = [], False
    for piece in choices.pieces(data):
        try:
            done.append(rewriter.feed(choices.of(FORMS[:3])(piece)))
        except Stop:
            failed = True
    try:
        done.append(rewriter.close())
    except Stop:
        done.append(rewriter.close())
        failed = True
    if links in (numbered, *TRACKERS) and not failed and ways["charset"] == "utf-8":
        assert b"".join(done) == rewrite(data, links, **ways)


def chunked(choices: Choices, data: bytes) -> None:
    """Through the generator, closed early or not."""
    source = rewrite_chunks(choices.pieces(data), choices.of(LINKS), on_link=choices.of(REPORTS))
    try:
        for number, _ in enumerate(source):
            if number == choices.below(9):
                break
    except Stop:
        pass
    source.close()  # type: ignore[attr-defined]


def listed(choices: Choices, data: bytes) -> None:
    """Scanned and checked."""
    ways: dict[str, Any] = {"switches": choices.of(SWITCHES), "charset": choices.of(CHARSETS)}
    links = choices.of((None, *TRACKERS))
    form = choices.of(FORMS)
    found = list(scan(form(data), links=links, **ways))
    assert len(found) <= len(check(form(data), links=links, **ways))


def planned(choices: Choices, data: bytes) -> None:
    """A plan renders what rewriting gives, again and again, also after somebody changed the lists it gave out."""
    switches = choices.of(SWITCHES)
    plan = Plan(data, switches=switches)
    plan.render(LINKS[-1])
    for links in (choices.of(TRACKERS), numbered):
        assert plan.render(links) == rewrite(data, links, switches=switches)
    assert len(plan.links) >= plan.render_counted(numbered)[1]


def counted(choices: Choices, data: bytes) -> None:
    """Counted without an object per link, by every SIMD variant."""
    ways: dict[str, Any] = {"outlook": bool(choices.below(2)), "tag_limit": choices.of((16, 65536))}
    form = choices.of(FORMS[:3])
    variants = [_html.NativeOptions(simd=name, **ways) for name in _html.simd_variants()]
    counts = [_html.count_outcomes(form(data), options) for options in variants]
    assert counts == counts[:1] * len(counts)
    _html.decode_value(choices.of(FORMS[:3])(data[:300]))


def mail(choices: Choices, data: bytes) -> None:
    """A raw mail, as it is or as the HTML body of one: with a report or not, the same bytes come out."""
    raw = framed(choices, data)
    ways: dict[str, Any] = {
        "switches": choices.of(SWITCHES),
        "pixel": choices.of((None, "https://t.example/p")),
        "honeypot": choices.of((None, "https://t.example/h")),
    }
    links = choices.of((None, *LINKS))
    try:
        done = rewrite_message(raw, links, report=True, **ways)
        assert done.raw == rewrite_message(raw, links, report=False, **ways).raw
    except Stop:
        pass
    check_message(raw, switches=ways["switches"], links=choices.of((None, *TRACKERS)))
    list(html_bodies(raw))


def framed(choices: Choices, data: bytes) -> bytes:
    """The data as a mail, or in one."""
    how = choices.below(6)
    if how < 2:
        return data
    end = choices.of((b"\r\n", b"\n"))
    body = data
    encoding = choices.of((b"8bit", b"quoted-printable", b"base64"))
    if encoding == b"quoted-printable" and how > 2:
        body = quopri.encodestring(data).replace(b"\n", end)
    elif encoding == b"base64" and how > 2:
        body = base64.encodebytes(data).replace(b"\n", end)
    charset = choices.of(CHARSETS).encode()
    head = b"Content-Type: text/html; charset=" + charset + end + b"Content-Transfer-Encoding: " + encoding + end + end
    if how < 5:
        return head + body
    mark = end + b"--b" + end
    return b"Content-Type: multipart/mixed; boundary=b" + end + mark + head + body + mark + head + body


def minted(choices: Choices, data: bytes) -> None:
    """Links of any destinations open to what they were minted of, and are known as such."""
    links = tracker(Tracker, privacy=choices.of((Privacy.FULL, Privacy.PSEUDONYMOUS)))
    destinations = [data, *choices.pieces(data)]
    for index, link in enumerate(links.mint_many(destinations, list(range(len(destinations))))):
        if link is not None:
            assert open_link(RING, link.decode()).destination == destinations[index].decode()
            assert links.is_tracked(link)
    links.is_tracked(data)
    links.is_tracked(b"https://t.example/" + data)


def opened(choices: Choices, data: bytes) -> None:
    """Tokens and links that somebody has made up, or changed a byte of."""
    token = bytearray(open_me(choices))
    if data:
        token[choices.below(len(token))] = data[0]
    for text in (data.decode("latin-1"), token.decode("latin-1")):
        for opening in (open_token, open_link):
            with contextlib.suppress(BadToken):
                opening(RING, text)


def open_me(choices: Choices) -> bytes:
    link = choices.of(TRACKERS).mint_many([b"https://example.com/"], [choices.below(200)])[0]
    assert link is not None
    return link.removeprefix(BASE.encode() + b"/")


def packed(choices: Choices, data: bytes) -> None:
    """Packed and encoded there and back; anything else is refused or has no other form."""
    del choices
    small = _tokens.compress_url(data)
    assert small is None or _tokens.decompress_url(small) == data
    found = _tokens.decompress_url(data)
    assert found is None or _tokens.compress_url(found) == data
    assert _tokens.encode_base64url(data).isascii()
    _tokens.decode_base64url(data)
    assert len(data) > 6000 or _tokens.decode_base64url(_tokens.encode_base64url(data)) == data


def encoded(choices: Choices, data: bytes) -> None:
    """Transfer encodings there and back, and changes of their text."""
    changes = ascending(choices, len(data))
    assert _mime.splice(data, changes) == spliced(data, changes)
    for name in _mime.base64_variants():
        codec = _mime.Base64Codec(name)
        text = codec.encode(data, choices.of((4, 76)), bool(choices.below(2)))
        assert codec.decode(text) == data
        with contextlib.suppress(_mime.MalformedEncoding):
            codec.decode(data)
    _mime.base64_offset_after(data, choices.below(256))
    _mime.base64_bounds(data)
    needle = data[choices.below(256) :][: choices.below(80)]
    assert _mime.find(data, needle, 0, len(data)) == data.find(needle)
    for quoted in (quopri.encodestring(data), data):
        try:
            text, crlf = _mime.decode_quoted_printable(quoted)
        except _mime.MalformedEncoding:
            continue
        _mime.splice_quoted_printable(quoted, crlf, ascending(choices, len(text)), len(text))
    _mime.splice_quoted_printable(data, False, changes, 4 * len(data))  # a size that is none


def ascending(choices: Choices, size: int) -> list[tuple[int, int, bytes]]:
    places = sorted(choices.below(256) * size // 255 for _ in range(2 * choices.below(5)))
    return [(start, end, b"x" * choices.below(99)) for start, end in zip(places[::2], places[1::2], strict=True)]


def spliced(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for start, end, value in reversed(changes):
        data = data[:start] + value + data[end:]
    return data


def journal(choices: Choices, data: bytes) -> None:
    """Facts put in by several threads and written by one are decided, each of them, also if somebody cuts the file."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:  # noqa: S108
        written(choices, data, Path(folder))


def written(choices: Choices, data: bytes, folder: Path) -> None:
    queue = _journal.CommitQueue(choices.of((3, 1000)), choices.of((64, 1 << 20)))
    path = folder / "records"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    status, size = os.fstat(descriptor), choices.of((8, 1 << 16))
    os.ftruncate(descriptor, size - choices.below(2))
    target = Target(descriptor, path, (status.st_dev, status.st_ino), _journal.crc32(data), 0, size)
    pushing = [threading.Thread(target=queue.enqueue, args=(choices.pieces(data), -1)) for _ in range(2)]
    try:
        for thread in pushing:
            thread.start()
        for thread in pushing:
            thread.join()
        count = memoryview(bytearray(8))
        outcome = queue.write_batches(target, count, idle=0.0, commit_interval=0.0, batch_threshold=choices.below(3))
        if outcome != "idle":
            queue.discard()
        assert queue.completed == queue.enqueued
        queue.close()
        assert queue.enqueue([data], -1)[0] == 0
        assert queue.write_batches(replace(target), count, idle=0.0, commit_interval=0.0, batch_threshold=1) == "closed"
    finally:
        os.close(descriptor)


ENTRIES: tuple[Callable[[Choices, bytes], None], ...] = (
    whole,
    streamed,
    chunked,
    listed,
    planned,
    counted,
    mail,
    minted,
    opened,
    packed,
    encoded,
    journal,
)


def one(data: bytes) -> None:
    """One input of a fuzzer: the first byte chooses the entry, some more decide, the rest is the document."""
    choices = Choices(data[:HEAD])
    choices.of(ENTRIES)(choices, data[HEAD:])

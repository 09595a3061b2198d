"""Every public entry that reaches the extensions, steered by bytes: what runs under sanitizers and a fuzzer call.

An entry gets decisions and a document. It may raise what it documents; it asserts what must hold whatever the document
is. What must not happen at all, a read or write outside of a buffer, the sanitizers notice.
"""

import base64
import contextlib
import hashlib
import os
import quopri
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from linkweir import _arrow, _clicks, _html, _http, _journal, _mime, _tokens
from linkweir.arrow import Column, rewrite_column, scan_column
from linkweir.clicks.classify import CLICK, HONEYPOT, OPEN, Evidence, Hit
from linkweir.clicks.classify.features import FeatureExtractor
from linkweir.clicks.journal.segment import WriteTarget
from linkweir.clock import SECOND_US
from linkweir.errors import BadToken
from linkweir.html.document import rewrite, scan
from linkweir.html.lint import check
from linkweir.html.plan import Plan
from linkweir.html.rewriter import Rewriter, rewrite_chunks
from linkweir.html.switches import Switches
from linkweir.mime import iter_html_bodies
from linkweir.mime.message import check_message, rewrite_message
from linkweir.tokens.identifiers import Privacy
from linkweir.tokens.opener import open_link, open_token
from linkweir.tokens.tracker import Tracker
from tests.reference.hit_features import ReferenceExtractor
from tests.tokens.keyring_factory import RING

T = TypeVar("T")
CHOICE_BYTES = 16  # bytes of an input that are decisions
BASE_URL = "https://t.example"
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

    def randrange(self, limit: int) -> int:
        self._at += 1
        return self._data[(self._at - 1) % len(self._data)] % limit

    def choice(self, items: Sequence[T]) -> T:
        return items[self.randrange(len(items))]

    def pieces(self, data: bytes) -> list[bytes]:
        """The data in one piece or in some, among them empty ones."""
        cuts = sorted(self.randrange(256) * len(data) // 255 for _ in range(self.randrange(6)))
        return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


class CallbackError(Exception):
    """What a callback that misbehaves raises."""


class EmptyingTracker(Tracker):
    """Gives out one list again and again, and changes it and what it is given."""

    shared: list[Any] = []  # noqa: RUF012 - shared on purpose

    def mint_many(self, destinations: list[bytes], indexes: list[int], **marks: Any) -> Any:
        result = super().mint_many(destinations, indexes, **marks)
        self.shared[:] = result
        destinations.clear()
        indexes[:0] = [0] * 100
        return self.shared


def make_tracker(kind: type[Tracker], style: Any = "sealed", privacy: Privacy = Privacy.FULL) -> Tracker:
    return kind(RING, BASE_URL, message=7, campaign="c", privacy=privacy, style=style)


def numbered_link(destination: str, index: int) -> str:
    """A link whose text says what it replaces."""
    return f"{BASE_URL}/{index}?{len(destination)}&"


def raising_link(destination: str, index: int) -> str | None:
    if index % 3 == 2:
        raise CallbackError
    return numbered_link(destination, index) if index % 3 else None


TRACKERS = (make_tracker(Tracker), make_tracker(Tracker, "short"), make_tracker(Tracker, privacy=Privacy.ANONYMOUS))
LINKS: tuple[Any, ...] = (*TRACKERS, numbered_link, raising_link, make_tracker(EmptyingTracker))


def _emptying_report(_link: object) -> None:
    EmptyingTracker.shared.clear()


def _raising_report(_link: object) -> None:
    raise CallbackError


REPORT_CALLBACKS: tuple[Any, ...] = (None, lambda link: None, _emptying_report, _raising_report)
INPUT_FORMS: tuple[Callable[[bytes], Any], ...] = (
    bytes,
    bytearray,
    memoryview,
    lambda data: data.decode("utf-8", "replace"),
    lambda data: data.decode("latin-1"),
)


def run_whole(choices: Choices, data: bytes) -> None:
    """A whole document, in every form it may come in."""
    html, links, told = choices.choice(INPUT_FORMS)(data), choices.choice(LINKS), choices.choice(REPORT_CALLBACKS)
    with contextlib.suppress(CallbackError):
        rewrite(html, links, switches=choices.choice(SWITCHES), charset=choices.choice(CHARSETS), on_link=told)


def run_stream(choices: Choices, data: bytes) -> None:
    """In chunks: the same bytes come out as of the whole; after an error, none is lost."""
    links, told = choices.choice(LINKS), choices.choice(REPORT_CALLBACKS)
    ways: dict[str, Any] = {"switches": choices.choice(SWITCHES), "charset": choices.choice(CHARSETS)}
    rewriter = Rewriter(links, on_link=told, **ways)
    done, failed = [], False
    for piece in choices.pieces(data):
        try:
            done.append(rewriter.feed(choices.choice(INPUT_FORMS[:3])(piece)))
        except CallbackError:
            failed = True
    try:
        done.append(rewriter.close())
    except CallbackError:
        done.append(rewriter.close())
        failed = True
    if links in (numbered_link, *TRACKERS) and not failed and ways["charset"] == "utf-8":
        assert b"".join(done) == rewrite(data, links, **ways)


def run_chunks(choices: Choices, data: bytes) -> None:
    """Through the generator, closed early or not."""
    source = rewrite_chunks(choices.pieces(data), choices.choice(LINKS), on_link=choices.choice(REPORT_CALLBACKS))
    try:
        for number, _ in enumerate(source):
            if number == choices.randrange(9):
                break
    except CallbackError:
        pass
    source.close()  # type: ignore[attr-defined]


def run_scan(choices: Choices, data: bytes) -> None:
    """Scanned and checked."""
    ways: dict[str, Any] = {"switches": choices.choice(SWITCHES), "charset": choices.choice(CHARSETS)}
    links = choices.choice((None, *TRACKERS))
    form = choices.choice(INPUT_FORMS)
    result = list(scan(form(data), links=links, **ways))
    assert len(result) <= len(check(form(data), links=links, **ways))


def run_plan(choices: Choices, data: bytes) -> None:
    """A plan renders what rewriting gives, again and again, also after somebody changed the lists it gave out."""
    switches = choices.choice(SWITCHES)
    plan = Plan(data, switches=switches)
    plan.render(LINKS[-1])
    for links in (choices.choice(TRACKERS), numbered_link):
        assert plan.render(links) == rewrite(data, links, switches=switches)
    assert len(plan.links) >= plan.render_counted(numbered_link)[1]


def run_count(choices: Choices, data: bytes) -> None:
    """Links are counted without an object per link, by every SIMD variant; a byte is counted as Python does."""
    ways: dict[str, Any] = {"outlook": bool(choices.randrange(2)), "tag_limit": choices.choice((16, 65536))}
    form = choices.choice(INPUT_FORMS[:3])
    variants = [_html.NativeOptions(simd=name, **ways) for name in _html.simd_variants()]
    counts = [_html.count_outcomes(form(data), options) for options in variants]
    assert counts == counts[:1] * len(counts)
    assert _html.count_byte(form(data), ord("<")) == data.count(b"<")
    _html.decode_value(choices.choice(INPUT_FORMS[:3])(data[:300]))


def run_mail(choices: Choices, data: bytes) -> None:
    """A raw mail, as it is or as the HTML body of one: with a report or not, the same bytes come out."""
    raw = make_mail(choices, data)
    ways: dict[str, Any] = {
        "switches": choices.choice(SWITCHES),
        "pixel": choices.choice((None, "https://t.example/p")),
        "honeypot": choices.choice((None, "https://t.example/h")),
    }
    links = choices.choice((None, *LINKS))
    try:
        done = rewrite_message(raw, links, report=True, **ways)
        assert done.raw == rewrite_message(raw, links, report=False, **ways).raw
    except CallbackError:
        pass
    check_message(raw, switches=ways["switches"], links=choices.choice((None, *TRACKERS)))
    list(iter_html_bodies(raw))


def make_mail(choices: Choices, data: bytes) -> bytes:
    """The data as a mail, or in one."""
    how = choices.randrange(6)
    if how < 2:
        return data
    end = choices.choice((b"\r\n", b"\n"))
    body = data
    encoding = choices.choice((b"8bit", b"quoted-printable", b"base64"))
    if encoding == b"quoted-printable" and how > 2:
        body = quopri.encodestring(data).replace(b"\n", end)
    elif encoding == b"base64" and how > 2:
        body = base64.encodebytes(data).replace(b"\n", end)
    charset = choices.choice(CHARSETS).encode()
    head = b"Content-Type: text/html; charset=" + charset + end + b"Content-Transfer-Encoding: " + encoding + end + end
    if how < 5:
        return head + body
    mark = end + b"--b" + end
    return b"Content-Type: multipart/mixed; boundary=b" + end + mark + head + body + mark + head + body


def run_mint(choices: Choices, data: bytes) -> None:
    """Links of any destinations open to what they were minted of, and are known as such."""
    links = make_tracker(Tracker, privacy=choices.choice((Privacy.FULL, Privacy.PSEUDONYMOUS)))
    destinations = [data, *choices.pieces(data)]
    for index, link in enumerate(links.mint_many(destinations, list(range(len(destinations))))):
        if link is not None:
            assert open_link(RING, link.decode()).destination == destinations[index].decode()
            assert links.is_tracked(link)
    links.is_tracked(data)
    links.is_tracked(b"https://t.example/" + data)


def run_open(choices: Choices, data: bytes) -> None:
    """Tokens and links that somebody has made up, or changed a byte of."""
    token = bytearray(make_link(choices))
    if data:
        token[choices.randrange(len(token))] = data[0]
    for text in (data.decode("latin-1"), token.decode("latin-1")):
        for opening in (open_token, open_link):
            with contextlib.suppress(BadToken):
                opening(RING, text)


def make_link(choices: Choices) -> bytes:
    link = choices.choice(TRACKERS).mint_many([b"https://example.com/"], [choices.randrange(200)])[0]
    assert link is not None
    return link.removeprefix(BASE_URL.encode() + b"/")


def run_url_codec(choices: Choices, data: bytes) -> None:
    """Packed and encoded there and back; anything else is refused or has no other form."""
    del choices
    small = _tokens.compress_url(data)
    assert small is None or _tokens.decompress_url(small) == data
    result = _tokens.decompress_url(data)
    assert result is None or _tokens.compress_url(result) == data
    assert _tokens.encode_base64url(data).isascii()
    digest = hashlib.blake2s(data, digest_size=10, key=data[:32], person=bytes(8)).digest()
    assert _tokens.blake2s(data, digest_size=10, key=data[:32], person=bytes(8)) == digest
    _tokens.decode_base64url(data)
    assert len(data) > 6000 or _tokens.decode_base64url(_tokens.encode_base64url(data)) == data


def run_transfer_encoding(choices: Choices, data: bytes) -> None:
    """Transfer encodings there and back, and changes of their text."""
    changes = make_ascending_changes(choices, len(data))
    assert _mime.splice(data, changes) == splice(data, changes)
    for name in _mime.base64_variants():
        codec = _mime.Base64Codec(name)
        text = codec.encode(data, choices.choice((4, 76)), bool(choices.randrange(2)))
        assert codec.decode(text) == data
        with contextlib.suppress(_mime.MalformedEncoding):
            codec.decode(data)
    _mime.base64_offset_after(data, choices.randrange(256))
    _mime.base64_bounds(data)
    kept = _mime.splice_within_lines(data, changes, choices.randrange(256))
    assert kept is None or kept == splice(data, changes)
    plain = _mime.read_plain_headers(data, 0, len(data))
    assert plain is None or all(data[value - 1] == ord(":") for _, _, value, _ in plain[1])
    needle = data[choices.randrange(256) :][: choices.randrange(80)]
    assert _mime.find(data, needle, 0, len(data)) == data.find(needle)
    assert _mime.find(bytearray(data), needle, 0, len(data)) == data.find(needle)
    for quoted in (quopri.encodestring(data), data):
        try:
            text, crlf = _mime.decode_quoted_printable(quoted)
        except _mime.MalformedEncoding:
            continue
        _mime.splice_quoted_printable(quoted, crlf, make_ascending_changes(choices, len(text)), len(text))
    _mime.splice_quoted_printable(data, False, changes, 4 * len(data))  # a size that is none
    base = data[choices.randrange(256) :][:20_000]
    encoder = _mime.DeltaEncoder(base)
    for text in (data[:40_000], base, splice(base, make_ascending_changes(choices, len(base)))):
        assert _mime.apply_delta(base, encoder.encode(text)) == text
    with contextlib.suppress(_mime.MalformedEncoding):
        _mime.apply_delta(base, data[:64])


def make_ascending_changes(choices: Choices, size: int) -> list[tuple[int, int, bytes]]:
    places = sorted(choices.randrange(256) * size // 255 for _ in range(2 * choices.randrange(5)))
    return [(start, end, b"x" * choices.randrange(99)) for start, end in zip(places[::2], places[1::2], strict=True)]


def splice(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for start, end, value in reversed(changes):
        data = data[:start] + value + data[end:]
    return data


def run_journal(choices: Choices, data: bytes) -> None:
    """Facts put in by several threads and written by one are decided, each of them, also if somebody cuts the file."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:  # noqa: S108
        write_events(choices, data, Path(folder))


def write_events(choices: Choices, data: bytes, folder: Path) -> None:
    queue = _journal.CommitQueue(choices.choice((3, 1000)), choices.choice((64, 1 << 20)))
    path = folder / "records"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    status, size = os.fstat(descriptor), choices.choice((8, 1 << 16))
    os.ftruncate(descriptor, size - choices.randrange(2))
    target = WriteTarget(
        descriptor, path, (status.st_dev, status.st_ino), _journal.crc32(data), 0, size, 0, choices.choice((-1, size))
    )
    pushing = [threading.Thread(target=queue.enqueue, args=(choices.pieces(data), -1)) for _ in range(2)]
    try:
        for thread in pushing:
            thread.start()
        for thread in pushing:
            thread.join()
        outcome = queue.write_batches(target, idle=0.0, commit_interval=0.0, batch_threshold=choices.randrange(3))
        if outcome != "idle":
            queue.discard()
        assert queue.completed == queue.enqueued == queue.notified
        assert queue.durable == target.count
        assert queue.in_flight == 0
        queue.close()
        assert queue.enqueue([data], -1)[0] == 0
        assert queue.write_batches(replace(target), idle=0.0, commit_interval=0.0, batch_threshold=1) == "closed"
        queue.reopen()
        assert queue.enqueue([data[:9]], -1)[0] == 1
    finally:
        os.close(descriptor)


def run_hit_features(_choices: Choices, data: bytes) -> None:
    """Hits that are made of the document's bytes have the features of the reference, and a key for each click."""
    hits = [_make_hit(number, data[start : start + 6]) for number, start in enumerate(range(0, min(len(data), 300), 6))]
    evidence = Evidence(delivered_at=data[0] * SECOND_US if data else None, link_count=len(data) % 9)
    found, right = FeatureExtractor(hits, evidence), ReferenceExtractor(hits, evidence)
    for hit in hits:
        ours, theirs = found.extract(hit), right.extract(hit)
        for name in ("links_in_window", "excess_readers", "echo_gap_us", "repeated", "client_hit_honeypot"):
            assert getattr(ours, name) == getattr(theirs, name)
        assert ours.everyone_drip_run.links == theirs.everyone_drip_run.links
        key = found.context_key(hit, _RULE_BOUNDS)
        assert key == found.context_key(hit, _RULE_BOUNDS)
        assert (key is None) == (hit.kind != CLICK)


_RULE_BOUNDS = _clicks.RuleBounds(ages=(0.0, 60.0), pauses=(3.0,), variations=(0.1,), click_check=SECOND_US)


def _make_hit(number: int, data: bytes) -> Hit:
    step, position, source, agent, kind, method = data.ljust(6, b"\0")
    return Hit(
        id=number,
        at=(step << 16) * (position + 1),
        method=("GET", "HEAD", "POST")[method % 3],
        position=position % 12,
        kind=(CLICK, CLICK, CLICK, HONEYPOT, OPEN)[kind % 5],
        ip=None if source % 7 == 0 else f"192.0.{source % 5}.{source % 3}",
        user_agent=(None, "", "a", "b")[agent % 4],
        device=(None, "phone")[agent >> 7],
    )


def run_request_head(choices: Choices, data: bytes) -> None:
    """A head, whole or cut: what is read of it stands there, and no byte behind it counts."""
    start = choices.choice((b"", b"GET /c/", b"HEAD /c/x HTTP/1.1\r\nHost: a\r\n", b"GET / HTTP/1.0\r\nConnection: "))
    whole = start + data + choices.choice((b"", b"\r\n\r\n"))
    head = _http.parse_request_head(whole[: len(whole) - choices.randrange(3)])
    if head is None:
        return
    method, path, version, fields, closes, length = head
    assert whole.startswith(f"{method} {path}".encode())
    assert whole[length - 4 : length] == b"\r\n\r\n"
    assert len(fields) <= 64
    assert closes or version == "1.1"
    assert _http.parse_request_head(whole[:length]) == head
    assert _http.parse_request_head(whole[: length - 1]) is None


COLUMN_FORMATS = (b"z", b"Z", b"vz", b"u", b"U", b"vu")


def make_column(texts: Sequence[bytes | None], format_: bytes) -> Column:
    """A column of these texts, by our own export: the first of two chunks is what a native loop has made."""
    rest, empty = _arrow.ArrayData(b"Z", 0, 0, (None, bytes(8), b"")), b""
    ends = [0]
    for text in texts:
        ends.append(ends[-1] + len(text or empty))
    offsets = b"".join(end.to_bytes(8, "little") for end in ends)
    bits = sum((text is not None) << number for number, text in enumerate(texts))
    valid, nulls = bits.to_bytes(len(texts) // 8 + 1, "little"), sum(text is None for text in texts)
    wide = _arrow.ArrayData(b"Z", len(texts), nulls, (valid, offsets, empty.join(text or empty for text in texts)))
    rows = _arrow.RowRange(_arrow.import_array(*wide.export_array()), 0, len(texts))
    native = make_row_rewriter().rewrite(rows, text_limit=1 << 40)[0]
    assert native[0].null_bitmap()[1] == nulls
    chunks = [_arrow.join_rows(native).to_array(format_), make_texts(rest, format_)]
    return Column(chunks[0], chunks)


def make_texts(data: _arrow.ArrayData, format_: bytes) -> _arrow.ArrayData:
    rows = _arrow.RowRange(_arrow.import_array(*data.export_array()), 0, data.length)
    return make_row_rewriter().rewrite(rows, text_limit=9)[0][0].to_array(format_)


def make_row_rewriter() -> _arrow.RowRewriter:
    """Leaves every row as it is."""
    options = _html.NativeOptions().as_capsule()
    ways: dict[str, Any] = {"key_id": 1, "privacy": 0, "sealed": True, "locations": (), "utf8": True}
    prefix = _tokens.encode_token_prefix(7, short=False, privacy=0, key_id=1)
    return _arrow.RowRewriter(
        options, b"/", key=b"k", person=bytes(8), prefix=prefix, needs_caller=True,
        rewrite_row=lambda document, identity: (document, 2, []), **ways,
    )  # fmt: skip


def run_column(choices: Choices, data: bytes, max_threads: int = 2) -> None:
    """A column of the document's pieces, in any form and with any limit: each row is what `rewrite` makes of it."""
    texts: list[bytes | None] = [*choices.pieces(data), None, data, b"", data[::-1]]
    format_ = choices.choice(COLUMN_FORMATS)
    ways: dict[str, Any] = {"switches": choices.choice(SWITCHES)}
    tracker, ids = choices.choice(TRACKERS), [2 ** choices.randrange(64) for _ in texts]
    column = make_column(texts, format_)
    done = rewrite_column(column, tracker, message_ids=ids, threads=1 + choices.randrange(max_threads), **ways)
    result = read_column(done)
    expected = [
        text if text is None else rewrite(text, tracker.for_message(number), **ways)
        for text, number in zip(texts, ids, strict=True)
    ]
    assert result == expected
    assert len(done) == len(texts)
    scan_column(column, **ways).__arrow_c_schema__()


def read_column(column: Column) -> list[Any]:
    """The values of a column of text or bytes."""
    stream = _arrow.ForeignStream(column.__arrow_c_stream__())
    assert stream.format
    chunks = list(stream)
    assert sum(chunk.count_bytes(0, len(chunk)) for chunk in chunks) >= 0
    return [chunk.read(row) for chunk in chunks for row in range(len(chunk))]


ENTRY_POINTS: tuple[Callable[[Choices, bytes], None], ...] = (
    run_whole,
    run_stream,
    run_chunks,
    run_scan,
    run_plan,
    run_count,
    run_mail,
    run_mint,
    run_open,
    run_url_codec,
    run_transfer_encoding,
    run_journal,
    run_request_head,
    run_column,
    run_hit_features,
)


def run_input(data: bytes) -> None:
    """One input of a fuzzer: the first byte chooses the entry, some more decide, the rest is the document."""
    choices = Choices(data[:CHOICE_BYTES])
    choices.choice(ENTRY_POINTS)(choices, data[CHOICE_BYTES:])

"""What a caller may hand to the extensions, or change while they work: an exception that names it, or no effect.

In an ordinary build a wrong pointer may go unnoticed; test_sanitized.py runs these tests under sanitizers too.
"""

import copy
import gc
import threading
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from linkweir import _html, _journal, _mime, _tokens
from linkweir.html.document import rewrite
from linkweir.html.outcome import Outcome
from linkweir.html.plan import Plan
from linkweir.html.rewriter import Rewriter
from linkweir.html.switches import Switches
from linkweir.tokens.tracker import Tracker
from linkweir.tokens.wire_format import COMMON_HEADERS, PERSONALIZATION
from tests.ext.entry_points import EmptyingTracker, make_tracker
from tests.tokens.keyring_factory import BASE_URL, RING

LINK_TEMPLATE = b'<a href="http://a.example/%d">'
DOCUMENT = b"".join(LINK_TEMPLATE % number for number in range(200))


class LyingNumber(int):
    """A number that compares as it likes."""

    def __le__(self, other: object) -> bool:
        return True

    __lt__ = __ge__ = __gt__ = __le__


class LyingList(list[Any]):
    """A list that says it is empty."""

    def __len__(self) -> int:
        return 0


class CallbackIndex:
    """A number that does something when it is asked for its value."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act

    def __index__(self) -> int:
        self.act()
        return 0


def reject_all(data: bytes) -> tuple[bytes, bool]:
    """No value is known as text."""
    return data, False


def make_splice(resolve: Callable[..., Any], report: Callable[..., Any] | None = None) -> _html.LinkRewriter:
    """A splice by the default rules."""
    return _html.LinkRewriter(_html.NativeOptions(), resolve, reject_all, report)


@pytest.mark.parametrize(
    ("destinations", "indexes", "error", "words"),
    [
        ([None], [0], TypeError, r"destinations\[0\] must be bytes, not NoneType"),
        ([b"http://h/", "http://h/"], [0, 1], TypeError, r"destinations\[1\] must be bytes, not str"),
        ([b"http://h/"], [None], TypeError, r"indexes\[0\] must be a whole number, not NoneType"),
        ([b"http://h/"], [1.5], TypeError, r"indexes\[0\] must be a whole number, not float"),
        ([b"http://h/"], [-1], OverflowError, r"indexes\[0\] must be from 0 to 4294967295, not -1"),
        ([b"http://h/"], [2**32], OverflowError, r"indexes\[0\] must be from 0"),
        ([b"http://h/"], [], ValueError, "as many indexes as destinations"),
        (None, [0], TypeError, "destinations"),
        ([b"http://h/"], None, TypeError, "indexes"),
    ],
)
@pytest.mark.parametrize("known", [None, 3])
def test_minting_names_what_it_cannot_take(
    destinations: Any, indexes: Any, error: type[Exception], words: str, known: Any
) -> None:
    """`mint_many` raises for a destination or index of another type or range, and its text says which."""
    with pytest.raises(error, match=words):
        make_tracker(Tracker).mint_many(destinations, indexes, known=known, refused=None)


def test_lists_that_change_while_minting_do_not_matter() -> None:
    """What an index does to the two lists when it is asked for its value changes no link."""
    destinations: list[Any] = [b"http://h/%d" % number for number in range(50)]
    expected = make_tracker(Tracker).mint_many(destinations, list(range(50)))
    indexes: list[Any] = list(range(50))

    def empty() -> None:
        destinations.clear()
        indexes.clear()
        gc.collect()

    indexes[0] = CallbackIndex(empty)
    assert make_tracker(Tracker).mint_many(destinations, indexes) == expected
    assert destinations == []


def test_threads_that_change_what_is_minted_do_not_matter() -> None:
    """While other threads empty and fill the lists, links are minted of what stood there when the call began."""
    links = make_tracker(Tracker)
    destinations: list[bytes] = []
    indexes: list[int] = []
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            destinations[:] = [b"https://t.example/AAAA" + bytes([65 + len(destinations) % 26])] * 40
            indexes[:] = range(40)
            destinations.clear()
            indexes.clear()

    threads = [threading.Thread(target=change) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(300):
            try:
                result = links.mint_many(destinations, indexes, known=b"known", refused=b"refused")
            except ValueError:
                continue  # one list was empty already
            assert len(result) in (0, 40)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_list_that_is_used_again_or_emptied_does_not_matter() -> None:
    """A Tracker that gives out one list for all batches, which a callback empties, gives the links of a plain one."""
    expected = rewrite(DOCUMENT, make_tracker(Tracker))
    for told in (None, lambda link: EmptyingTracker.shared.clear()):
        assert rewrite(DOCUMENT, make_tracker(EmptyingTracker), on_link=told) == expected
        rewriter = Rewriter(make_tracker(EmptyingTracker), on_link=told)
        assert rewriter.feed(DOCUMENT[:99]) + rewriter.feed(DOCUMENT[99:]) + rewriter.close() == expected


def test_a_tracker_cannot_change_a_plan() -> None:
    """A plan's links are the same after a Tracker has emptied the lists that it was given."""
    plan = Plan(DOCUMENT)
    plan.render(make_tracker(EmptyingTracker))
    assert plan.render(make_tracker(Tracker)) == rewrite(DOCUMENT, make_tracker(Tracker))


@pytest.mark.parametrize("value", [LyingNumber(300), LyingNumber(-1), True, 1.0, None, bytearray(b"x"), "x"], ids=repr)
def test_what_is_neither_bytes_nor_a_number_is_refused(value: Any) -> None:
    """An answer of another type, a subclass of int among them, is a TypeError that names its place."""
    work = make_splice(lambda destinations, indexes: [value] * len(destinations))
    with pytest.raises(TypeError, match="value 0 must be bytes or an outcome number"):
        work.feed(LINK_TEMPLATE % 1)
    assert work.close() == LINK_TEMPLATE % 1


@pytest.mark.parametrize("value", [-1, len(Outcome), 2**70], ids=repr)
def test_a_number_that_is_no_outcome_is_refused(value: int) -> None:
    """Outcomes are counted in an array, so a number outside of it is a ValueError."""
    with pytest.raises(ValueError, match="is no outcome"):
        make_splice(lambda destinations, indexes: [value]).feed(LINK_TEMPLATE % 1)


def test_a_whole_document_needs_a_splice_of_its_own() -> None:
    """`replacements` after something was fed, or again, is a RuntimeError: offsets would be of other bytes."""
    work = make_splice(lambda destinations, indexes: [b"x"] * len(destinations))
    work.feed(b"x" * 100_000)
    with pytest.raises(RuntimeError, match="needs a LinkRewriter of its own"):
        work.replacements(LINK_TEMPLATE % 1)
    other = make_splice(lambda destinations, indexes: [b"x"] * len(destinations))
    assert other.replacements(LINK_TEMPLATE % 1) == [(9, 27, b"x")]
    with pytest.raises(RuntimeError, match="needs a LinkRewriter of its own"):
        other.replacements(LINK_TEMPLATE % 1)
    assert other.close() == b""


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([(None, None)], r"opt_out\[0\] must be"),
        ([(b"x", None), (b"x", "y")], r"opt_out\[1\] must be"),
        ([(bytearray(b"x"), None)], r"opt_out\[0\] must be"),
        ([b"xy"], r"opt_out\[0\] must be"),
    ],
)
def test_options_are_made_of_bytes(pairs: Any, words: str) -> None:
    """Rules of anything but pairs of bytes are a TypeError that names the pair."""
    with pytest.raises(TypeError, match=words):
        _html.NativeOptions(pairs)


def test_options_do_not_change() -> None:
    """Neither pairs that are changed afterwards nor a second `__init__` change rules that exist."""
    pair = [b"data-" + b"x" * 40, b"on" * 20]
    pairs = LyingList([pair] * 3)
    rules = _html.NativeOptions(pairs)
    document = b'<a href="http://h/" data-' + b"x" * 40 + b'="' + b"on" * 20 + b'">'
    before = _html.count_outcomes(document, rules)
    pair.clear()
    pairs.clear()
    gc.collect()
    rules.__init__([(b"a", None)])
    assert _html.count_outcomes(document, rules) == before
    with pytest.raises(ValueError, match="at most 32"):
        _html.NativeOptions(LyingList([(b"x", None)] * 33))


def test_switches_of_values_that_change_stay_as_they_were() -> None:
    """A list given as `opt_out` may be changed afterwards, without effect."""
    names = ["data-x"]
    switches = Switches(opt_out=names)  # type: ignore[arg-type]
    document = b'<a data-x href="http://h/">'
    names[0] = "data-y"
    names.clear()
    gc.collect()
    assert rewrite(document, make_tracker(Tracker), switches=switches) == document


@pytest.mark.parametrize(
    ("offsets", "error"),
    [
        ([(0, LyingNumber(100))], ValueError),
        ([(LyingNumber(5), LyingNumber(3))], ValueError),
        ([(2, 3), (1, 2)], ValueError),
        (LyingList([(0, 99)]), ValueError),
        ([(-1, 2)], OverflowError),
        ([(None, 2)], TypeError),
        ([(0, 1, 2)], ValueError),
    ],
)
def test_a_template_has_offsets_inside_its_document(offsets: Any, error: type[Exception]) -> None:
    """Offsets outside the document, or not ascending, are refused, whatever their numbers say about themselves."""
    with pytest.raises(error):
        _html.LinkTemplate(b"0123456789", offsets)


def test_a_template_reports_how_many_links_it_has() -> None:
    """A list that says it is shorter than it is has all its links filled."""
    template = _html.LinkTemplate(b"0123456789", LyingList([(n, n + 1) for n in range(10)]))
    assert template.link_count == 10
    assert template.fill([b"x"] * 10) == b"x" * 10
    with pytest.raises(ValueError, match="10 links, 9 values"):
        template.fill([b"x"] * 9)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ([(0, LyingNumber(100), b"x")], ValueError, r"replacements\[0\] \(0 to 100\)"),
        ([(LyingNumber(5), 3, b"x")], ValueError, r"replacements\[0\]"),
        ([(0, 1, None)], TypeError, r"replacements\[0\] must put in bytes, not NoneType"),
        ([(0, 1, b""), (1, 1, "x")], TypeError, r"replacements\[1\] must put in bytes, not str"),
        ([None], TypeError, "NoneType"),
    ],
)
def test_changes_lie_inside_the_text(changes: Any, error: type[Exception], words: str) -> None:
    """A change that is none is an error that names it, in all ways to splice."""
    with pytest.raises(error, match=words):
        _mime.splice(b"0123456789", changes)
    with pytest.raises(error, match=words):
        _mime.splice_within_lines(b"0123456789", changes, 100)
    with pytest.raises(error, match=words):
        _mime.splice_quoted_printable(b"0123456789", False, changes, 10)


@pytest.mark.parametrize(("start", "end"), [(0, 11), (4, 3), (11, 11)])
def test_header_blocks_lie_inside_the_text(start: int, end: int) -> None:
    """A block that would begin or end elsewhere is an error."""
    with pytest.raises(ValueError, match=f"from {start} to {end} lies outside"):
        _mime.read_plain_headers(b"A: b\n\ntext", start, end)


def test_changes_that_change_do_not_matter() -> None:
    """A value that vanishes from its list while a later change is read is put in all the same."""
    first: list[Any] = [0, 1, b"v" * 100]
    changes: list[Any] = [first]

    def empty() -> None:
        first.clear()
        changes.clear()
        gc.collect()

    changes.append((CallbackIndex(lambda: None), 2, b""))
    changes[1] = (1, 2, b"")
    changes.append((2, 3, b""))

    class Late(int):
        def __index__(self) -> int:
            return 3

    class Third:
        def __iter__(self) -> Any:
            empty()
            return iter((Late(3), 3, b"w"))

    changes.append(Third())
    assert _mime.splice(b"0123456789", changes) == b"v" * 100 + b"w3456789"


@pytest.mark.parametrize("text", [None, "x", bytearray(b"x")], ids=repr)
def test_base64_accepts_bytes_only(text: Any) -> None:
    """Anything else before, between or behind is a TypeError."""
    codec = _mime.Base64Codec()
    for words in ((text, b"", b""), (b"", text, b""), (b"", b"", text)):
        with pytest.raises(TypeError):
            codec.encode(words[0], 76, True, words[1], words[2])
    with pytest.raises(TypeError):
        codec.decode(text)


def make_issuer(**changes: Any) -> _tokens.Issuer:
    """An issuer of which some arguments are as the test wants them."""
    ways: dict[str, Any] = {"key": b"", "person": bytes(8), "key_id": 1, "privacy": 0, "sealed": True, "locations": ()}
    return _tokens.Issuer(b"https://t/", campaign=None, **ways | changes)


@pytest.mark.parametrize("identity", [True, -1, 2**64, 1.5, b"short", "a@b", "é", "", "x" * 65, object()])
def test_an_id_that_no_token_holds_is_refused(identity: Any) -> None:
    """A minter and the prefix of a token refuse it in the same way."""
    with pytest.raises(ValueError, match="id"):
        _tokens.Minter(make_issuer(), identity)
    try:
        assert _tokens.encode_token_prefix(identity, short=False, privacy=0, key_id=1) is None
    except ValueError as error:
        assert "id" in str(error)  # noqa: PT017 - one of two ways


def test_a_mode_without_links_is_refused() -> None:
    """Only the three modes that have links have a number."""
    for act in (make_issuer, partial(_tokens.encode_token_prefix, 7, short=True, key_id=1)):
        with pytest.raises(ValueError, match="privacy mode"):
            act(privacy=3)


@pytest.mark.parametrize(
    ("locations", "words"),
    [(((None, None),), r"locations\[0\]"), (((b"h", b"/"), (b"h", "/")), r"locations\[1\]")],
)
def test_a_minter_lives_at_bytes(locations: Any, words: str) -> None:
    """Hosts and paths of anything but bytes are a TypeError that names the pair."""
    with pytest.raises(TypeError, match=words):
        make_issuer(locations=locations)


@pytest.mark.parametrize(("key", "person"), [(bytes(33), bytes(8)), (b"", bytes(7)), (b"", bytes(9))])
def test_a_hash_of_another_shape_is_refused(key: bytes, person: bytes) -> None:
    """A key over 32 bytes, or a personalization of other than 8, is a ValueError."""
    with pytest.raises(ValueError, match="must have"):
        make_issuer(key=key, person=person)
    with pytest.raises(ValueError, match="must have"):
        _tokens.blake2s(b"", digest_size=10, key=key, person=person)


@pytest.mark.parametrize(("secret", "error"), [(None, TypeError), ("x" * 32, TypeError), (bytes(33), ValueError)])
def test_a_token_is_opened_with_bytes(secret: Any, error: type[Exception]) -> None:
    """A key whose secret is no key of the hash is an error, also for a token that names it."""
    sealed = make_tracker(Tracker).mint_many([b"https://example.com/"], [0])[0]
    assert sealed is not None
    token = sealed.decode().rpartition("/")[2]
    keys = tuple(SimpleNamespace(id=number, secret=secret) for number in range(1, 32))
    for person in (bytes(8), PERSONALIZATION):
        with pytest.raises(error):
            _tokens.open_common(token, COMMON_HEADERS, keys, person)


@pytest.mark.parametrize("payloads", [[b"x", None], ["x"], [bytearray(b"x")]], ids=repr)
def test_a_queue_takes_all_facts_or_none(payloads: Any) -> None:
    """A fact that is not bytes is a TypeError, and none of the call is taken."""
    queue = _journal.CommitQueue(10, 1000)
    with pytest.raises(TypeError, match=r"payloads\[\d\] must be bytes"):
        queue.enqueue(payloads, -1)
    assert queue.enqueued == 0
    assert queue.enqueue([b"x"], -1) == (1, 1)


def test_a_queue_is_written_by_one_thread() -> None:
    """While one thread waits for facts, another that would take them gets a RuntimeError."""
    queue = _journal.CommitQueue(10, 1000)
    held: list[bool] = []
    thread = threading.Thread(target=lambda: held.append(queue.wait_for_records(20.0)))
    thread.start()
    refused = False
    while not refused:  # until the other thread waits
        try:
            queue.wait_for_records(0.0)
        except RuntimeError:
            refused = True
    with pytest.raises(RuntimeError, match="for one"):
        queue.discard()
    queue.enqueue([b"x"], -1)
    thread.join()
    assert held == [True]


@pytest.mark.parametrize("time", [-1.0, float("nan")], ids=repr)
def test_a_queue_waits_for_times_that_are_some(time: float) -> None:
    """A negative time, or one that is no number, is a ValueError."""
    with pytest.raises(ValueError, match="idle must be a number of seconds"):
        _journal.CommitQueue(10, 1000).wait_for_records(time)


@pytest.mark.parametrize("wrong", [None, 5, "text", memoryview(bytes(99))[::2]], ids=["None", "int", "str", "strided"])
def test_what_is_no_buffer_costs_nothing(wrong: Any) -> None:
    """Counting or feeding it raises TypeError or BufferError, and no memory stays behind."""
    rules = _html.NativeOptions()
    work = make_splice(reject_all)

    def misuse() -> None:
        counting = (lambda data: _html.count_outcomes(data, rules), lambda data: _html.count_byte(data, 60))
        for act in (*counting, work.feed, make_splice(reject_all).replacements):
            with pytest.raises((TypeError, BufferError)):
                act(wrong)

    misuse()
    tracemalloc.start()
    try:
        misuse()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(50):
            misuse()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 50_000
    finally:
        tracemalloc.stop()
    assert work.feed(b"x") == b"x"


@pytest.mark.parametrize("empty", [b"", bytearray(), memoryview(b""), memoryview(bytearray(4))[2:2]], ids=range(4))
def test_nothing_is_a_document_too(empty: Any) -> None:
    """Empty buffers, whose address may be none, are fed, counted and scanned anywhere in a document."""
    told: list[Any] = []
    work = make_splice(lambda destinations, indexes: [b"x"] * len(destinations), told.extend)
    parts = [empty, b"\n<", empty, b'a href="htt', empty, b'p://h/">', empty, b"<a ", empty]
    assert b"".join([*map(work.feed, parts), work.close()]) == b'\n<a href="x"><a '
    assert [(link.line, link.column) for link in told] == [(2, 1), (2, 21)]
    assert sum(_html.count_outcomes(empty, _html.NativeOptions())) == _html.count_byte(empty, 0) == 0
    assert make_splice(reject_all, told.extend).replacements(empty) == []
    assert _html.decode_value(empty) == b""


def test_a_buffer_cannot_be_resized_while_it_is_read() -> None:
    """A callback that resizes the document gets a BufferError; one that overwrites it breaks its own links only."""
    document = bytearray(DOCUMENT)
    errors: list[BufferError] = []

    def resize(destination: str, index: int) -> str:
        try:
            del document[10:]
        except BufferError as error:
            errors.append(error)
        document[:] = b"<" * len(document)
        return "x"

    rewrite(document, resize)
    assert errors


def test_threads_that_overwrite_a_document_break_only_its_links() -> None:
    """Bytes that change under the scanner give some output, never a crash."""
    document = bytearray(DOCUMENT * 5)
    stop = threading.Event()

    def overwrite() -> None:
        other = b'&#1;">\0<!--[if mso]><a x' * (len(document) // 24 + 1)
        while not stop.is_set():
            document[:] = (DOCUMENT * 5)[: len(document)]
            document[:] = other[: len(document)]

    thread = threading.Thread(target=overwrite)
    thread.start()
    try:
        for _ in range(50):
            sum(_html.count_outcomes(document, _html.NativeOptions(outlook=True)))
            rewrite(
                document, lambda destination, index: "x", switches=Switches(outlook=True), on_link=lambda link: None
            )
    except UnicodeDecodeError:
        pass
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "make",
    [
        _html.NativeOptions,
        lambda: make_splice(reject_all),
        lambda: _html.LinkTemplate(b"", ()),
        _mime.Base64Codec,
        lambda: _journal.CommitQueue(1, 1),
        make_issuer,
        lambda: _tokens.Minter(make_issuer(), 7),
    ],
)
def test_what_holds_pointers_cannot_be_copied(make: Callable[[], Any]) -> None:
    """A copy of an object of the extensions, made without its arguments, is refused."""
    ways: tuple[Callable[[Any], Any], ...] = (copy.copy, copy.deepcopy, lambda thing: thing.__reduce_ex__(2))
    for copying in ways:
        with pytest.raises(TypeError):
            copying(make())


@pytest.mark.parametrize(
    "kind", [_html.LinkRewriter, _html.LinkTemplate, _tokens.Minter, _journal.CommitQueue, Tracker]
)
def test_nothing_exists_without_its_arguments(kind: Any) -> None:
    """`__new__` alone is a TypeError."""
    with pytest.raises(TypeError):
        kind.__new__(kind)


def test_a_cycle_of_links_and_a_rewriter_is_collected() -> None:
    """A rewriter whose own function refers to it goes, and its memory with it."""

    class Holder:
        rewriter: Rewriter

        def link(self, destination: str, index: int) -> str:
            return destination

    def cycle() -> None:
        holder = Holder()
        holder.rewriter = Rewriter(holder.link)
        holder.rewriter.feed(b"<a " + b"x" * 60_000)

    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(30):
            cycle()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()


def test_the_queue_checks_where_it_writes(tmp_path: Path) -> None:
    """A target that has come further than its file is long is a ValueError."""
    from linkweir.clicks.journal.segment import WriteTarget

    target = WriteTarget(0, tmp_path / "x", (0, 0), 0, 100, 50)
    with pytest.raises(ValueError, match="lies behind its size"):
        _journal.CommitQueue(1, 1).write_batches(target, idle=0.0, commit_interval=0.0, batch_threshold=1)


def test_minting_still_gives_the_links_it_gave() -> None:
    """A golden link, so that nothing of the above changed what is minted."""
    link = Tracker(RING, BASE_URL, message=7).mint("https://example.com/", 3)
    assert link.startswith(f"{BASE_URL}/")
    assert Tracker(RING, BASE_URL, message=7).is_tracked(link.encode())

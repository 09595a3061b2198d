"""Columns equal `rewrite`, row by row: in every type of array, in chunks, with nulls, in threads."""

import threading
import uuid
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import linkweir
from linkweir import _arrow
from linkweir.arrow import Column, column_functions, rewrite_column, rewrite_message_column, scan_column
from linkweir.arrow.row_rewriter import RowRewriter
from linkweir.html.switches import Switches
from linkweir.tokens import Privacy, Tracker
from tests.tokens.keyring_factory import BASE_URL, RING
from tests.tokens.test_identifiers import CONVERSIONS

pa = pytest.importorskip("pyarrow")

TRACKER = Tracker(RING, BASE_URL, campaign="spring")
LINK = '<a href="https://example.com/?a=1&amp;b=2">x</a>'
PAGE = f"<p>{LINK}" * 3 + '<a href="mailto:x@example.com">'
TEXTS = [
    PAGE,
    None,
    "",
    "no link",
    '<a href="https://exämple.com/ü">',
    f'<a href="{TRACKER.mint("https://example.com/", 0)}">',
    '<a href="https://example.com/cut',
    f"<a {'x' * 70_000} href='https://example.com/'>",
    "<p>" + f'<a href="https://example.com/{"y" * 7000}">' * 70,
    f'<a href="https://example.com/{"z" * 8000}">' + LINK,
]
DATA = [None if text is None else text.encode() for text in TEXTS] + [
    b'<a href="https://example.com/\xe9">',
    b'\xff\xfe<a href="https://example.com/">',
    b'\xef\xbb\xbf<a href="https://example.com/">',
]
TEXT_TYPES = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
BYTE_TYPES = [pa.binary(), pa.large_binary(), pa.binary_view(), pa.dictionary(pa.uint32(), pa.large_binary())]
Ids = list[Any]


def expect(values: list[Any], ids: Ids, **options: Any) -> list[Any]:
    """What `rewrite` makes of each row."""
    return [
        None if value is None else linkweir.rewrite(value, TRACKER.for_message(number), **options)
        for value, number in zip(values, ids, strict=True)
    ]


def make_array(values: list[Any], kind: Any) -> Any:
    """A pyarrow array of a type, also of a dictionary."""
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(
            pa.array(range(len(values)), kind.index_type), pa.array(values, kind.value_type)
        )
    return pa.array(values, kind)


def read_column(column: Any) -> tuple[list[Any], Any]:
    """Values and type, after pyarrow has validated all of it."""
    done = pa.chunked_array(column)
    done.validate(full=True)
    return done.to_pylist(), done.type


@pytest.mark.parametrize(("values", "kinds"), [(TEXTS, TEXT_TYPES), (DATA, BYTE_TYPES)], ids=["text", "bytes"])
def test_each_row_is_what_rewrite_makes_of_it(values: list[Any], kinds: list[Any]) -> None:
    """In each type, whole, sliced and in chunks, the values equal those of `rewrite`, and the type stays."""
    ids = [2**63 - 1 - number for number in range(len(values))]
    expected = expect(values, ids)
    for kind in kinds:
        array = make_array(values, kind)
        value_type = kind.value_type if pa.types.is_dictionary(kind) else kind
        assert read_column(rewrite_column(array, TRACKER, message_ids=ids)) == (expected, value_type)
        assert pa.array(rewrite_column(array, TRACKER, message_ids=ids)).to_pylist() == expected
        chunks = pa.chunked_array([array[:1], array[1:1], array[1:7], array[7:]])
        id_chunks = pa.chunked_array([pa.array(ids[:3], pa.int64()), pa.array(ids[3:], pa.int64())])
        for threads in (1, 3):
            column = rewrite_column(chunks, TRACKER, message_ids=id_chunks, threads=threads)
            assert read_column(column) == (expected, value_type)
            assert len(column) == len(values)
        rest = read_column(rewrite_column(array[4:], TRACKER, message_ids=pa.array(ids)[4:]))[0]
        assert rest == expected[4:]
        empty = rewrite_column(array[:0], TRACKER, message_ids=[])
        assert read_column(empty) == ([], value_type)
        assert len(pa.array(empty)) == 0


@pytest.mark.parametrize(
    "make_id",
    [
        lambda number: number,
        lambda number: f"m-{number}",
        lambda number: uuid.UUID(int=number << 100 | 0x4000 << 64 | 2 << 62),
        lambda number: uuid.UUID(int=number),
    ],
    ids=["numbers", "texts", "uuid4", "uuids"],
)
def test_message_ids_are_those_of_trackers(make_id: Callable[[int], Any]) -> None:
    """Numbers, texts and UUIDs, as sequence and as column, mint the links that a tracker of the message mints."""
    ids = [make_id(number) for number in range(len(TEXTS))]
    raw = [value.bytes if isinstance(value, uuid.UUID) else value for value in ids]
    columns = [ids, pa.array(raw, pa.binary(16)) if raw != ids else pa.array(raw)]
    if raw == ids and isinstance(ids[0], int):
        columns += [pa.array(raw, kind()) for kind in (pa.int8, pa.uint16, pa.int32, pa.uint64)]
    elif raw == ids:
        columns += [
            pa.array(raw, pa.large_string()),
            pa.array(raw, pa.string_view()),
            pa.array(raw).dictionary_encode(),
        ]
    for column in columns:
        done = rewrite_column(pa.array(TEXTS), TRACKER, message_ids=column)
        assert read_column(done)[0] == expect(TEXTS, ids)


def test_a_text_of_a_number_or_uuid_is_one() -> None:
    """Columns and lists of texts follow the rule of the command, whether C or Python does the row."""
    texts, ids = [text for text, _ in CONVERSIONS], [value for _, value in CONVERSIONS]
    skips = Switches(skip=("no such link",))
    for page in (LINK, f"<a href='{TRACKER.mint('https://example.com/', 0)}'>{LINK}"):
        pages = [page] * len(texts)
        for column in (texts, pa.array(texts), pa.array(texts, pa.string_view()), pa.array(texts).dictionary_encode()):
            for switches in (Switches(), skips):
                done = rewrite_column(pa.array(pages), TRACKER, message_ids=column, switches=switches)
                assert read_column(done)[0] == expect(pages, ids, switches=switches)


@pytest.mark.parametrize("style", ["sealed", "short"])
@pytest.mark.parametrize("privacy", [Privacy.FULL, Privacy.PSEUDONYMOUS, Privacy.ANONYMOUS])
def test_modes_and_styles_are_those_of_the_tracker(style: Any, privacy: Privacy) -> None:
    """Without message ids all rows are of the tracker's message; anonymous links are of its campaign."""
    tracker = Tracker(RING, BASE_URL, message=5, campaign="c", privacy=privacy, style=style)
    expected = [linkweir.rewrite(PAGE, tracker)] * 2
    assert read_column(rewrite_column(pa.array([PAGE] * 2), tracker))[0] == expected
    with_ids = [linkweir.rewrite(PAGE, tracker.for_message(number)) for number in (1, 2)]
    assert read_column(rewrite_column(pa.array([PAGE] * 2), tracker, message_ids=[1, 2]))[0] == with_ids


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "shift_jis", "gb18030", "utf-16", "x-unknown"])
@pytest.mark.parametrize("switches", [Switches(), Switches(skip=("example.com/.*y",), opt_out=("vendors",))], ids=str)
def test_charsets_and_switches_are_those_of_rewrite(charset: str, switches: Switches) -> None:
    """Rows that need Python, for their charset or a pattern, equal `rewrite` as well."""
    ids = list(range(len(DATA)))
    column = rewrite_column(pa.array(DATA), TRACKER, message_ids=ids, charset=charset, switches=switches)
    assert read_column(column)[0] == expect(DATA, ids, charset=charset, switches=switches)


def test_links_are_counted_by_outcome() -> None:
    """The counts of a column are those of all its rows, whether C or Python has done them."""
    counts: dict[linkweir.Outcome, int] = {}
    for number, value in enumerate(DATA):
        rewriter = linkweir.Rewriter(TRACKER.for_message(number))
        rewriter.feed(value or b"")
        rewriter.close()
        for outcome, count in rewriter.counts.items():
            counts[outcome] = counts.get(outcome, 0) + count
    column = rewrite_column(pa.array(DATA), TRACKER, message_ids=list(range(len(DATA))), threads=2)
    assert column.link_counts == counts


def test_outcomes_say_what_became_of_a_row() -> None:
    """A row that cannot be rewritten is as it was, and its outcome is why."""
    rows = [PAGE.encode(), b"", None, b"\xff\xfe<a>", PAGE.encode(), PAGE.encode(), PAGE.encode()]
    ids = pa.array(["a", "b", "c", "d", None, "x@example.com", "1.2.3.4"])
    column, outcomes = rewrite_column(pa.array(rows), TRACKER, message_ids=ids, outcomes=True)
    done = read_column(column)[0]
    assert read_column(outcomes)[0] == ["rewritten", "unchanged", None, "encoding", *["message-id"] * 3]
    assert done[1:] == rows[1:]
    assert done[0] == linkweir.rewrite(PAGE.encode(), TRACKER.for_message("a"))
    negative = rewrite_column(pa.array(rows[:1]), TRACKER, message_ids=pa.array([-1]), outcomes=True)
    assert read_column(negative[1])[0] == ["message-id"]


def test_links_come_as_structs() -> None:
    """With `links`, each row has its outcome and the list of its links, as `on_link` reports them."""
    column, details = rewrite_column(pa.array(TEXTS), TRACKER, message_ids=list(range(len(TEXTS))), links=True)
    assert read_column(column)[0] == expect(TEXTS, list(range(len(TEXTS))))
    for number, (text, row) in enumerate(zip(TEXTS, read_column(details)[0], strict=True)):
        found: list[linkweir.Link] = []
        linkweir.rewrite(text or "", TRACKER.for_message(number), on_link=found.append)
        links = row["links"] or []
        assert (row["links"] is None) == (text is None)
        assert [(link["index"], link["outcome"], link["replacement"]) for link in links] == [
            (link.index, link.outcome, link.replacement) for link in found
        ]


def test_scan_lists_what_scan_lists() -> None:
    """A column of documents becomes a column of lists of links, null for null."""
    rows = read_column(scan_column(pa.array(DATA)))[0]
    assert len(rows) == len(DATA)
    for value, row in zip(DATA, rows, strict=True):
        expected = None if value is None else [(link.outcome, link.destination) for link in linkweir.scan(value)]
        assert (row and [(link["outcome"], link["destination"]) for link in row]) == (expected and expected)


def test_mails_are_rewritten_as_by_rewrite_message() -> None:
    """Raw mails in a column equal those of `rewrite_message`; a part that is not read is named in the outcome."""
    html = b"Content-Type: text/html\r\n\r\n" + PAGE.encode()
    rows = [
        html,
        None,
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: x\r\n\r\n" + PAGE.encode(),
        b"a: b\n\nx",
    ]
    column, outcomes = rewrite_messages(pa.array(rows), TRACKER, message_ids=[1, 2, 3, 4], outcomes=True)
    expected = [linkweir.rewrite_message(html, TRACKER.for_message(1)).raw, *rows[1:]]
    assert read_column(column)[0] == expected
    assert read_column(outcomes)[0] == ["rewritten", None, "untouched-part", "unchanged"]


@pytest.mark.parametrize("kind", [pa.string(), pa.string_view(), pa.binary(), pa.large_string()])
def test_text_that_outgrows_its_offsets_goes_into_another_chunk(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk is no longer than its offsets reach; a row that would be longer stays as it is, and says so."""
    limit, tracker = 3 * len(PAGE) + 9, Tracker(RING, f"{BASE_URL}/{'path/' * 30}")
    monkeypatch.setattr(column_functions, "MAX_SHORT_CHUNK_BYTES", limit)
    values = [PAGE, LINK, None, PAGE * 3, LINK] * 5
    array = pa.array(values, pa.string()).cast(kind)
    column, outcomes = rewrite_column(array, tracker, outcomes=True)
    done, _ = read_column(column)
    expected = [None if v is None else linkweir.rewrite(v, tracker) for v in values]
    if kind != pa.large_string():
        chunks = pa.chunked_array(column).chunks
        assert len(chunks) > 5
        assert all(sum(len(v or b"") for v in chunk.cast(pa.binary()).to_pylist()) <= limit for chunk in chunks)
        expected = [
            before if len(after or "") > limit else after for before, after in zip(values, expected, strict=True)
        ]
        assert read_column(outcomes)[0].count("too-large") == 10
        assert not hasattr(column, "__arrow_c_array__")
    assert [v.decode() if isinstance(v, bytes) else v for v in done] == expected


def test_a_row_that_outgrows_its_chunk_has_its_own_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that a chunk has no room for comes into the next with its links, once."""
    monkeypatch.setattr(column_functions, "MAX_SHORT_CHUNK_BYTES", 400)
    addresses = [f"https://example.com/{number}" for number in range(8)]
    texts = pa.array([f'<a href="{address}">x</a>' for address in addresses])
    column, details = rewrite_column(texts, TRACKER, links=True)
    assert len(pa.chunked_array(column).chunks) > 1
    found = [link["destination"] for row in pa.chunked_array(details).to_pylist() for link in row["links"]]
    assert found == addresses


HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.skipif(
    not HUGE_PAGES.exists() or "[never]" in HUGE_PAGES.read_text(), reason="this system has no transparent huge pages"
)
def test_a_large_column_costs_few_page_faults() -> None:
    """The text of a column of 32 MB comes in huge pages: in far fewer faults than it has pages of 4 KiB."""
    resource = pytest.importorskip("resource")
    column = pa.array([PAGE + "x" * 100_000] * 320, pa.large_string())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    done = rewrite_column(column, TRACKER)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert pa.array(done)[0].as_py() == linkweir.rewrite(column[0].as_py(), TRACKER)
    assert faults < 32_000_000 // 4096 // 2


def test_one_array_stays_one_array_with_threads() -> None:
    """What came as one array goes out as one, whatever the number of threads."""
    values = [PAGE * 200, None, LINK] * 40
    done = pa.array(rewrite_column(pa.array(values), TRACKER, threads=2))
    done.validate(full=True)
    assert done.to_pylist() == [None if v is None else linkweir.rewrite(v, TRACKER) for v in values]


def test_threads_share_rows_of_any_sizes() -> None:
    """However uneven the rows, the result is theirs in order, and threads make few chunks."""
    values = [PAGE * 4000, *[None, LINK] * 300, PAGE * 3000, *[PAGE * 3] * 2000]
    ids = list(range(len(values)))
    column = pa.chunked_array([pa.array(values[:100]), pa.array(values[100:])])
    expected = read_column(rewrite_column(column, TRACKER, message_ids=ids))[0]
    assert expected[-3:] == expect(values[-3:], ids[-3:])
    for threads in (2, 3, 8):
        for kind in (pa.string(), pa.large_string(), pa.string_view()):
            done = rewrite_column(column.cast(kind), TRACKER, message_ids=ids, threads=threads)
            assert read_column(done)[0] == expected
            assert len(pa.chunked_array(done).chunks) < 100


def test_a_range_of_rows_is_divided_until_it_is_small() -> None:
    """The rear half goes to whoever asks; all parts together are the rows, and less than two blocks stay together."""
    values = [PAGE * 20] * 100
    array = _arrow.import_array(*pa.array(values).__arrow_c_array__())
    native = RowRewriter(TRACKER.for_message(1), None, Switches(), "utf-8").native
    ranges = [_arrow.RowRange(array, 0, len(values))]
    while (rear := ranges[-1].divide()) is not None:
        ranges.append(rear)
    assert len(ranges) > 3
    done = [native.rewrite(each, text_limit=1 << 30)[0] for each in ranges]
    rows = [
        row
        for chunks in done
        for chunk in chunks
        for row in pa.array(Column(chunk.to_array(b"U"), [chunk.to_array(b"U")]))
    ]
    assert [row.as_py() for row in rows] == [linkweir.rewrite(PAGE * 20, TRACKER.for_message(1))] * 100
    assert ranges[0].bytes_left == 0
    with pytest.raises(IndexError, match="100 rows, not 3 to 101"):
        _arrow.RowRange(array, 3, 101)
    cancelled = _arrow.RowRange(array, 0, 100)
    cancelled.cancel()
    assert native.rewrite(cancelled, text_limit=1 << 30)[0][0].count == 0


def test_an_error_in_one_thread_ends_all() -> None:
    """What a thread raises is raised to the caller, and the other threads do not go on."""
    text = (PAGE * 200).encode()
    offsets = [len(text) * number for number in range(401)]
    offsets[-1] = 5  # less than the one before
    buffers = [None, pa.py_buffer(array("i", offsets).tobytes()), pa.py_buffer(text * 400)]
    broken = pa.Array.from_buffers(pa.string(), 400, buffers)
    with pytest.raises(ValueError, match="row 399 of the Arrow array contradicts itself"):
        rewrite_column(broken, TRACKER, threads=4)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("linkweir-column")]


rewrite_messages: Any = rewrite_message_column
ONE: Any = pa.array(["x"])
rewrite: Any = rewrite_column  # as callers without a type checker call it
WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: rewrite(["x"], TRACKER), "htmls must be an Arrow column of text or bytes, not list"),
    (lambda: rewrite(pa.array([1]), TRACKER), "htmls must be a column of text or bytes, not of int64"),
    (lambda: rewrite(pa.array([1.5]), TRACKER), "htmls must be a column of text or bytes, not of float64"),
    (lambda: rewrite(pa.array([{"a": 1}]), TRACKER), r"htmls must be a column of text or bytes, not of structs"),
    (lambda: rewrite(ONE, None), "tracker must be a Tracker, not NoneType"),
    (lambda: rewrite(ONE, TRACKER, message_ids=5), "message_ids must be a column or a sequence"),
    (lambda: rewrite(ONE, TRACKER, message_ids=[1.5]), "message_ids must be numbers, texts or UUIDs"),
    (lambda: rewrite(ONE, TRACKER, message_ids=[True]), "message_ids must be from 0"),
    (lambda: rewrite(pa.array(["x", "y"]), TRACKER, message_ids=[1, "a"]), "message_ids must be all"),
    (lambda: rewrite(ONE, TRACKER, message_ids=[1, 2]), "message_ids has 2 values, but there are 1 rows"),
    (lambda: rewrite(ONE, TRACKER, threads=0), "threads must be at least 1, not 0"),
    (lambda: rewrite(ONE, TRACKER, charset=None), "charset must be str"),
    (lambda: rewrite_message_column(pa.array([1]), TRACKER), "raws must be a column"),
    (lambda: scan_column(pa.array([1])), "htmls must be a column"),
    (lambda: scan_column(ONE, tracker=1), "tracker must be a Tracker or None"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("act", "text"), WRONG, ids=[text for _, text in WRONG])
def test_wrong_arguments_are_named(act: Callable[[], object], text: str) -> None:
    """One sentence names the argument, what it was and what is allowed."""
    with pytest.raises((TypeError, ValueError), match=f"^{text}"):
        act()


def test_other_libraries_hand_columns_over() -> None:
    """polars, pandas, nanoarrow and DuckDB give and take columns by themselves."""
    polars, pandas = pytest.importorskip("polars"), pytest.importorskip("pandas")
    nanoarrow, duckdb = pytest.importorskip("nanoarrow"), pytest.importorskip("duckdb")
    expected = expect(TEXTS, list(range(len(TEXTS))))
    table = duckdb.sql("SELECT unnest($1::VARCHAR[]) AS html", params=[TEXTS]).to_arrow_table()
    for column in (
        polars.Series(TEXTS),
        polars.Series(TEXTS).cast(polars.Categorical),
        pandas.Series(TEXTS, dtype="str"),
        nanoarrow.Array(TEXTS, nanoarrow.string()),
        table["html"],
    ):
        done = rewrite_column(column, TRACKER, message_ids=list(range(len(TEXTS))))
        assert polars.Series(done).to_list() == expected
        if isinstance(column, nanoarrow.Array):  # its reader of string views is broken, also with other libraries
            assert nanoarrow.ArrayStream(done).read_all().to_pylist() == expected

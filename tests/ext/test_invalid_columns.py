"""What a caller may hand to the extension of columns: an exception, or no effect. Also run under sanitizers."""

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from linkweir import _arrow, _html
from tests.ext.entry_points import make_row_rewriter

TEXTS = _arrow.ArrayData(b"U", 1, 0, (None, bytes(8) + (3).to_bytes(8, "little"), b"abc"))


def import_texts() -> _arrow.ForeignArray:
    return _arrow.import_array(*TEXTS.export_array())


def test_capsules_are_used_once() -> None:
    """What was handed over cannot be handed over again."""
    capsules = TEXTS.export_array()
    assert _arrow.import_array(*capsules).read(0) == b"abc"
    with pytest.raises(ValueError, match="used already"):
        _arrow.import_array(*capsules)
    for wrong in ((None, None), capsules[::-1], ("x", capsules[1]), (TEXTS, TEXTS)):
        with pytest.raises((ValueError, TypeError)):
            _arrow.import_array(*wrong)
    with pytest.raises((ValueError, TypeError)):
        _arrow.ForeignStream(capsules[0])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (_arrow.ArrayData(b"g", 1, 0, (None, bytes(8))), _arrow.UnsupportedFormat),
        (_arrow.ArrayData(b"+s", 1, 0, (None,), (TEXTS,), (b"x",)), _arrow.UnsupportedFormat),
        (_arrow.ArrayData(b"U", 1, 0, (None, bytes(16))), ValueError),
        (_arrow.ArrayData(b"l", 1, 0, (None, None)), ValueError),
        (_arrow.ArrayData(b"l", -1, 0, (None, bytes(8))), ValueError),
    ],
    ids=["double", "struct", "no data", "no values", "length"],
)
def test_arrays_of_other_forms_are_refused(data: _arrow.ArrayData, error: type[Exception]) -> None:
    """A type that is not read, a buffer that is missing and a length below zero are errors, as array and as stream."""
    with pytest.raises(error):
        _arrow.import_array(*data.export_array())
    with pytest.raises(error):
        list(_arrow.ForeignStream(_arrow.export_stream(data, [data])))


def test_rows_outside_of_a_column_are_refused() -> None:
    """Rows that a column does not have, and message ids that are missing, are errors."""
    texts, rewriter = import_texts(), make_row_rewriter()
    for row in (-1, 1, 2**62):
        with pytest.raises(IndexError):
            texts.read(row)
    for start, stop in ((-1, 1), (0, 2), (1, 0), (2**62, 2**62)):
        with pytest.raises(IndexError):
            texts.count_bytes(start, stop)
        with pytest.raises(IndexError):
            _arrow.RowRange(texts, start, stop)
    for first_id in (-1, 1, 2**62):
        with pytest.raises(IndexError):
            _arrow.RowRange(texts, 0, 1, texts, first_id)
    with pytest.raises(ValueError, match="either"):
        rewriter.rewrite(_arrow.RowRange(texts, 0, 1, texts), text_limit=99)
    with pytest.raises(OverflowError):
        rewriter.rewrite(_arrow.RowRange(texts, 0, 1), text_limit=2)
    rows_left = _arrow.RowRange(texts, 0, 1)
    rows = rewriter.rewrite(rows_left, text_limit=3)[0][0]
    with pytest.raises(ValueError, match="already"):
        rewriter.rewrite(rows_left, text_limit=3)
    with pytest.raises(ValueError, match="no format"):
        rows.to_array(b"l")
    with pytest.raises(TypeError):
        _arrow.join_rows([texts])  # type: ignore[list-item]


def test_the_parts_of_a_range_are_all_of_its_rows() -> None:
    """However a range is divided, each row is rewritten once; one that is cancelled leaves its rows, and one of less
    than two blocks is not divided.
    """
    count, document = 200, b"<p>a newsletter" * 64
    ends = b"".join((number * len(document)).to_bytes(8, "little") for number in range(count + 1))
    long = _arrow.ArrayData(b"U", count, 0, (None, ends, document * count))
    texts = _arrow.import_array(*long.export_array())
    parts = [_arrow.RowRange(texts, 0, count)]
    assert parts[0].bytes_left == count * len(document)
    while (rear := parts[0].divide()) is not None:
        parts.append(rear)
    assert len(parts) > 2
    assert sum(part.bytes_left for part in parts) == count * len(document)
    assert _arrow.RowRange(import_texts(), 0, 1).divide() is None
    rewriter = make_row_rewriter()
    done = {part.start: rewriter.rewrite(part, text_limit=1 << 30)[0] for part in parts}
    rows = [chunk for start in sorted(done) for chunk in done[start]]
    assert sum(chunk.count for chunk in rows) == count
    assert b"".join(map(bytes, (chunk.text for chunk in rows))) == document * count
    cancelled = _arrow.RowRange(texts, 0, count)
    cancelled.cancel()
    assert cancelled.divide() is None
    assert [chunk.count for chunk in rewriter.rewrite(cancelled, text_limit=99)[0]] == [0]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        (b"", 0),
        ("x", 1, []),
        (None, 1, []),
        (b"", 0, []),
        (b"", 256, []),
        (b"", 1, [-1]),
        (b"", 1, [1] * 99),
        (b"x", "y", []),
    ],
)
def test_what_a_row_is_answered_with_is_checked(answer: Any) -> None:
    """A wrong answer for a row is an error or counted somewhere, never written elsewhere."""
    options = _html.NativeOptions().as_capsule()
    rewriter = _arrow.RowRewriter(
        options, b"/", key=b"", person=bytes(8), key_id=1, privacy=0, sealed=True, prefix=b"p", locations=(), utf8=True,
        needs_caller=True, rewrite_row=lambda document, identity: answer,
    )  # fmt: skip
    with suppress(TypeError, ValueError, OverflowError):
        rewriter.rewrite(_arrow.RowRange(import_texts(), 0, 1), text_limit=99)


@pytest.mark.parametrize(
    "changes",
    [{"key": bytes(33)}, {"person": b""}, {"privacy": 3}, {"prefix": bytes(129)}, {"locations": ((b"h", None),)},
     {"locations": ("x",)}, {"options": None}, {"options": TEXTS.export_schema()}],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_a_rewriter_of_rows_checks_what_it_keeps(changes: dict[str, Any]) -> None:
    """Keys, prefixes and locations of another shape, and another capsule, are refused."""
    ways: dict[str, Any] = {
        "options": _html.NativeOptions().as_capsule(), "key": b"", "person": bytes(8), "key_id": 1, "privacy": 0,
        "sealed": True, "prefix": b"p", "locations": (), "utf8": True, "needs_caller": False, "rewrite_row": None,
    }  # fmt: skip
    ways |= changes
    with pytest.raises((TypeError, ValueError)):
        _arrow.RowRewriter(ways.pop("options"), b"/", **ways)


@pytest.mark.parametrize("make", [lambda: _arrow.Memory(1), make_row_rewriter, import_texts])
def test_columns_cannot_be_copied(make: Callable[[], Any]) -> None:
    """A copy of an object of the extension, made without its arguments, is refused."""
    ways: tuple[Callable[[Any], Any], ...] = (copy.copy, copy.deepcopy, lambda thing: thing.__reduce_ex__(2))
    for copying in ways:
        with pytest.raises(TypeError):
            copying(make())

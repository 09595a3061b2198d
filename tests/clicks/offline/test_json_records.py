"""JSON out of streams: line numbers, and what a broken line costs."""

import io
from collections.abc import Callable, Iterator
from typing import IO

import pytest

from linkweir.clicks.offline import json_records
from linkweir.clicks.offline.json_records import JsonRecord, iter_lines, iter_values
from linkweir.clicks.offline.recorded_click import InvalidClick

Reader = Callable[[IO[bytes]], Iterator[JsonRecord]]
READERS = [iter_lines, iter_values]


@pytest.mark.parametrize("reader", READERS)
def test_a_broken_line_costs_only_itself(reader: Reader) -> None:
    """Of good and broken lines the good ones come out with their numbers, and each broken one is named."""
    lines = [b'{"a": 1}', b"", b'{"a": ', b'{"a": "\xff"}', b"x", b'{"a": NaN}', b'{"a": 2}', b'{"a": {"b": [']
    found = list(reader(io.BytesIO(b"\n".join(lines))))
    assert [(number, value) for number, value, _ in found if isinstance(value, dict)] == [(1, {"a": 1}), (7, {"a": 2})]
    assert [number for number, value, _ in found if isinstance(value, InvalidClick)] == [3, 4, 5, 6, 8]


@pytest.mark.parametrize("reader", READERS)
def test_a_line_of_any_length_is_passed_over(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than is allowed is one error, and the next one is read."""
    monkeypatch.setattr(json_records, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(json_records, "MAX_VALUE_BYTES", 1000)
    for size in (1001, 1002, 200_000):
        data = b'{"a": "' + b"x" * size + b'"}\n{"b": 1}\n'
        (one, error, _), (two, value, _) = reader(io.BytesIO(data))
        assert isinstance(error, InvalidClick)
        assert (one, two, value) == (1, 2, {"b": 1})


def test_brackets_in_strings_are_text() -> None:
    """Brackets, quotes and backslashes within strings do not end an object."""
    text = rb'[{"a": "}]{\"\\"}, {"b": "[{"}]'
    assert [value for _, value, _ in iter_values(io.BytesIO(text))] == [{"a": '}]{"\\'}, {"b": "[{"}]


def test_deep_nesting_is_an_error() -> None:
    """A hundred thousand brackets are refused without a crash."""
    text = b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    for reader in (iter_lines, iter_values):
        ((_, value, _),) = reader(io.BytesIO(text))
        assert isinstance(value, InvalidClick)

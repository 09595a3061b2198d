"""How a body is read into its shape: what is known of it, within bounds, and nothing else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir.errors import ValidationError
from linkweir.web import request_body

text_strategy = st.text(st.sampled_from('a,[{"\\: ü'), max_size=8)
value_strategy = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | text_strategy,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text_strategy, inner, max_size=5),
    max_leaves=30,
)


class InnerStruct(msgspec.Struct):
    """A shape in a shape."""

    text: str = ""
    some: list[int] | None = None


class OuterStruct(msgspec.Struct, rename={"sender": "from"}):
    """A shape with a name that is none in Python."""

    sender: str
    inner: InnerStruct | None = None
    plain: InnerStruct = msgspec.field(default_factory=InnerStruct)
    free: Any = None


def count_separators(value: Any) -> int:
    """How many commas and opening brackets a value has, outside its texts."""
    if not isinstance(value, list | dict):
        return 0
    inner = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(0, len(inner) - 1) + sum(map(count_separators, inner))


@given(value_strategy, st.integers(-2, 2))
def test_values_are_counted_outside_texts(value: Any, more: int) -> None:
    """The count is exact up to the limit, and above it where there are more, whatever quotes and marks texts hold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(request_body, "SMALL_VALUE_COUNT", -1)
        patch.setattr(request_body, "SMALL_BODY_BYTES", 7)
        text, limit = msgspec.json.encode(value), max(0, count_separators(value) + more)
        result = request_body._count_values(text, limit) if isinstance(value, list | dict) else 0
        assert result == count_separators(value) if count_separators(value) <= limit else result > limit


@given(value_strategy)
def test_a_large_body_is_read_as_a_small_one(value: Any) -> None:
    """Unknown fields, fields given twice and null are taken alike, whether the body is large or small."""
    sent = {"from": "a", "free": value, "plain": {"text": "x", "unknown": value}, "inner": None, "unknown": value}
    data = b'{"free":[1],' + msgspec.json.encode(sent)[1:]
    small = request_body.decode_body(data, OuterStruct)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(request_body, "SMALL_BODY_BYTES", 1)
        assert request_body.decode_body(data, OuterStruct) == small
    assert (small.sender, small.free, small.plain) == ("a", value, InnerStruct("x"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{}", "from: is required"),
        (b'{"from":1}', "from: Expected"),
        (b'{"from":"a","plain":{"some":["x"]}}', r"plain.some\[0\]: Expected"),
        (b'{"from":"a","plain":7}', "plain: Expected"),
        (b'{"from":"a"', "the body is not valid JSON"),
        (b'{"from":"a","unknown":nul}', "the body is not valid JSON"),
        (b"[]", "body: Expected"),
        (b'{"from":"a","free":%b}' % (b"[" * 100_000), "nested too deep|not valid JSON"),
        (b'{"from":"a","free":[%b1]}' % (b"[]," * 300_000), "more than 200000 values"),
        (b'{"from":"a","plain":{"some":[%b1]}}' % (b"0," * 300_000), "more than 200000 values"),
    ],
)
@pytest.mark.parametrize("small", [1, request_body.SMALL_BODY_BYTES])
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, data: bytes, said: str, small: int) -> None:
    """The field is named in a large body as in a small one, and too many values of known fields are refused."""
    if small > 1 and "200000" in said:
        return
    monkeypatch.setattr(request_body, "SMALL_BODY_BYTES", small)
    with pytest.raises(ValidationError, match=said):
        request_body.decode_body(data, OuterStruct)

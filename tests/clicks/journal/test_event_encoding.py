"""Tests of the bytes of linkweir.clicks.click_event in the journal."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from linkweir.clicks.click_event import FIELD_NAMES, ClickEvent, decode_event, encode_event
from tests.clicks.event_factory import make_event

NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(st.builds(ClickEvent, at=NUMBERS, key_id=NUMBERS, number=st.none() | NUMBERS, position=NUMBERS))
def test_facts_come_back_as_they_were(one: ClickEvent) -> None:
    """Whatever a fact holds, its bytes give it back."""
    assert decode_event(encode_event(one), FIELD_NAMES) == one


def test_another_release_may_have_other_fields() -> None:
    """A field that is not known is dropped, in whatever order the fields stand; one that is missing is an error."""
    one = make_event(3)
    assert len(FIELD_NAMES) == len(fields(ClickEvent))
    row = {"mood": "sunny", **one.to_dict(), "id": one.id.bytes}
    assert decode_event(msgpack.encode(list(row.values())), list(row)) == one
    del row["kind"]
    with pytest.raises(ValueError, match="kind"):
        decode_event(msgpack.encode(list(row.values())), list(row))


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x90", b"\x91\xc0", b"\xff" * 40])
def test_what_is_no_fact_is_refused(data: bytes) -> None:
    """Bytes that hold no fact raise ValueError and nothing else."""
    with pytest.raises(ValueError, match="not a click event"):
        decode_event(data, FIELD_NAMES)

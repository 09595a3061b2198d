"""Tests of linkweir.clicks.journal.event_encoding."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.journal.event_encoding import FIELD_NAMES, decode_event, encode_event
from tests.clicks.event_factory import make_event

NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(st.builds(ClickEvent, at=NUMBERS, key_id=NUMBERS, number=st.none() | NUMBERS, position=NUMBERS))
def test_facts_come_back_as_they_were(one: ClickEvent) -> None:
    """Whatever a fact holds, its bytes give it back."""
    assert decode_event(encode_event(one), FIELD_NAMES) == one


def test_another_release_may_have_other_fields() -> None:
    """A field that is not known any more is dropped, and one that was not known yet has its default."""
    names = [*FIELD_NAMES[:13], "mood"]
    one = make_event(3)
    data = encode_event(one)
    assert len(FIELD_NAMES) == len(fields(ClickEvent))
    values = decode_event(data, FIELD_NAMES)
    assert values == one
    row = [one.id.bytes, *(getattr(one, name) for name in FIELD_NAMES[1:13]), "sunny"]
    older = decode_event(msgpack.encode(row), names)
    assert (older.position, older.kind, older.signals) == (3, one.kind, "")


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x90", b"\x91\xc0", b"\xff" * 40])
def test_what_is_no_fact_is_refused(data: bytes) -> None:
    """Bytes that hold no fact raise ValueError and nothing else."""
    with pytest.raises(ValueError, match="no fact"):
        decode_event(data, FIELD_NAMES)

"""Tests of linkweir.click.packing."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from linkweir.click.fact import Fact
from linkweir.click.packing import NAMES, pack, unpack
from tests.click.facts import fact

NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(st.builds(Fact, at=NUMBERS, key_id=NUMBERS, number=st.none() | NUMBERS, position=NUMBERS))
def test_facts_come_back_as_they_were(one: Fact) -> None:
    """Whatever a fact holds, its bytes give it back."""
    assert unpack(pack(one), NAMES) == one


def test_another_release_may_have_other_fields() -> None:
    """A field that is not known any more is dropped, and one that was not known yet has its default."""
    names = [*NAMES[:13], "mood"]
    one = fact(3)
    data = pack(one)
    assert len(NAMES) == len(fields(Fact))
    values = unpack(data, NAMES)
    assert values == one
    row = [one.id.bytes, *(getattr(one, name) for name in NAMES[1:13]), "sunny"]
    older = unpack(msgpack.encode(row), names)
    assert (older.position, older.kind, older.signals) == (3, one.kind, "")


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x90", b"\x91\xc0", b"\xff" * 40])
def test_what_is_no_fact_is_refused(data: bytes) -> None:
    """Bytes that hold no fact raise ValueError and nothing else."""
    with pytest.raises(ValueError, match="no fact"):
        unpack(data, NAMES)

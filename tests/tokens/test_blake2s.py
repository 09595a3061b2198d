"""The hash that authenticates minted links is the BLAKE2s of RFC 7693, as hashlib computes it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir import _tokens
from linkweir.tokens import open_token
from linkweir.tokens.tracker import Tracker
from tests.tokens.keyring_factory import BASE_URL, make_keyring

NOBODY = bytes(8)


def test_the_examples_of_the_standard() -> None:
    """RFC 7693, appendix B: "abc"; and from the authors' list of keyed digests the first, the 64th and the last."""
    key = bytes(range(32))
    digests = {
        b"": "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49",
        bytes(range(64)): "8975b0577fd35566d750b362b0897a26c399136df07bababbde6203ff2954ed4",
        bytes(range(255)): "3fb735061abc519dfe979e54c1ee5bfad0a9d858b3315bad34bde999efd724dd",
    }
    abc = "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"
    assert _tokens.blake2s(b"abc", digest_size=32, key=b"", person=NOBODY).hex() == abc
    for data, digest in digests.items():
        assert _tokens.blake2s(data, digest_size=32, key=key, person=NOBODY).hex() == digest


@pytest.mark.parametrize("size", range(200))
def test_every_length_of_input(size: int) -> None:
    """Inputs of 0 to 199 bytes, across three borders of blocks, with and without a key, as hashlib has it."""
    data = bytes(range(size))
    for key in (b"", b"k", bytes(range(32))):
        expected = hashlib.blake2s(data, digest_size=10, key=key, person=b"lw-link1").digest()
        assert _tokens.blake2s(data, digest_size=10, key=key, person=b"lw-link1") == expected


@given(st.binary(max_size=1000), st.binary(max_size=32), st.binary(min_size=8, max_size=8), st.integers(1, 32))
def test_any_input_key_and_person(data: bytes, key: bytes, person: bytes, size: int) -> None:
    """Any data, key, personalization and digest size give what hashlib gives."""
    expected = hashlib.blake2s(data, digest_size=size, key=key, person=person).digest()
    assert _tokens.blake2s(data, digest_size=size, key=key, person=person) == expected


@pytest.mark.parametrize("size", [-1, 0, 33])
def test_a_digest_size_that_does_not_exist_is_refused(size: int) -> None:
    """A digest has 1 to 32 bytes."""
    with pytest.raises(ValueError, match="from 1 to 32"):
        _tokens.blake2s(b"", digest_size=size, key=b"", person=NOBODY)


@given(st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=300), st.integers(0, 2**32 - 1))
def test_links_open_by_the_other_implementation(path: str, index: int) -> None:
    """A link whose MAC was computed in C opens with hashlib's, whatever its length."""
    ring = make_keyring(1)
    link = Tracker(ring, BASE_URL, message=7).mint(f"https://example.com/{path}", index)
    assert open_token(ring, link.rpartition("/")[2]).destination == f"https://example.com/{path}"

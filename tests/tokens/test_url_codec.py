"""Packing destinations: exact, one form each, and the same as the slow twin."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linkweir._tokens import MAX_DESTINATION_BYTES, compress_url, decode_base64url, decompress_url, encode_base64url
from tests.tokens import reference_codec
from tests.tokens.sample_urls import DESTINATIONS

TABLES = "3371afe2a3618c8e761f850f352f5211513d88b2ea9b24bba45a3976a32566ba"  # SHA-256


def pack_destination(destination: bytes) -> bytes:
    """The packed form, which must exist."""
    form = compress_url(destination)
    assert form is not None
    return form


def test_the_tables_are_frozen() -> None:
    """The tables that are compiled in are, number by number, those of every link that was ever minted."""
    tables = reference_codec.FORMAT["c_header"]().partition("\n")[2]  # all but the comment in its first line
    assert hashlib.sha256(tables.encode()).hexdigest() == TABLES


def test_every_context_reserves_the_code_of_all_ones() -> None:
    """No symbol that is written has the code of all ones, which is at least 8 bits long in every context."""
    for row in reference_codec.CODES:
        assert set(row[reference_codec.FORMAT["PAD"]]) == {"1"}
        assert len(row[reference_codec.FORMAT["PAD"]]) >= 8


def test_every_entry_round_trips_plain_capitalised_and_embedded() -> None:
    """Each dictionary entry comes back, in lower and upper case and between letters, as the twin packs it."""
    for entry in [*reference_codec.DICTIONARY_CODES, *reference_codec.PART_CODES]:
        for text in (entry, entry.capitalize(), entry.upper(), b"x" + entry + b"y", b"http://www." + entry):
            assert pack_destination(text) == reference_codec.pack(text)
            assert decompress_url(pack_destination(text)) == text


@settings(deadline=None)
@given(st.one_of(DESTINATIONS.map(str.encode), st.binary(max_size=300)))
@example(b"")
@example(b"https://www.")
@example(b"http://" + b"0f" * 400)
@example(b"https://a.example/" + b"Zq9" * 24)
@example(b"https://a.example/550e8400-e29b-41d4-a716-446655440000")
@example(b"https://a.example/x550e8400-e29b-41d4-a716-446655440000")
def test_packing_equals_the_reference_and_round_trips(destination: bytes) -> None:
    """Any bytes pack to exactly what the twin writes, and unpack to exactly themselves."""
    form = pack_destination(destination)
    assert form == reference_codec.pack(destination)
    assert decompress_url(form) == destination


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_whatever_unpacks_packs_to_the_same_bytes(form: bytes) -> None:
    """Random bytes are refused or are the one packed form of what they unpack to."""
    destination = decompress_url(form)
    assert destination is None or compress_url(destination) == form


@settings(deadline=None)
@given(DESTINATIONS.map(str.encode), st.data())
def test_a_changed_packed_form_is_refused_or_another_destination(destination: bytes, data: st.DataObject) -> None:
    """Flipping a bit, cutting, or adding a byte never leads back to the same destination."""
    form = pack_destination(destination)
    bit = data.draw(st.integers(0, len(form) * 8 - 1))
    flipped = bytearray(form)
    flipped[bit // 8] ^= 1 << bit % 8
    for changed in (bytes(flipped), form[:-1], form + b"\xff", form + b"\x00"):
        assert decompress_url(changed) != destination


def test_padding_of_a_whole_byte_is_refused() -> None:
    """Eight one-bits after the last symbol are not padding."""
    form = pack_destination(b"https://example.com")
    assert decompress_url(form + b"\xff") is None


def test_a_run_that_symbols_would_undercut_is_refused() -> None:
    """A packed form with a RUN where symbols are shorter is not canonical and does not unpack."""
    text = b"information"
    row = reference_codec.context_row(b"", b"https://")
    bits = "00" + reference_codec.encode_run(row, 0, text)
    bits += "1" * (-len(bits) % 8)
    form = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    assert decompress_url(form) is None
    assert decompress_url(pack_destination(b"https://" + text)) == b"https://" + text


@pytest.mark.parametrize("unit", [b"a", b"\x80", b"\x00", b"~^", b"Zz9-", "€".encode()])
def test_the_limit_is_exact(unit: bytes) -> None:
    """A destination of MAX_DESTINATION_BYTES bytes round-trips whatever it is made of; one more is refused."""
    longest = (unit * MAX_DESTINATION_BYTES)[:MAX_DESTINATION_BYTES]
    assert decompress_url(pack_destination(longest)) == longest
    assert compress_url(longest + b"a") is None


def test_a_form_that_would_unpack_over_the_limit_is_refused() -> None:
    """The longest destination's form, lengthened, never unpacks to more than the limit."""
    form = pack_destination(b"-" * MAX_DESTINATION_BYTES)
    assert decompress_url(form + form) is None


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_base64url_is_the_standard_one_without_padding(data: bytes) -> None:
    """Encoding agrees with the standard library, and decoding undoes it."""
    import base64

    text = encode_base64url(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=")
    assert decode_base64url(text) == data


@settings(deadline=None)
@given(st.text("AQgwBCDhij01-_", max_size=9).map(str.encode))
def test_base64url_has_one_spelling(text: bytes) -> None:
    """Text whose spare bits are not zero, or whose length no bytes have, is refused."""
    data = decode_base64url(text)
    assert data is None or encode_base64url(data) == text


@pytest.mark.parametrize(
    "text", [b"A", b"AAAAA", b"AB", b"AAB", b"AA==", b"A A", b"AA\n", b"AA+/", b"A\xffAA", b"AA.A"]
)
def test_base64url_refuses(text: bytes) -> None:
    """Foreign characters, padding, impossible lengths and spare bits are refused."""
    assert decode_base64url(text) is None


def test_base64url_refuses_more_than_a_token_can_be() -> None:
    """Eight thousand characters decode; more do not."""
    assert decode_base64url(b"A" * 8000) == bytes(6000)
    assert decode_base64url(b"A" * 8004) is None

"""Opening: tampering, cutting, foreign keys and second spellings are all refused."""

from __future__ import annotations

import string
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir import _tokens
from linkweir._tokens import compress_url, decode_base64url, encode_base64url
from linkweir.errors import BadToken
from linkweir.tokens import KeyRing, Privacy, Tracker, open_link, open_token, opener, wire_format
from tests.tokens.keyring_factory import BASE_URL, NOW, RING, make_keyring

ALPHABET = string.ascii_letters + string.digits + "-_"
SAMPLES: list[dict[str, Any]] = [
    {"message": uuid.UUID("0190a7b8-6f00-7abc-8def-0123456789ab")},
    {"message": 4711},  # what a service mints: it is opened by a shorter way
    {"message": (1 << 61) + 5, "privacy": Privacy.PSEUDONYMOUS},
    {"message": 4711, "style": "short"},
    {"message": "order-1", "privacy": Privacy.PSEUDONYMOUS},
    {"campaign": "spring", "privacy": Privacy.ANONYMOUS},
    {"style": "short"},
]


def mint_token(options: dict[str, Any]) -> str:
    """A token of the fixed ring."""
    return Tracker(RING, BASE_URL, **options).mint("https://example.com/a?b=c", 5).rpartition("/")[2]


def error_code(ring: KeyRing, token: str) -> str:
    """The code of the BadToken that opening must raise."""
    with pytest.raises(BadToken) as caught:
        open_token(ring, token)
    return caught.value.code


def seal(body: bytes) -> str:
    """A token with a right MAC over any body: what only the key's owner could make."""
    state = wire_format.make_keyed_hash(RING.current.secret)
    state.update(body)
    return encode_base64url(body + state.digest()).decode()


@pytest.mark.parametrize("options", SAMPLES)
def test_every_changed_bit_is_refused(options: dict[str, Any]) -> None:
    """Flipping any one bit of the bytes makes the token refused."""
    data = decode_base64url(mint_token(options).encode())
    assert data is not None
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        error_code(RING, encode_base64url(bytes(changed)).decode())


@pytest.mark.parametrize("options", SAMPLES)
def test_every_changed_character_is_refused(options: dict[str, Any]) -> None:
    """Replacing any one character by any other, spare bits included, makes the token refused."""
    token = mint_token(options)
    for at, old in enumerate(token):
        for new in ALPHABET + "=/ é":
            if new != old:
                error_code(RING, token[:at] + new + token[at + 1 :])


@pytest.mark.parametrize("options", SAMPLES)
def test_every_cut_and_every_addition_is_refused(options: dict[str, Any]) -> None:
    """A token cut anywhere, at either end, or with anything added at its ends is refused."""
    token = mint_token(options)
    for at in range(len(token)):
        error_code(RING, token[:at])
        if at:
            error_code(RING, token[at:])
    for more in [*ALPHABET, "AA", "AAAA", "=", ")", ".", "?", "\n", "%20", "\x00", token]:
        error_code(RING, token + more)
        error_code(RING, more + token)


@settings(deadline=None)
@given(st.text(ALPHABET, max_size=120))
def test_made_up_tokens_are_refused(token: str) -> None:
    """No text from the alphabet opens unless it was minted."""
    error_code(RING, token)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_refused_with_a_bad_token(text: str) -> None:
    """Whatever text arrives, the answer is BadToken and no other error."""
    error_code(RING, text)


def test_codes_name_what_is_wrong() -> None:
    """Cut, forged, of an unknown key and of an unknown version have their own codes."""
    token = mint_token({"message": 1})
    data = decode_base64url(token.encode())
    assert data is not None
    assert error_code(RING, "") == "malformed"
    assert error_code(RING, "not a token") == "malformed"
    assert error_code(RING, token[:-4]) == "forged"
    assert error_code(make_keyring(2), token) == "unknown-key"
    assert error_code(KeyRing.generate(NOW), token) == "forged"
    assert error_code(RING, encode_base64url(bytes([data[0] ^ 0x60]) + data[1:]).decode()) == "unknown-version"


def test_links_outlive_rotation() -> None:
    """After 70 rotations old links open and name their keys; an older ring refuses links of a newer key."""
    first = KeyRing.generate(NOW)
    ring, links = first, []
    for _ in range(70):
        links.append(Tracker(ring, BASE_URL, message=3).mint("https://example.com/", 0))
        ring = ring.rotate(NOW)
    assert [open_link(ring, link).key_id for link in links] == list(range(1, 71))
    with pytest.raises(BadToken, match="names key 2"):
        open_link(first, links[1])


def test_the_properly_authenticated_control_opens() -> None:
    """The helper's MAC is right, so what the next test sees refused is refused for its spelling."""
    opened = open_token(RING, seal(bytes([1 << 5, 1, 0]) + (compress_url(b"https://example.com") or b"")))
    assert opened.destination == "https://example.com"


@pytest.mark.parametrize(
    "body",
    [
        bytes([1 << 5, 1, 0x80, 0]) + b"\x7f",  # an index with a needless byte
        bytes([1 << 5, 0x81, 0, 0]) + b"\x7f",  # a key with a needless byte
        bytes([1 << 5 | 16, 1, 0, 0]),  # short, with a byte more
        bytes([1 << 5 | 16, 1]),  # no index
        bytes([1 << 5, 1, 0]),  # sealed without a destination
        bytes([1 << 5 | 15, 1, 0, 0]),  # a form that does not exist
        bytes([1 << 5 | 1, 0x21, 0, 7, 0]) + b"\x7f",  # a number with a leading zero
        bytes([1 << 5 | 1, 0, 7, 1, 0]) + b"\x7f",  # a small key written long
        bytes([1 << 5 | 2, 1, 0, 0]) + b"\x7f",  # an empty text
        bytes([1 << 5 | 2, 1, 3]) + b"a@b\x00\x7f",  # an address
        bytes([1 << 5 | 2, 1, 1]) + b"\xe9\x00\x7f",  # a text that is not ASCII
        bytes([1 << 5 | 3, 1]) + uuid.UUID(int=4 << 76 | 2 << 62).bytes + b"\x00\x7f",  # a UUIDv4 written long
        bytes([1 << 5, 1, 0]) + b"\x00\xff\xff",  # a destination with padding of a byte
        bytes([1 << 5, 1, 0]) + (compress_url(b"https://\xff") or b""),  # a destination that is not UTF-8
        bytes([1 << 5, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]) + b"\x7f",  # an index over 32 bits
    ],
)
def test_second_spellings_are_refused_even_with_a_right_mac(body: bytes) -> None:
    """What minting would not have written is refused although its MAC is right."""
    assert error_code(RING, seal(body)) == "malformed"


@pytest.mark.parametrize(
    "url", ["", "x", "{}", "/{}", "ftp://t.example.com/{}", "https:{}", "https://t.example.com/{}/"]
)
def test_open_link_wants_a_whole_address(url: str) -> None:
    """Text that is no http(s) address ending in a token is refused."""
    with pytest.raises(BadToken):
        open_link(RING, url.format(mint_token({"message": 1})))


def test_open_link_takes_the_last_segment_on_any_host() -> None:
    """Host and path before the token do not matter: the MAC decides."""
    token = mint_token({"message": 1})
    for base in ("https://t.example.com/", "HTTPS://other.example/a/b/", "http://localhost:8000/"):
        assert open_link(RING, base + token).message == 1


@given(
    st.integers(0, 2**64 - 1) | st.uuids() | st.from_regex(r"[A-Za-z]{1,64}", fullmatch=True),
    st.sampled_from([Privacy.FULL, Privacy.PSEUDONYMOUS]),
    st.integers(0, 300),
    st.text(max_size=20),
    st.integers(1, 40),
)
def test_the_fast_path_agrees_with_the_full_path(
    message: int | uuid.UUID | str, privacy: Privacy, index: int, path: str, keys: int
) -> None:
    """Whatever the quick opening of common tokens gives is what the full reading gives."""
    ring = KeyRing.generate(NOW)
    for _ in range(keys - 1):
        ring = ring.rotate(NOW)
    tracker = Tracker(ring, "https://t.example.com/", message=message, privacy=privacy)
    token = tracker.mint("https://example.com/" + path, index).rpartition("/")[2]
    quick = open_token(ring, token)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opener, "_open_common", lambda *_: None)
        assert open_token(ring, token) == quick
    assert (quick.message, quick.index, quick.destination) == (message, index, "https://example.com/" + path)


@given(st.binary(min_size=1, max_size=40))
def test_the_fast_path_opens_nothing_that_the_full_path_refuses(body: bytes) -> None:
    """Bytes of any kind with a right MAC, as only the key's owner could make them, open by both ways or by neither."""
    ring = KeyRing.generate(NOW)
    state = wire_format.make_keyed_hash(ring.current.secret)
    first = bytes([wire_format.VERSION << 5 | wire_format.FORM_CODES.index((Privacy.FULL, "int"))]) + body
    state.update(first)
    token = _tokens.encode_base64url(first + state.digest()).decode()
    answers: list[object] = []
    for patched in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            if patched:
                patch.setattr(opener, "_open_common", lambda *_: None)
            try:
                answers.append(open_token(ring, token))
            except BadToken as error:
                answers.append(error.code)
    assert answers[0] == answers[1]

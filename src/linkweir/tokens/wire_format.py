"""The frozen byte layout of tokens, version 1: everything before the packed destination and the MAC.

    byte 0     version (3 bits) | 1 if short (1 bit) | form (4 bits: privacy mode and kind of id, see FORMS)
    key + id   none, text, uuid: the key's id as varint; then nothing, a length byte and the text, 16 bytes
               int: length of the number less 1 (3 bits) | key 1-31 (5 bits); the number, big-endian, shortest
               uuid4, uuid7: 16 bytes, with key 1-63 in the six bits that are the same in all such UUIDs
               A key too large for its bits: they are 0, and the key's id follows the id as varint.
    index      varint
    sealed     the packed destination (ext/tokens/url_codec.h)
    MAC        10 bytes: BLAKE2s (RFC 7693) of all the above, keyed with the 32 bytes of the key,
               personalised "lw-link1"

Varints are LEB128. The whole is written in base64url without padding. The version also names the dictionary
of the packing. Version 1 is read for ever; a change of any of this is version 2.
The six spare bits matter: they keep a short link with a UUID at 38 characters.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from dataclasses import dataclass

from linkweir.tokens.identifiers import MessageId, Privacy

VERSION = 1
MAC_BYTES = 10  # 80 bits
PERSONALIZATION = b"lw-link1"  # of the MAC
KEY_ID_LIMIT = 1 << 32

_ID_KINDS = ("none", "int", "text", "uuid", "uuid4", "uuid7")
FORM_CODES: tuple[tuple[Privacy, str], ...] = (
    *((Privacy.FULL, kind) for kind in _ID_KINDS),
    *((Privacy.PSEUDONYMOUS, kind) for kind in _ID_KINDS),
    *((Privacy.ANONYMOUS, kind) for kind in _ID_KINDS[:3]),
)
# first byte of sealed tokens with a number as message id -> privacy mode
COMMON_HEADERS = {VERSION << 5 | FORM_CODES.index((mode, "int")): mode for mode in (Privacy.FULL, Privacy.PSEUDONYMOUS)}
_UUID_VERSIONS = {"uuid4": 4, "uuid7": 7}


@dataclass(frozen=True, slots=True)
class TokenPrefix:
    """The part of a token before the link index. `identity`: the message id, in ANONYMOUS the campaign."""

    short: bool
    privacy: Privacy
    key_id: int
    identity: MessageId | None


class TruncatedError(Exception):
    """The bytes are truncated or malformed."""


def make_keyed_hash(secret: bytes) -> hashlib.blake2s:
    """Return the keyed hash (MAC) of version 1, for opening. Minting has one in C (ext/tokens/blake2s.h)."""
    return _create_keyed_hash(secret).copy()  # copying takes a sixth of the time of keying


@functools.lru_cache(64)
def _create_keyed_hash(secret: bytes) -> hashlib.blake2s:
    return hashlib.blake2s(key=secret, digest_size=MAC_BYTES, person=PERSONALIZATION)


def _id_kind(identity: MessageId | None) -> str:
    if isinstance(identity, uuid.UUID):
        rfc = identity.variant == uuid.RFC_4122
        return f"uuid{identity.version}" if rfc and identity.version in _UUID_VERSIONS.values() else "uuid"
    return "none" if identity is None else "int" if isinstance(identity, int) else "text"


def encode_varint(number: int) -> bytes:
    """Encode a number as LEB128: seven bits a byte, lowest first, top bit set on all but the last."""
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def encode_prefix(prefix: TokenPrefix) -> bytes:
    """Encode the part of a token before its index. The values must be valid."""
    kind = _id_kind(prefix.identity)
    first = VERSION << 5 | prefix.short << 4 | FORM_CODES.index((prefix.privacy, kind))
    return bytes([first]) + _encode_id(kind, prefix.identity, prefix.key_id)


def _encode_id(kind: str, identity: MessageId | None, key: int) -> bytes:
    if isinstance(identity, int):
        size = max(1, (identity.bit_length() + 7) // 8)
        small = key if key < 32 else 0
        return (
            bytes([(size - 1) << 5 | small]) + identity.to_bytes(size, "big") + (b"" if small else encode_varint(key))
        )
    if isinstance(identity, str):
        return encode_varint(key) + bytes([len(identity)]) + identity.encode("ascii")
    if identity is None:
        return encode_varint(key)
    if kind == "uuid":
        return encode_varint(key) + identity.bytes
    raw, small = bytearray(identity.bytes), key if key < 64 else 0
    raw[6] = raw[6] & 0x0F | (small >> 2) << 4  # the UUID's version
    raw[8] = raw[8] & 0x3F | (small & 3) << 6  # the UUID's variant
    return bytes(raw) + (b"" if small else encode_varint(key))


class TokenReader:
    """Reads the fields of a token in order. Methods raise TruncatedError."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        part = self.data[self.offset : self.offset + size]
        if len(part) < size:
            raise TruncatedError
        self.offset += size
        return part

    def read_varint(self) -> int:
        """Read a varint of at most 32 bits."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self.read(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                break
        if value >= KEY_ID_LIMIT:
            raise TruncatedError
        return value

    def read_prefix(self) -> TokenPrefix:
        """Read everything before the index. The version must have been checked."""
        first = self.read(1)[0]
        if first & 15 >= len(FORM_CODES):
            raise TruncatedError
        privacy, kind = FORM_CODES[first & 15]
        key, identity = self._read_identity(kind)
        return TokenPrefix(short=bool(first & 16), privacy=privacy, key_id=key, identity=identity)

    def _read_identity(self, kind: str) -> tuple[int, MessageId | None]:
        if kind == "int":
            head = self.read(1)[0]
            number = int.from_bytes(self.read((head >> 5) + 1), "big")
            return head & 31 or self.read_varint(), number
        if kind in _UUID_VERSIONS:
            return self._read_trimmed_uuid(_UUID_VERSIONS[kind])
        key = self.read_varint()
        if kind == "none":
            return key, None
        if kind == "uuid":
            return key, uuid.UUID(bytes=self.read(16))
        return key, self.read(self.read(1)[0]).decode("ascii", "replace")

    def _read_trimmed_uuid(self, version: int) -> tuple[int, uuid.UUID]:
        raw = bytearray(self.read(16))
        key = raw[6] >> 4 << 2 | raw[8] >> 6
        raw[6] = raw[6] & 0x0F | version << 4
        raw[8] = raw[8] & 0x3F | 0x80
        return key or self.read_varint(), uuid.UUID(bytes=bytes(raw))

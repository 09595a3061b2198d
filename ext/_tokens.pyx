# cython: boundscheck=False, wraparound=False
"""Minting of tracking links: compresses destinations, authenticates them, encodes them as base64url.

Knows the bytes of a token behind its prefix. Refuses to know key rings, privacy modes and message ids: whoever
derives from `Minter` hands over a ready prefix and the secret.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.number cimport PyNumber_Index
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy
from tokens_capi cimport (
    LW_BASE64URL_LENGTH,
    LW_BLAKE2S_MAX_BYTES,
    LW_BLAKE2S_PERSON_BYTES,
    LW_MAX_URL_BYTES,
    LW_URL_REFUSED,
    LW_MAX_COMPRESSED_BYTES,
    lw_base64url_decode,
    lw_base64url_encode,
    lw_blake2s,
    lw_blake2s_digest,
    lw_blake2s_start,
    lw_blake2s_update,
    lw_url_compress,
    lw_url_decompress,
)

cdef enum:
    MAC_BYTES = 10
    MAX_PREFIX_BYTES = 128
    MIN_COMMON_BYTES = 4  # version, key, one byte of a number, index
    MAX_VARINT_BYTES = 5  # of 32 bits
    MAX_PAYLOAD_BYTES = MAX_PREFIX_BYTES + MAX_VARINT_BYTES + LW_MAX_COMPRESSED_BYTES + MAC_BYTES
    TOKEN_CHARACTERS = 8000  # request lines over 8 KiB are refused by Apache (8190) and nginx (8192)

MAX_DESTINATION_BYTES = int(LW_MAX_URL_BYTES)
MAX_TOKEN_CHARACTERS = int(TOKEN_CHARACTERS)


def compress_url(bytes destination not None):
    """The compressed form of a destination, or None over MAX_DESTINATION_BYTES."""
    cdef uint8_t out[LW_MAX_COMPRESSED_BYTES]
    cdef size_t size = lw_url_compress(bytes_of(destination), PyBytes_GET_SIZE(destination), out, sizeof(out))
    return None if size == LW_URL_REFUSED else PyBytes_FromStringAndSize(<char *>out, size)


def decompress_url(bytes compressed not None):
    """The destination of a compressed form, or None for anything that `compress_url` would not have returned."""
    cdef uint8_t out[LW_MAX_URL_BYTES]
    cdef size_t size = lw_url_decompress(bytes_of(compressed), PyBytes_GET_SIZE(compressed), out, sizeof(out))
    return None if size == LW_URL_REFUSED else PyBytes_FromStringAndSize(<char *>out, size)


def encode_base64url(bytes data not None):
    """RFC 4648 section 5 without padding."""
    cdef bytes text = PyBytes_FromStringAndSize(NULL, LW_BASE64URL_LENGTH(PyBytes_GET_SIZE(data)))
    lw_base64url_encode(bytes_of(data), PyBytes_GET_SIZE(data), bytes_of(text))
    return text


def decode_base64url(bytes text not None):
    """The bytes of unpadded base64url up to MAX_TOKEN_CHARACTERS, or None if they would be encoded otherwise."""
    cdef uint8_t out[TOKEN_CHARACTERS]
    if PyBytes_GET_SIZE(text) > TOKEN_CHARACTERS:
        return None
    cdef size_t size = lw_base64url_decode(bytes_of(text), PyBytes_GET_SIZE(text), out)
    return None if size == <size_t>-1 else PyBytes_FromStringAndSize(<char *>out, size)


def blake2s(bytes data not None, *, int digest_size, bytes key not None, bytes person not None):
    """The digest that hashlib.blake2s computes; for tests, since `Minter` hashes without Python."""
    cdef lw_blake2s state
    cdef uint8_t out[LW_BLAKE2S_MAX_BYTES]
    if not 1 <= digest_size <= LW_BLAKE2S_MAX_BYTES:
        raise ValueError(f"digest_size must be from 1 to {LW_BLAKE2S_MAX_BYTES}, not {digest_size}")
    start_hash(&state, <size_t>digest_size, key, person)
    lw_blake2s_update(&state, bytes_of(data), PyBytes_GET_SIZE(data))
    lw_blake2s_digest(&state, out)
    return PyBytes_FromStringAndSize(<char *>out, digest_size)


cdef int start_hash(lw_blake2s *state, size_t digest_size, bytes key, bytes person) except -1:
    if PyBytes_GET_SIZE(key) > LW_BLAKE2S_MAX_BYTES:
        raise ValueError(f"the key must have at most {LW_BLAKE2S_MAX_BYTES} bytes")
    if PyBytes_GET_SIZE(person) != LW_BLAKE2S_PERSON_BYTES:
        raise ValueError(f"the personalization must have {LW_BLAKE2S_PERSON_BYTES} bytes")
    lw_blake2s_start(state, digest_size, bytes_of(key), PyBytes_GET_SIZE(key), bytes_of(person))
    return 0


def open_common(str token not None, dict modes not None, tuple keys not None, bytes person not None):
    """What a token of the commonest form says, when it verifies: its mode, key id, number, index and destination.

    None for all others, which is not to say that they are wrong. modes: the first bytes of that form (sealed, with a
    number as message id), and what each stands for. keys: objects with `id` and `secret`; person: the MAC's
    personalization.
    """
    cdef uint8_t data[TOKEN_CHARACTERS]
    cdef uint8_t destination[LW_MAX_URL_BYTES]
    cdef Py_ssize_t length
    if not token.isascii() or len(token) > TOKEN_CHARACTERS:
        return None
    cdef const uint8_t *text = <const uint8_t *>PyUnicode_AsUTF8AndSize(token, &length)
    cdef size_t size = lw_base64url_decode(text, length, data)
    if size == <size_t>-1 or size < MIN_COMMON_BYTES + MAC_BYTES:
        return None
    mode = modes.get(data[0])
    cdef size_t body = size - MAC_BYTES, at = 2, end = 3 + (data[1] >> 5)
    cdef uint32_t key_id = data[1] & 31
    if mode is None or not key_id or end >= body or data[end] > 127 or not (data[2] or end == 3):
        return None
    if not _verify_mac(keys, key_id, person, data, body):
        return None
    cdef size_t unpacked = lw_url_decompress(data + end + 1, body - end - 1, destination, sizeof(destination))
    if unpacked == LW_URL_REFUSED or not is_utf8(destination, unpacked):
        return None
    cdef uint64_t number = 0
    while at < end:
        number = number << 8 | data[at]
        at += 1
    return mode, key_id, number, data[end], PyUnicode_DecodeUTF8(<const char *>destination, unpacked, NULL)


cdef bint _verify_mac(tuple keys, uint32_t key_id, bytes person, const uint8_t *body, size_t size) except -1:
    """Whether the MAC behind these bytes is the one that the key of this id makes of them."""
    cdef lw_blake2s state
    cdef uint8_t mac[LW_BLAKE2S_MAX_BYTES]
    for key in keys:
        if key.id == key_id:
            secret = key.secret
            if not isinstance(secret, bytes):
                raise TypeError(f"the secret of a key must be bytes, not {type(secret).__name__}")
            start_hash(&state, MAC_BYTES, <bytes>secret, person)
            lw_blake2s_update(&state, body, size)
            lw_blake2s_digest(&state, mac)
            return _equal_macs(mac, body + size)
    return False


cdef bint _equal_macs(const uint8_t *one, const uint8_t *other) noexcept:
    """Whether two are equal, in the same time wherever they differ."""
    cdef uint8_t different = 0
    cdef size_t i
    for i in range(MAC_BYTES):
        different |= one[i] ^ other[i]
    return different == 0


cdef inline uint8_t *bytes_of(bytes data) noexcept:
    return <uint8_t *>PyBytes_AS_STRING(data)


cdef size_t write_varint(uint8_t *out, uint32_t value) noexcept:
    """LEB128: seven bits a byte, lowest first, the top bit set on all but the last. Returns the size."""
    cdef size_t size = 0
    while value >= 128:
        out[size] = <uint8_t>(value | 128)
        value >>= 7
        size += 1
    out[size] = <uint8_t>value
    return size + 1


cdef bint is_ascii(const uint8_t *text, size_t n) noexcept:
    cdef uint64_t block, seen = 0
    cdef size_t i = 0
    while n - i >= 8:
        memcpy(&block, text + i, 8)
        seen |= block
        i += 8
    while i < n:
        seen |= text[i]
        i += 1
    return not seen & <uint64_t>0x8080808080808080


cdef bint is_utf8(const uint8_t *text, size_t n) except -1:
    if is_ascii(text, n):
        return True
    try:
        PyUnicode_DecodeUTF8(<const char *>text, n, NULL)
    except UnicodeDecodeError:
        return False
    return True


cdef bint equals_nocase(const uint8_t *text, const uint8_t *lower, size_t n) noexcept:
    """Whether text is `lower` (which has no upper-case letters) but for ASCII case."""
    cdef size_t i
    cdef uint8_t c
    for i in range(n):
        c = text[i]
        if c - <uint8_t>65 < 26 and c >= 65:
            c |= 32
        if c != lower[i]:
            return False
    return True


cdef tuple host_and_path(Py_ssize_t i, pair):
    host, path = pair
    if type(host) is not bytes or type(path) is not bytes:
        raise TypeError(f"locations[{i}] must be (bytes, bytes), not {(host, path)!r}")
    return host, path


cdef object link_index(Py_ssize_t i, number):
    """A whole number of the range, nothing that would have to be rounded."""
    cdef uint32_t index
    try:
        index = PyNumber_Index(number)
    except OverflowError:
        raise OverflowError(f"indexes[{i}] must be from 0 to {2**32 - 1}, not {number!r}") from None
    except TypeError:
        raise TypeError(f"indexes[{i}] must be a whole number, not {type(number).__name__}") from None
    return index


cdef class Minter:
    """Mints links of one message; immutable, so threads may share it.

    base_url: all before the token, ending in `/`. prefix: the token's bytes before the link's index. key, person: of
    the BLAKE2s of 10 bytes that authenticates a token. locations: where links of this key ring live, each as
    (host with port in lower case, path from `/` to `/`).
    """

    cdef bytes _base, _prefix
    cdef lw_blake2s _hash  # of the prefix
    cdef bint _sealed
    cdef tuple _locations

    def __cinit__(
        self,
        bytes base_url not None,
        bytes prefix not None,
        bytes key not None,
        bytes person not None,
        bint sealed,
        tuple locations not None,
    ):
        if PyBytes_GET_SIZE(prefix) > MAX_PREFIX_BYTES:
            raise ValueError("the prefix is too long")
        start_hash(&self._hash, MAC_BYTES, key, person)
        lw_blake2s_update(&self._hash, bytes_of(prefix), PyBytes_GET_SIZE(prefix))
        self._base, self._prefix = base_url, prefix
        self._sealed, self._locations = sealed, tuple([host_and_path(i, locations[i]) for i in range(len(locations))])

    def mint_many(self, list destinations not None, list indexes not None, *, known=None, refused=None):
        """One link for each destination (UTF-8) and index (0 to 2**32-1), in order.

        Where a destination is a link of this key ring already, `known` stands instead, unless it is None.
        `refused` stands where a destination cannot be carried: over MAX_DESTINATION_BYTES, a link over
        MAX_TOKEN_CHARACTERS (outcome `too-long-destination`), or not UTF-8. Such a link should stay as it is.
        ValueError for lists of different lengths, OverflowError for other indexes, TypeError for anything but bytes.
        """
        cdef tuple texts = tuple(destinations), numbers = tuple(indexes)  # others may change their lists meanwhile
        if len(texts) != len(numbers):
            raise ValueError("as many indexes as destinations are needed")
        cdef Py_ssize_t i
        cdef list links = [None] * len(texts)
        for i in range(len(texts)):
            if type(texts[i]) is not bytes:
                raise TypeError(f"destinations[{i}] must be bytes, not {type(texts[i]).__name__}")
            if known is not None and self._is_tracked(texts[i]):
                links[i] = known
                continue
            link = self._mint(texts[i], link_index(i, numbers[i]))
            links[i] = refused if link is None else link
        return links

    cdef object _mint(self, bytes destination, uint32_t index):
        cdef uint8_t payload[MAX_PAYLOAD_BYTES]
        cdef size_t length = PyBytes_GET_SIZE(destination)
        cdef size_t prefix = PyBytes_GET_SIZE(self._prefix), base = PyBytes_GET_SIZE(self._base), packed
        if length > LW_MAX_URL_BYTES or not is_utf8(bytes_of(destination), length):
            return None
        memcpy(payload, bytes_of(self._prefix), prefix)
        cdef size_t size = prefix + write_varint(payload + prefix, index)
        if self._sealed:
            packed = lw_url_compress(bytes_of(destination), length, payload + size, LW_MAX_COMPRESSED_BYTES)
            if packed == LW_URL_REFUSED:
                return None
            size += packed
        cdef size_t characters = LW_BASE64URL_LENGTH(size + MAC_BYTES)
        if base + characters > TOKEN_CHARACTERS:
            return None
        cdef lw_blake2s state = self._hash
        lw_blake2s_update(&state, payload + prefix, size - prefix)
        lw_blake2s_digest(&state, payload + size)
        cdef bytes link = PyBytes_FromStringAndSize(NULL, base + characters)
        memcpy(bytes_of(link), bytes_of(self._base), base)
        lw_base64url_encode(payload, size + MAC_BYTES, bytes_of(link) + base)
        return link

    def is_tracked(self, bytes destination not None):
        """Whether a destination is a link of this key ring: on one of its hosts, with a token that opens.

        A query or fragment that somebody has appended does not matter. Costs next to nothing on other hosts.
        """
        return self._is_tracked(destination)

    cdef bint _is_tracked(self, bytes destination) except -1:
        cdef Py_ssize_t start
        for location in self._locations:
            start = host_and_path_match(destination, location[0], location[1])
            if start >= 0:
                token = destination[start:].partition(b"#")[0].partition(b"?")[0]
                if self._is_own_token(token):
                    return True
        return False


cdef Py_ssize_t host_and_path_match(bytes destination, bytes host, bytes path) noexcept:
    """Where the token begins in a destination at this location, or -1."""
    cdef const uint8_t *text = bytes_of(destination)
    cdef size_t left = PyBytes_GET_SIZE(destination), h = PyBytes_GET_SIZE(host), p = PyBytes_GET_SIZE(path)
    cdef size_t scheme = 8 if left > 8 and (text[4] | 32) == 115 else 7
    if left < scheme + h + p or not equals_nocase(text + scheme, bytes_of(host), h):
        return -1
    if not equals_nocase(text, b"https://" if scheme == 8 else b"http://", scheme):
        return -1
    if memcmp(text + scheme + h, bytes_of(path), p) != 0:
        return -1
    return scheme + h + p

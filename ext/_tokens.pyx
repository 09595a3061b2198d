# cython: boundscheck=False, wraparound=False
"""Minting of tracking links: compresses destinations, authenticates them, encodes them as base64url.

Knows the bytes of a token behind its prefix. Refuses to know key rings, privacy modes and message ids: whoever
derives from `Minter` hands over a ready prefix and the secret.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.number cimport PyNumber_Index
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from tokens_capi cimport (
    LW_BASE64URL_LENGTH, LW_BLAKE2S_MAX_BYTES, LW_BLAKE2S_PERSON_BYTES, LW_ID_NONE, LW_ID_NUMBER, LW_ID_TEXT,
    LW_ID_UUID, LW_MAC_BYTES, LW_MAX_COMPRESSED_BYTES, LW_MAX_LINK_CHARACTERS, LW_MAX_PREFIX_BYTES,
    LW_MAX_TOKEN_BYTES, LW_MAX_URL_BYTES, LW_PRIVACY_ANONYMOUS, LW_URL_REFUSED, LW_UUID_BYTES, lw_base64url_decode,
    lw_base64url_encode, lw_blake2s, lw_blake2s_digest, lw_blake2s_start, lw_blake2s_update, lw_encode_prefix,
    lw_find_token, lw_id, lw_is_utf8, lw_mint, lw_minter, lw_minter_set_prefix, lw_privacy, lw_token_kind,
    lw_url_compress, lw_url_decompress,
)

cdef enum:
    MIN_COMMON_BYTES = 4  # version, key, one byte of a number, index

MAX_DESTINATION_BYTES = int(LW_MAX_URL_BYTES)
MAX_TOKEN_CHARACTERS = int(LW_MAX_LINK_CHARACTERS)


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
    cdef uint8_t out[LW_MAX_LINK_CHARACTERS]
    if PyBytes_GET_SIZE(text) > LW_MAX_LINK_CHARACTERS:
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
    cdef uint8_t data[LW_MAX_LINK_CHARACTERS]
    cdef uint8_t destination[LW_MAX_URL_BYTES]
    cdef Py_ssize_t length
    if not token.isascii() or len(token) > LW_MAX_LINK_CHARACTERS:
        return None
    cdef const uint8_t *text = <const uint8_t *>PyUnicode_AsUTF8AndSize(token, &length)
    cdef size_t size = lw_base64url_decode(text, length, data)
    if size == <size_t>-1 or size < MIN_COMMON_BYTES + LW_MAC_BYTES:
        return None
    mode = modes.get(data[0])
    cdef size_t body = size - LW_MAC_BYTES, at = 2, end = 3 + (data[1] >> 5)
    cdef uint32_t key_id = data[1] & 31
    if mode is None or not key_id or end >= body or data[end] > 127 or not (data[2] or end == 3):
        return None
    if not _verify_mac(keys, key_id, person, data, body):
        return None
    cdef size_t unpacked = lw_url_decompress(data + end + 1, body - end - 1, destination, sizeof(destination))
    if unpacked == LW_URL_REFUSED or not lw_is_utf8(destination, unpacked):
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
            start_hash(&state, LW_MAC_BYTES, <bytes>secret, person)
            lw_blake2s_update(&state, body, size)
            lw_blake2s_digest(&state, mac)
            return _equal_macs(mac, body + size)
    return False


cdef bint _equal_macs(const uint8_t *one, const uint8_t *other) noexcept:
    """Whether two are equal, in the same time wherever they differ."""
    cdef uint8_t different = 0
    cdef size_t i
    for i in range(LW_MAC_BYTES):
        different |= one[i] ^ other[i]
    return different == 0


cdef inline uint8_t *bytes_of(bytes data) noexcept:
    return <uint8_t *>PyBytes_AS_STRING(data)


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


@cython.final
cdef class Issuer:
    """What the minters of all messages share: base URL, key, what the tokens say beside their message; immutable.

    base_url: all before the token, ending in `/`. key, person: of the BLAKE2s of 10 bytes that authenticates a token.
    privacy: the mode's number. locations: where links of this key ring live, each as (host with port in lower case,
    path from `/` to `/`). options: an object for whoever derives from `Minter`.
    """

    cdef bytes base_url
    cdef lw_blake2s keyed
    cdef lw_token_kind kind
    cdef bint sealed
    cdef object campaign
    cdef tuple locations
    cdef readonly object options

    def __cinit__(self, bytes base_url not None, *, bytes key not None, bytes person not None, uint32_t key_id,
                  unsigned int privacy, bint sealed, campaign, tuple locations not None, options=None):
        if not 0 <= privacy <= <unsigned int>LW_PRIVACY_ANONYMOUS:
            raise ValueError(f"{privacy} is no privacy mode that has links")
        start_hash(&self.keyed, LW_MAC_BYTES, key, person)
        self.kind.is_short, self.kind.privacy, self.kind.key_id = not sealed, <lw_privacy>privacy, key_id
        self.base_url, self.sealed, self.campaign, self.options = base_url, sealed, campaign, options
        self.locations = tuple([host_and_path(i, locations[i]) for i in range(len(locations))])


cdef int read_id(object value, lw_id *out) except -1:
    """A message id or campaign as C reads it; it borrows the value's characters. ValueError for any other value."""
    cdef Py_ssize_t size
    memset(out, 0, sizeof(lw_id))
    if value is None:
        out.kind = LW_ID_NONE
    elif type(value) is bool:
        raise ValueError("a message id is no bool")
    elif isinstance(value, int):
        out.kind = LW_ID_NUMBER
        try:
            out.number = <uint64_t>value
        except OverflowError:
            raise ValueError("a message id has at most 64 bits") from None
    elif isinstance(value, str):
        out.kind = LW_ID_TEXT
        if not (<str>value).isascii():
            raise ValueError("a message id is ASCII")
        out.text = <const uint8_t *>PyUnicode_AsUTF8AndSize(value, &size)
        out.size = <size_t>size
    elif type(value) is bytes and PyBytes_GET_SIZE(<bytes>value) == LW_UUID_BYTES:
        out.kind = LW_ID_UUID
        out.text = bytes_of(<bytes>value)
        out.size = LW_UUID_BYTES
    else:
        raise ValueError("a message id is a number, a text or the bytes of a UUID")
    return 0


def encode_token_prefix(identity, *, bint short, unsigned int privacy, uint32_t key_id):
    """The bytes of a token before its index; `identity` as for `Minter`. For tests, which compare it."""
    cdef lw_token_kind kind = lw_token_kind(short, <lw_privacy>privacy, key_id)
    cdef uint8_t prefix[LW_MAX_PREFIX_BYTES]
    cdef lw_id id_
    if privacy > <unsigned int>LW_PRIVACY_ANONYMOUS:
        raise ValueError(f"{privacy} is no privacy mode that has links")
    read_id(identity, &id_)
    cdef size_t size = lw_encode_prefix(&kind, &id_, prefix)
    return PyBytes_FromStringAndSize(<char *>prefix, size) if size else None


cdef class Minter:
    """Mints links of one message; immutable, so threads may share it.

    message: a number, a text, the 16 bytes of a UUID, or None. Raises ValueError for any other, or one that a token
    cannot hold. In anonymous mode the issuer's campaign stands for it.
    """

    cdef readonly Issuer issuer
    cdef bytes _base
    cdef lw_minter _minter
    cdef tuple _locations

    def __cinit__(self, Issuer issuer not None, message, *rest):
        cdef uint8_t prefix[LW_MAX_PREFIX_BYTES]
        cdef lw_id id_
        cdef size_t size
        read_id(message, &id_)
        size = lw_encode_prefix(&issuer.kind, &id_, prefix)
        if issuer.kind.privacy == LW_PRIVACY_ANONYMOUS and (size or id_.kind == LW_ID_UUID):
            read_id(issuer.campaign, &id_)
            size = lw_encode_prefix(&issuer.kind, &id_, prefix)
        if not size:
            raise ValueError("no token can hold this id")
        lw_minter_set_prefix(&self._minter, &issuer.keyed, prefix, size)
        self._minter.sealed = issuer.sealed
        self._minter.base_url_size = <size_t>PyBytes_GET_SIZE(issuer.base_url)
        self.issuer, self._base, self._locations = issuer, issuer.base_url, issuer.locations

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
        cdef uint8_t token[LW_MAX_TOKEN_BYTES]
        cdef size_t base = <size_t>PyBytes_GET_SIZE(self._base)
        cdef size_t size = lw_mint(&self._minter, bytes_of(destination), <size_t>PyBytes_GET_SIZE(destination), index, token)
        if not size:
            return None
        cdef bytes link = PyBytes_FromStringAndSize(NULL, base + LW_BASE64URL_LENGTH(size))
        memcpy(bytes_of(link), bytes_of(self._base), base)
        lw_base64url_encode(token, size, bytes_of(link) + base)
        return link

    def is_tracked(self, bytes destination not None):
        """Whether a destination is a link of this key ring: on one of its hosts, with a token that opens.

        A query or fragment that somebody has appended does not matter. Costs next to nothing on other hosts.
        """
        return self._is_tracked(destination)

    cdef bint _is_tracked(self, bytes destination) except -1:
        cdef size_t start
        cdef bytes host, path
        for host, path in self._locations:
            start = lw_find_token(bytes_of(destination), <size_t>PyBytes_GET_SIZE(destination), bytes_of(host),
                                  <size_t>PyBytes_GET_SIZE(host), bytes_of(path), <size_t>PyBytes_GET_SIZE(path))
            if start != <size_t>-1:
                token = destination[start:].partition(b"#")[0].partition(b"?")[0]
                if self._is_own_token(token):
                    return True
        return False

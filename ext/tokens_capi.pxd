from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "url_codec.h" nogil:
    const size_t LW_URL_REFUSED
    enum: LW_MAX_URL_BYTES
    enum: LW_MAX_COMPRESSED_BYTES "LW_URL_COMPRESSED_BOUND(LW_MAX_URL_BYTES)"
    size_t lw_url_compress(const uint8_t *src, size_t n, uint8_t *out, size_t room) noexcept
    size_t lw_url_decompress(const uint8_t *src, size_t n, uint8_t *out, size_t room) noexcept

cdef extern from "base64url.h" nogil:
    size_t LW_BASE64URL_LENGTH(size_t n) noexcept
    void lw_base64url_encode(const uint8_t *src, size_t n, uint8_t *out) noexcept
    size_t lw_base64url_decode(const uint8_t *src, size_t n, uint8_t *out) noexcept

cdef extern from "blake2s.h" nogil:
    enum:
        LW_BLAKE2S_MAX_BYTES
        LW_BLAKE2S_PERSON_BYTES
    ctypedef struct lw_blake2s:
        pass
    void lw_blake2s_start(
        lw_blake2s *state, size_t digest_size, const uint8_t *key, size_t key_size, const uint8_t *person
    ) noexcept
    void lw_blake2s_update(lw_blake2s *state, const uint8_t *bytes, size_t n) noexcept
    void lw_blake2s_digest(const lw_blake2s *state, uint8_t *out) noexcept

cdef extern from "utf8.h" nogil:
    bint lw_is_utf8(const uint8_t *text, size_t n) noexcept

cdef extern from "token_prefix.h" nogil:
    enum:
        LW_MAX_PREFIX_BYTES
        LW_UUID_BYTES
    ctypedef enum lw_privacy:
        LW_PRIVACY_FULL
        LW_PRIVACY_PSEUDONYMOUS
        LW_PRIVACY_ANONYMOUS
    ctypedef enum lw_id_kind:
        LW_ID_NONE
        LW_ID_NUMBER
        LW_ID_TEXT
        LW_ID_UUID
    ctypedef struct lw_id:
        lw_id_kind kind
        uint64_t number
        const uint8_t *text
        size_t size
    ctypedef struct lw_token_kind:
        bint is_short
        lw_privacy privacy
        uint32_t key_id
    size_t lw_encode_prefix(const lw_token_kind *kind, const lw_id *id, uint8_t *out) noexcept

cdef extern from "minter.h" nogil:
    enum:
        LW_MAC_BYTES
        LW_MAX_LINK_CHARACTERS
        LW_MAX_TOKEN_BYTES
    ctypedef struct lw_minter:
        size_t base_url_size
        bint sealed
    void lw_minter_set_prefix(lw_minter *minter, const lw_blake2s *keyed, const uint8_t *prefix, size_t n) noexcept
    size_t lw_mint(const lw_minter *minter, const uint8_t *destination, size_t n, uint32_t index, uint8_t *token) noexcept
    size_t lw_find_token(const uint8_t *destination, size_t n, const uint8_t *host, size_t host_size,
                         const uint8_t *path, size_t path_size) noexcept

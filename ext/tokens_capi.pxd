from libc.stdint cimport uint8_t

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

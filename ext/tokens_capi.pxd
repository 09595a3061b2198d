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

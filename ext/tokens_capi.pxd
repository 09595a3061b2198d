from libc.stdint cimport uint8_t

cdef extern from "url_codec.h" nogil:
    const size_t LW_PACK_REFUSED
    enum: LW_DESTINATION_LIMIT
    enum: LW_PACKED_ROOM_LIMIT "LW_PACKED_ROOM(LW_DESTINATION_LIMIT)"
    size_t lw_pack(const uint8_t *src, size_t n, uint8_t *out, size_t room) noexcept
    size_t lw_unpack(const uint8_t *src, size_t n, uint8_t *out, size_t room) noexcept

cdef extern from "base64url.h" nogil:
    size_t LW_BASE64URL_LENGTH(size_t n) noexcept
    void lw_base64url_encode(const uint8_t *src, size_t n, uint8_t *out) noexcept
    size_t lw_base64url_decode(const uint8_t *src, size_t n, uint8_t *out) noexcept

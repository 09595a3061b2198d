from libc.stdint cimport uint8_t

cdef extern from "request_head.h" nogil:
    ctypedef struct lw_head_part:
        const uint8_t *at
        size_t length
    enum:
        LW_HEAD_MAX_FIELDS
        LW_HEAD_MAX_BYTES
    ctypedef struct lw_request_head:
        int is_head, minor, closes
        lw_head_part path
        size_t fields
        lw_head_part names[64]
        lw_head_part values[64]
    size_t lw_request_head_parse(const uint8_t *bytes, size_t n, lw_request_head *head) noexcept

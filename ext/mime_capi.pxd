# mime_capi.pxd: what the extension may know of ext/mime. Declarations only; the headers are the manual.
from libc.stdint cimport uint32_t, uint8_t

cdef extern from "memmem.h" nogil:
    enum: LW_MAX_NEEDLE_BYTES
    size_t lw_memmem(const uint8_t *bytes, size_t n, const uint8_t *needle, size_t m) noexcept

cdef extern from "replacement.h" nogil:
    ctypedef struct lw_replacement:
        size_t start
        size_t end
        const uint8_t *value
        size_t length

cdef extern from "line_limit.h" nogil:
    bint lw_lines_fit(const uint8_t *text, size_t n, const lw_replacement *replacements, size_t count,
                      size_t limit) noexcept

cdef extern from "plain_headers.h" nogil:
    ctypedef struct lw_header_field:
        size_t name
        size_t start
        size_t value
        size_t end
    enum:
        LW_HEADER_NAME_COUNT
        LW_MAX_HEADER_FIELDS
    const char *const LW_HEADER_NAMES[]
    size_t lw_plain_headers(const uint8_t *bytes, size_t start, size_t end, lw_header_field *fields,
                            size_t *count) noexcept

cdef extern from "quoted_printable.h" nogil:
    ctypedef enum lw_qp_status:
        LW_QP_VALID
        LW_QP_MALFORMED
        LW_QP_MIXED_SOFT_BREAKS
    ctypedef struct lw_qp_part:
        size_t size
        bint crlf
    lw_qp_status lw_qp_decode(const uint8_t *src, size_t n, uint8_t *text, lw_qp_part *part) noexcept
    size_t lw_qp_splice_bound(size_t n, const lw_replacement *replacements, size_t count) noexcept
    size_t lw_qp_splice(const uint8_t *src, size_t n, bint crlf, const lw_replacement *replacements, size_t count,
                            uint8_t *out, uint8_t *applied) noexcept

cdef extern from "base64.h" nogil:
    ctypedef struct lw_base64_lines:
        size_t column
        size_t width
        bint crlf
    ctypedef void (*lw_base64_reader)(const uint8_t **src, const uint8_t *end, uint8_t **out) noexcept
    ctypedef size_t (*lw_base64_writer)(const uint8_t *src, size_t n, uint8_t *out) noexcept
    ctypedef struct lw_base64_variant:
        const char *name
        lw_base64_reader read
        lw_base64_writer write
        bint (*usable)() noexcept
    const lw_base64_variant LW_BASE64[]
    size_t lw_base64_decode(const uint8_t *src, size_t n, lw_base64_reader read, uint8_t *out) noexcept
    bint lw_base64_is_space(uint8_t c) noexcept
    size_t lw_base64_offset_after(const uint8_t *src, size_t n, size_t count) noexcept
    size_t lw_base64_encoded_length(size_t n, const lw_base64_lines *lines) noexcept
    size_t lw_base64_encode(const uint8_t *src, size_t n, const lw_base64_lines *lines, lw_base64_writer write,
                            uint8_t *out) noexcept

cdef extern from "delta.h" nogil:
    enum:
        LW_DELTA_MAX_BASE_BYTES
    ctypedef struct lw_delta_index:
        const uint8_t *base
        size_t n
        uint32_t *slots
        uint32_t *next
    size_t lw_delta_slot_count(size_t n) noexcept
    size_t lw_delta_block_count(size_t n) noexcept
    void lw_delta_build(lw_delta_index *index) noexcept
    size_t lw_delta_bound(size_t n) noexcept
    size_t lw_delta_encode(const lw_delta_index *index, uint32_t *cursors, const uint8_t *text, size_t n,
                           uint8_t *out) noexcept
    size_t lw_delta_text_length(size_t n, const uint8_t *delta, size_t m) noexcept
    void lw_delta_apply(const uint8_t *base, const uint8_t *delta, size_t m, uint8_t *out) noexcept

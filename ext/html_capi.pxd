# html_capi.pxd: what the extension may know of the C core. Declarations only; the headers are the manual.
from libc.stdint cimport uint8_t, uint64_t

cdef extern from "fast_scan.h" nogil:
    ctypedef const uint8_t *(*lw_fast_scan_fn)(const uint8_t *p, const uint8_t *end) noexcept
    ctypedef struct lw_fast_scan_variant:
        const char *name
        lw_fast_scan_fn skip
        bint (*usable)() noexcept
    const lw_fast_scan_variant LW_FAST_SCAN_VARIANTS[]

cdef extern from "attributes.h" nogil:
    enum: LW_OPT_OUT_MAX
    ctypedef struct lw_opt_out:
        const char *name
        const char *value
        size_t name_length
        size_t value_length
    ctypedef struct lw_options:
        uint64_t tag_limit
        const lw_opt_out *opt_out
        size_t opt_out_count
        bint outlook
        bint track_placeholders
        lw_fast_scan_fn skip
    ctypedef struct lw_tag:
        uint64_t value
        uint64_t value_end
        bint has_href
        bint quoted
        bint equals_spaced
        bint opted_out
    const uint8_t *lw_parse_attributes(const uint8_t *tag, const uint8_t *p, const uint8_t *end,
                          const lw_options *options, lw_tag *out) noexcept

cdef extern from "tokenizer.h" nogil:
    uint64_t LW_RETAIN_NOTHING
    enum: LW_SPAN_COMPLETE
    enum: LW_SPAN_SPLIT
    ctypedef int lw_element
    ctypedef struct lw_span:
        uint64_t start
        uint64_t end
        lw_tag tag
        uint8_t kind
        uint8_t element
    ctypedef struct lw_spans:
        lw_span *spans
        size_t count
        size_t capacity
    ctypedef struct lw_scan:
        uint64_t offset
    size_t lw_scan_feed(lw_scan *scan, const lw_options *options, const uint8_t *buffer, size_t size,
                        lw_spans *out) noexcept
    void lw_scan_finish(lw_scan *scan, lw_spans *out) noexcept
    uint64_t lw_scan_open_tag(const lw_scan *scan) noexcept
    uint64_t lw_scan_retain_from(const lw_scan *scan, const lw_options *options) noexcept
    const char *lw_element_name(lw_element element) noexcept

cdef extern from "destination_class.h" nogil:
    ctypedef enum lw_outcome:
        LW_TRACKED
        LW_PLACEHOLDER
        LW_TOO_LONG_DESTINATION
        LW_OUTCOMES
    enum: LW_WARN_MARKER
    ctypedef struct lw_classification:
        const uint8_t *destination
        size_t length
        uint8_t outcome
        uint8_t warnings
        bint ascii
    size_t lw_scratch_bound(size_t n) noexcept
    void lw_classify(const lw_span *span, const uint8_t *bytes, const lw_options *options, uint8_t *scratch,
                  lw_classification *out) noexcept
    void lw_classify_value(const uint8_t *value, size_t length, const lw_options *options, uint8_t *scratch,
                        lw_classification *out) noexcept

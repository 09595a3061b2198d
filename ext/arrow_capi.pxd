# arrow_capi.pxd: what the extension may know of the C core. Declarations only; the headers are the manual.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from tokens_capi cimport lw_blake2s, lw_minter, lw_token_kind
from html_capi cimport lw_options

cdef extern from "c_data_interface.h" nogil:
    enum:
        ARROW_FLAG_NULLABLE
    cdef struct ArrowSchema:
        const char *format
        const char *name
        const char *metadata
        int64_t flags
        int64_t n_children
        ArrowSchema **children
        ArrowSchema *dictionary
        void (*release)(ArrowSchema *) noexcept nogil
        void *private_data
    cdef struct ArrowArray:
        int64_t length
        int64_t null_count
        int64_t offset
        int64_t n_buffers
        int64_t n_children
        const void **buffers
        ArrowArray **children
        ArrowArray *dictionary
        void (*release)(ArrowArray *) noexcept nogil
        void *private_data
    cdef struct ArrowArrayStream:
        int (*get_schema)(ArrowArrayStream *, ArrowSchema *) noexcept nogil
        int (*get_next)(ArrowArrayStream *, ArrowArray *) noexcept nogil
        const char *(*get_last_error)(ArrowArrayStream *) noexcept nogil
        void (*release)(ArrowArrayStream *) noexcept nogil
        void *private_data

cdef extern from "column.h" nogil:
    ctypedef enum lw_column_kind:
        LW_COLUMN_OFFSETS32
        LW_COLUMN_OFFSETS64
        LW_COLUMN_VIEWS
        LW_COLUMN_FIXED
        LW_COLUMN_SIGNED
        LW_COLUMN_UNSIGNED
    ctypedef struct lw_column:
        lw_column_kind kind
        size_t width
        int64_t offset
        int64_t length
        const uint8_t *validity
        const uint8_t *values
        const uint8_t *data
        const uint8_t **view_data "view_data"
        const int64_t *view_data_sizes
        int64_t view_data_count
        const lw_column *dictionary
    ctypedef enum lw_cell_kind:
        LW_CELL_NULL
        LW_CELL_TEXT
        LW_CELL_NUMBER
        LW_CELL_NEGATIVE
        LW_CELL_INVALID
    ctypedef struct lw_cell:
        const uint8_t *text
        size_t size
        uint64_t number
    lw_cell_kind lw_column_read(const lw_column *column, int64_t row, lw_cell *cell) noexcept

cdef extern from "rewrite_rows.h" nogil:
    ctypedef enum lw_rows_status:
        LW_ROWS_DONE
        LW_ROWS_NEED_TEXT
        LW_ROWS_NEED_SCRATCH
        LW_ROWS_NEED_CALLER
        LW_ROWS_FULL
        LW_ROWS_INVALID
    ctypedef enum lw_row_outcome:
        LW_ROW_NULL
        LW_ROW_TOO_LARGE
    ctypedef struct lw_location:
        const uint8_t *host
        const uint8_t *path
        size_t host_size
        size_t path_size
    ctypedef struct lw_rows:
        const lw_column *documents
        const lw_column *ids
        const lw_options *options
        const uint8_t *base_url
        const lw_location *locations
        size_t location_count
        bint is_utf8
        bint needs_caller
        lw_minter minter
        lw_blake2s keyed
        lw_token_kind token_kind
        int64_t row
        int64_t end
        uint8_t *text
        size_t size
        size_t capacity
        size_t text_limit
        uint8_t *scratch
        size_t scratch_size
        size_t wanted
        int64_t *text_ends
        uint8_t *row_outcomes
        int64_t first_row
        uint64_t *counts
    lw_rows_status lw_rewrite_rows(lw_rows *rows) noexcept
    void lw_finish_row(lw_rows *rows, lw_row_outcome outcome) noexcept

cdef extern from "huge_pages.h" nogil:
    void lw_advise_huge_pages(void *start, size_t size)

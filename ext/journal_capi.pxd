from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "crc32.h" nogil:
    void lw_crc32_prepare() noexcept
    uint32_t lw_crc32(uint32_t crc, const uint8_t *bytes, size_t n) noexcept

cdef extern from "commit_queue.h" nogil:
    ctypedef struct lw_lane:
        pass
    ctypedef struct lw_lane_file:
        int descriptor
        const char *path
        uint64_t device, number
        uint32_t seed
        uint64_t at, size
        uint8_t *count
        int error
    ctypedef struct lw_lane_figures:
        uint64_t taken, decided, kept, told, held
    ctypedef enum lw_lane_outcome:
        LW_LANE_IDLE
        LW_LANE_ENDED
        LW_LANE_FULL
        LW_LANE_MOVED
        LW_LANE_FAILED
    lw_lane *lw_lane_new(size_t facts, size_t bytes) noexcept
    void lw_lane_free(lw_lane *lane) noexcept
    void lw_lane_open(lw_lane *lane) noexcept
    int lw_lane_put(lw_lane *lane, const uint8_t *bytes, size_t n) noexcept
    uint64_t lw_lane_close(lw_lane *lane, int bell) noexcept
    int lw_lane_wait(lw_lane *lane, double idle) noexcept
    lw_lane_outcome lw_lane_run(lw_lane *lane, lw_lane_file *file, double idle, double gather, size_t together) noexcept
    void lw_lane_drop(lw_lane *lane) noexcept
    void lw_lane_end(lw_lane *lane) noexcept
    void lw_lane_begin(lw_lane *lane) noexcept
    lw_lane_figures lw_lane_look(lw_lane *lane) noexcept

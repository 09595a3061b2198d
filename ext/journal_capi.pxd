from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "crc32.h" nogil:
    void lw_crc32_prepare() noexcept
    uint32_t lw_crc32(uint32_t crc, const uint8_t *bytes, size_t n) noexcept

cdef extern from "commit_queue.h" nogil:
    ctypedef struct lw_queue:
        pass
    ctypedef struct lw_queue_file:
        int descriptor
        const char *path
        uint64_t device, inode
        uint32_t seed
        uint64_t at, size
        uint64_t count
        int64_t count_at
        int error
    ctypedef struct lw_queue_stats:
        uint64_t enqueued, completed, durable, notified, in_flight
    ctypedef enum lw_queue_outcome:
        LW_QUEUE_IDLE
        LW_QUEUE_CLOSED
        LW_QUEUE_FILE_FULL
        LW_QUEUE_FILE_REPLACED
        LW_QUEUE_IO_ERROR
    lw_queue *lw_queue_new(size_t records, size_t bytes) noexcept
    void lw_queue_free(lw_queue *queue) noexcept
    void lw_queue_begin(lw_queue *queue) noexcept
    int lw_queue_append(lw_queue *queue, const uint8_t *bytes, size_t n) noexcept
    uint64_t lw_queue_commit(lw_queue *queue, int notify_fd) noexcept
    int lw_queue_wait(lw_queue *queue, double idle) noexcept
    lw_queue_outcome lw_queue_write(lw_queue *queue, lw_queue_file *file, double idle, double commit_interval,
                                    size_t batch_threshold) noexcept
    void lw_queue_discard(lw_queue *queue) noexcept
    void lw_queue_close(lw_queue *queue) noexcept
    void lw_queue_reopen(lw_queue *queue) noexcept
    lw_queue_stats lw_queue_get_stats(lw_queue *queue) noexcept

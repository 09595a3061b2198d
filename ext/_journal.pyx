# cython: boundscheck=False, wraparound=False
"""The multi-producer commit queue of ext/journal. tests/reference/commit_queue.py defines what is right.

Knows bytes and descriptors. Refuses to know click events, event loops and the order of files.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from journal_capi cimport (
    LW_QUEUE_CLOSED,
    LW_QUEUE_IO_ERROR,
    LW_QUEUE_FILE_FULL,
    LW_QUEUE_IDLE,
    LW_QUEUE_FILE_REPLACED,
    lw_crc32,
    lw_crc32_prepare,
    lw_queue,
    lw_queue_reopen,
    lw_queue_commit,
    lw_queue_discard,
    lw_queue_close,
    lw_queue_file,
    lw_queue_free,
    lw_queue_get_stats,
    lw_queue_new,
    lw_queue_begin,
    lw_queue_outcome,
    lw_queue_append,
    lw_queue_write,
    lw_queue_wait,
)

import os

OUTCOMES = {
    LW_QUEUE_IDLE: "idle",
    LW_QUEUE_CLOSED: "closed",
    LW_QUEUE_FILE_FULL: "full",
    LW_QUEUE_FILE_REPLACED: "replaced",
}
lw_crc32_prepare()


def crc32(bytes data not None, uint32_t seed=0):
    """What zlib.crc32 gives."""
    return lw_crc32(seed, <uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef double seconds(double value, str name) except -1:
    """What a C library can wait for; a longer time is as good as for ever."""
    if not value >= 0:
        raise ValueError(f"{name} must be a number of seconds from 0, not {value}")
    return min(value, 1e9)


@cython.final
cdef class CommitQueue:
    """Records complete in the order in which they were enqueued: durable, or discarded.

    Bounded by records and by bytes that wait. All counters but `in_flight` count since the beginning.
    `wait_for_records`, `write_batches` and `discard` are for one thread, the writer.
    """
    cdef lw_queue *_queue
    cdef bint _writing  # one thread at a time: what it holds is behind no lock

    def __cinit__(self, size_t max_records, size_t max_bytes):
        self._queue = lw_queue_new(max_records, max_bytes)
        if self._queue is NULL:
            raise MemoryError

    def __dealloc__(self):
        lw_queue_free(self._queue)

    def enqueue(self, list payloads not None, int notify_fd):
        """Enqueue as many records as there is room for; return how many, and how many have ever been enqueued.

        Fewer than all: the queue is full or closed. `notify_fd`: an eventfd that is written to each time records
        complete, until these have; -1 for none.
        """
        cdef tuple own = tuple(payloads)
        cdef Py_ssize_t i, enqueued = 0
        cdef uint64_t ever
        for i in range(len(own)):
            if type(own[i]) is not bytes:
                raise TypeError(f"payloads[{i}] must be bytes, not {type(own[i]).__name__}")
        lw_queue_begin(self._queue)  # up to the commit nothing runs Python, which could give up the interpreter's lock
        while enqueued < len(own) and lw_queue_append(self._queue, <const uint8_t *>PyBytes_AS_STRING(own[enqueued]),
                                                      <size_t>PyBytes_GET_SIZE(own[enqueued])):
            enqueued += 1
        ever = lw_queue_commit(self._queue, notify_fd)
        return enqueued, ever

    cdef int _begin_writing(self) except -1:
        if self._writing:
            raise RuntimeError("another thread is the writer: waiting, writing and discarding are for one")
        self._writing = True
        return 0

    def wait_for_records(self, double idle):
        """Take over what is enqueued, waiting up to `idle` seconds for it; return whether there is any."""
        cdef int found
        idle = seconds(idle, "idle")
        self._begin_writing()
        with nogil:
            found = lw_queue_wait(self._queue, idle)
        self._writing = False
        return bool(found)

    def write_batches(self, target not None, *, double idle, double commit_interval, size_t batch_threshold):
        """Write and flush what is in flight and what comes, until the caller has to act.

        "idle": nothing came for `idle` seconds. "closed": the queue is closed and all is complete. "full": the next
        record does not fit into the file. "replaced": the path leads to another file, or to none. Raises OSError when
        the system takes nothing: what it took in part was promised to nobody. `target.at` and `target.count` say how
        far it has come in any case.

        After a batch of `batch_threshold` records or more the next flush waits until `commit_interval` seconds have
        passed, for more records to share it.
        """
        cdef bytes path = os.fsencode(target.path)
        cdef lw_queue_file file
        cdef lw_queue_outcome outcome
        file.descriptor, file.seed, file.at, file.size = target.descriptor, target.seed, target.at, target.size
        file.device, file.inode = target.identity
        if file.at > file.size:
            raise ValueError(f"target.at ({file.at}) lies behind its size ({file.size})")
        file.path, file.error = PyBytes_AS_STRING(path), 0
        file.count, file.count_at = target.count, target.count_at
        idle, commit_interval = seconds(idle, "idle"), seconds(commit_interval, "commit_interval")
        self._begin_writing()
        with nogil:
            outcome = lw_queue_write(self._queue, &file, idle, commit_interval, batch_threshold)
        self._writing = False
        target.at, target.count = file.at, file.count
        if outcome == LW_QUEUE_IO_ERROR:
            raise OSError(file.error, os.strerror(file.error))
        return OUTCOMES[outcome]

    def discard(self):
        """Complete what is in flight without writing it."""
        self._begin_writing()
        with nogil:
            lw_queue_discard(self._queue)
        self._writing = False

    def close(self):
        """Accept no more records; `write_batches` returns when all are complete."""
        lw_queue_close(self._queue)

    def reopen(self):
        """Accept records again."""
        lw_queue_reopen(self._queue)

    @property
    def enqueued(self):
        """Records accepted."""
        return lw_queue_get_stats(self._queue).enqueued

    @property
    def completed(self):
        """Records durable or discarded."""
        return lw_queue_get_stats(self._queue).completed

    @property
    def durable(self):
        """Records written and flushed."""
        return lw_queue_get_stats(self._queue).durable

    @property
    def notified(self):
        """Records completed whose descriptors have all been written to, and may be closed."""
        return lw_queue_get_stats(self._queue).notified

    @property
    def in_flight(self):
        """Records taken over by the writer and not complete."""
        return lw_queue_get_stats(self._queue).in_flight

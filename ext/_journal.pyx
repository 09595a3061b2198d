# cython: boundscheck=False, wraparound=False
"""The way of facts from event loops to the disk (ext/journal/commit_queue.h), for linkweir.clicks.journal.commit_queue, which is its manual.

Knows bytes and descriptors. Refuses to know facts, event loops and the order of files.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from journal_capi cimport (
    LW_LANE_ENDED,
    LW_LANE_FAILED,
    LW_LANE_FULL,
    LW_LANE_IDLE,
    LW_LANE_MOVED,
    lw_crc32,
    lw_crc32_prepare,
    lw_lane,
    lw_lane_begin,
    lw_lane_close,
    lw_lane_drop,
    lw_lane_end,
    lw_lane_file,
    lw_lane_free,
    lw_lane_look,
    lw_lane_new,
    lw_lane_open,
    lw_lane_outcome,
    lw_lane_put,
    lw_lane_run,
    lw_lane_wait,
)

import os

OUTCOMES = {
    LW_LANE_IDLE: "idle",
    LW_LANE_ENDED: "closed",
    LW_LANE_FULL: "full",
    LW_LANE_MOVED: "replaced",
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
    cdef lw_lane *_lane
    cdef bint _writing  # one thread at a time: what it holds is behind no lock

    def __cinit__(self, size_t max_records, size_t max_bytes):
        self._lane = lw_lane_new(max_records, max_bytes)
        if self._lane is NULL:
            raise MemoryError

    def __dealloc__(self):
        lw_lane_free(self._lane)

    def enqueue(self, list payloads not None, int notify_fd):
        """How many were taken, from the front, and how many have ever been."""
        cdef tuple own = tuple(payloads)
        cdef Py_ssize_t i, taken = 0
        cdef uint64_t all_taken
        for i in range(len(own)):
            if type(own[i]) is not bytes:
                raise TypeError(f"payloads[{i}] must be bytes, not {type(own[i]).__name__}")
        lw_lane_open(self._lane)  # until it is closed nothing runs Python, which could give up the interpreter's lock
        while taken < len(own) and lw_lane_put(self._lane, <const uint8_t *>PyBytes_AS_STRING(own[taken]),
                                               <size_t>PyBytes_GET_SIZE(own[taken])):
            taken += 1
        all_taken = lw_lane_close(self._lane, notify_fd)
        return taken, all_taken

    cdef int _begin_writing(self) except -1:
        if self._writing:
            raise RuntimeError("another thread is writing: wait_for_records, write_batches and discard are for one thread")
        self._writing = True
        return 0

    def wait_for_records(self, double idle):
        cdef int found
        idle = seconds(idle, "idle")
        self._begin_writing()
        with nogil:
            found = lw_lane_wait(self._lane, idle)
        self._writing = False
        return bool(found)

    def write_batches(self, target not None, unsigned char[::1] count not None, *, double idle, double commit_interval,
                      size_t batch_threshold):
        """Raises OSError; `target.at` says how far it has come in any case."""
        cdef bytes path = os.fsencode(target.path)
        cdef lw_lane_file file
        cdef lw_lane_outcome outcome
        if count.shape[0] != 8:
            raise ValueError("a counter has eight bytes")
        file.descriptor, file.seed, file.at, file.size = target.descriptor, target.seed, target.at, target.size
        file.device, file.number = target.identity
        if file.at > file.size:
            raise ValueError(f"target.at ({file.at}) lies behind its size ({file.size})")
        file.path, file.count, file.error = PyBytes_AS_STRING(path), &count[0], 0
        idle, commit_interval = seconds(idle, "idle"), seconds(commit_interval, "commit_interval")
        self._begin_writing()
        with nogil:
            outcome = lw_lane_run(self._lane, &file, idle, commit_interval, batch_threshold)
        self._writing = False
        target.at = file.at
        if outcome == LW_LANE_FAILED:
            raise OSError(file.error, os.strerror(file.error))
        return OUTCOMES[outcome]

    def discard(self):
        self._begin_writing()
        with nogil:
            lw_lane_drop(self._lane)
        self._writing = False

    def close(self):
        lw_lane_end(self._lane)

    def reopen(self):
        lw_lane_begin(self._lane)

    @property
    def enqueued(self):
        return lw_lane_look(self._lane).taken

    @property
    def completed(self):
        return lw_lane_look(self._lane).decided

    @property
    def durable(self):
        return lw_lane_look(self._lane).kept

    @property
    def notified(self):
        return lw_lane_look(self._lane).told

    @property
    def in_flight(self):
        return lw_lane_look(self._lane).held

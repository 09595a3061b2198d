# cython: boundscheck=False, wraparound=False
"""The way of facts from event loops to the disk (ext/journal/lane.h), for linkweir.click.lane, which is its manual.

Knows bytes and descriptors. Refuses to know facts, event loops and the order of files.
"""

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
    LW_LANE_ENDED: "ended",
    LW_LANE_FULL: "full",
    LW_LANE_MOVED: "moved",
}
lw_crc32_prepare()


def crc32(bytes data not None, uint32_t seed=0):
    """What zlib.crc32 gives."""
    return lw_crc32(seed, <uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef class Lane:
    cdef lw_lane *_lane

    def __cinit__(self, size_t facts, size_t size):
        self._lane = lw_lane_new(facts, size)
        if self._lane is NULL:
            raise MemoryError

    def __dealloc__(self):
        lw_lane_free(self._lane)

    def push(self, list payloads not None, int bell):
        """How many were taken, from the front, and how many have ever been."""
        cdef bytes payload
        cdef size_t taken = 0
        cdef uint64_t all_taken = 0
        lw_lane_open(self._lane)  # nothing until it is closed gives up the interpreter's lock
        try:
            for payload in payloads:
                if not lw_lane_put(self._lane, <uint8_t *>PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload)):
                    break
                taken += 1
        finally:
            all_taken = lw_lane_close(self._lane, bell)
        return taken, all_taken

    def wait(self, double idle):
        cdef int found
        with nogil:
            found = lw_lane_wait(self._lane, idle)
        return bool(found)

    def run(self, target not None, unsigned char[::1] count not None, *, double idle, double gather, size_t together):
        """Raises OSError; `target.at` says how far it has come in any case."""
        cdef bytes path = os.fsencode(target.path)
        cdef lw_lane_file file
        cdef lw_lane_outcome outcome
        if count.shape[0] != 8:
            raise ValueError("a counter has eight bytes")
        file.descriptor, file.seed, file.at, file.size = target.descriptor, target.seed, target.at, target.size
        file.device, file.number = target.identity
        file.path, file.count, file.error = PyBytes_AS_STRING(path), &count[0], 0
        with nogil:
            outcome = lw_lane_run(self._lane, &file, idle, gather, together)
        target.at = file.at
        if outcome == LW_LANE_FAILED:
            raise OSError(file.error, os.strerror(file.error))
        return OUTCOMES[outcome]

    def drop(self):
        lw_lane_drop(self._lane)

    def end(self):
        lw_lane_end(self._lane)

    def begin(self):
        lw_lane_begin(self._lane)

    @property
    def taken(self):
        return lw_lane_look(self._lane).taken

    @property
    def decided(self):
        return lw_lane_look(self._lane).decided

    @property
    def kept(self):
        return lw_lane_look(self._lane).kept

    @property
    def told(self):
        return lw_lane_look(self._lane).told

    @property
    def held(self):
        return lw_lane_look(self._lane).held

# cython: boundscheck=False, wraparound=False
"""Transfer encodings of MIME parts, decoded and spliced, header blocks, search for boundaries, and deltas of mails.

Knows bytes and offsets, nothing of parts, charsets or links. A replacement is (start, end, value): the text's bytes
from start to before end become the value. Replacements ascend and do not overlap.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport SIZE_MAX, uint32_t, uint8_t
from libc.string cimport memcpy
from mime_capi cimport (
    LW_BASE64,
    LW_HEADER_NAMES,
    LW_HEADER_NAME_COUNT,
    LW_MAX_HEADER_FIELDS,
    LW_MAX_NEEDLE_BYTES,
    LW_QP_MALFORMED,
    LW_QP_VALID,
    LW_QP_MIXED_SOFT_BREAKS,
    lw_base64_offset_after,
    lw_base64_decode,
    lw_base64_encode,
    lw_base64_is_space,
    lw_base64_lines,
    lw_base64_reader,
    lw_base64_encoded_length,
    lw_base64_writer,
    LW_DELTA_MAX_BASE_BYTES,
    lw_delta_apply,
    lw_delta_block_count,
    lw_delta_bound,
    lw_delta_build,
    lw_delta_encode,
    lw_delta_index,
    lw_delta_slot_count,
    lw_delta_text_length,
    lw_header_field,
    lw_lines_fit,
    lw_plain_headers,
    lw_replacement,
    lw_memmem,
    lw_qp_part,
    lw_qp_decode,
    lw_qp_splice_bound,
    lw_qp_splice,
    lw_qp_status,
)


class MalformedEncoding(ValueError):
    """The bytes violate their transfer encoding; the message says where or why."""


cdef inline uint8_t *data_of(bytes data) noexcept:
    return <uint8_t *>PyBytes_AS_STRING(data)


cdef inline size_t size_of(bytes data) noexcept:
    return <size_t>PyBytes_GET_SIZE(data)


cdef bytes new_bytes(size_t size):
    return PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)


cdef extern from "Python.h":
    PyObject *allocate_bytes "PyBytes_FromStringAndSize"(const char *text, Py_ssize_t size) except NULL
    char *bytes_data "PyBytes_AS_STRING"(PyObject *text)
    int _PyBytes_Resize(PyObject **text, Py_ssize_t size) except -1


cdef bytes resize(PyObject *text, size_t size):
    """Shrink a bytes object of `allocate_bytes` to what is filled. Steals the reference, the only one."""
    _PyBytes_Resize(&text, <Py_ssize_t>size)
    result = <bytes>text
    Py_DECREF(result)
    return result


def find(data not None, bytes needle not None, Py_ssize_t start, Py_ssize_t end):
    """As `data.find(needle, start, end)` of bytes or a bytearray, for offsets that lie in the data, several times as
    fast in real text.
    """
    cdef size_t m = size_of(needle), found
    cdef const uint8_t *wanted = data_of(needle)
    cdef Py_buffer view
    if m == 0 or m > LW_MAX_NEEDLE_BYTES or not 0 <= start <= end <= len(data) or end - start < <Py_ssize_t>m:
        return data.find(needle, start, end)
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        if end > view.len:
            raise ValueError("the data has become shorter")
        with nogil:
            found = lw_memmem(<const uint8_t *>view.buf + start, <size_t>(end - start), wanted, m)
    finally:
        PyBuffer_Release(&view)
    return -1 if found == SIZE_MAX else start + <Py_ssize_t>found


@cython.final
cdef class Replacements:
    """A list of replacements as C reads it. Raises ValueError for what does not ascend or lies outside the text."""

    cdef lw_replacement *all
    cdef size_t count
    cdef list live_values  # keeps the values alive

    def __cinit__(self, list replacements not None, size_t size):
        cdef tuple own = tuple(replacements)  # others may change their list meanwhile
        cdef size_t i, start, end, last = 0
        self.live_values = []
        self.count = <size_t>len(own)
        self.all = <lw_replacement *>PyMem_Malloc(max(<size_t>1, self.count) * sizeof(lw_replacement))
        if self.all == NULL:
            raise MemoryError
        for i in range(self.count):
            start, end, value = own[i]  # as numbers of C: a subclass of int may compare as it likes
            if type(value) is not bytes:
                raise TypeError(f"replacements[{i}] must put in bytes, not {type(value).__name__}")
            if not last <= start <= end <= size:
                raise ValueError(f"replacements[{i}] ({start} to {end}) lies before the last one or outside the text")
            self.live_values.append(value)
            self.all[i] = lw_replacement(start, end, data_of(value), size_of(value))
            last = end

    def __dealloc__(self):
        PyMem_Free(self.all)


cdef bytes splice_bytes(bytes text, Replacements these, size_t start):
    """The text from `start` on with these replacements, none of which begins before it."""
    cdef size_t i, n, size = size_of(text) - start, copied = start
    for i in range(these.count):
        size += these.all[i].length
        size -= these.all[i].end - these.all[i].start
    cdef bytes result = new_bytes(size)
    cdef uint8_t *out = data_of(result)
    for i in range(these.count):
        n = these.all[i].start - copied
        memcpy(out, data_of(text) + copied, n)
        memcpy(out + n, these.all[i].value, these.all[i].length)
        out += n + these.all[i].length
        copied = these.all[i].end
    memcpy(out, data_of(text) + copied, size_of(text) - copied)
    return result


def splice(bytes text not None, list replacements not None, size_t start=0):
    """The text from `start` on with these replacements, none of which begins before it."""
    cdef Replacements these = Replacements(replacements, size_of(text))
    if start > size_of(text) or (these.count and these.all[0].start < start):
        raise ValueError(f"start {start} lies behind the first replacement or the text")
    return splice_bytes(text, these, start)


def splice_within_lines(bytes text not None, list replacements not None, size_t limit):
    """The text with these replacements; None if a changed line might have more than `limit` bytes, which it may be said
    to have where it ends with CRLF or where a replaced value has line ends.
    """
    cdef Replacements these = Replacements(replacements, size_of(text))
    if not lw_lines_fit(data_of(text), size_of(text), these.all, these.count, limit):
        return None
    return splice_bytes(text, these, 0)


HEADER_NAMES = tuple(LW_HEADER_NAMES[i] for i in range(LW_HEADER_NAME_COUNT))


def read_plain_headers(bytes raw not None, size_t start, size_t end):
    """Where the body of a header block begins, and its fields of HEADER_NAMES: (name, start, start of the value, end).
    None for a block that readers may take differently, or that is not over before `end`.
    """
    cdef lw_header_field fields[LW_MAX_HEADER_FIELDS]
    cdef size_t count = 0, i, body
    if not start <= end <= size_of(raw):
        raise ValueError(f"a header block from {start} to {end} lies outside the text")
    body = lw_plain_headers(data_of(raw), start, end, fields, &count)
    if body == SIZE_MAX:
        return None
    return body, [
        (HEADER_NAMES[fields[i].name], fields[i].start, fields[i].value, fields[i].end) for i in range(count)
    ]


def decode_quoted_printable(bytes encoded not None):
    """The text of a quoted-printable part, and whether its lines end with CRLF. Raises MalformedEncoding."""
    cdef const uint8_t *src = data_of(encoded)
    cdef size_t n = size_of(encoded)
    cdef PyObject *text = allocate_bytes(NULL, <Py_ssize_t>n)
    cdef uint8_t *out = <uint8_t *>bytes_data(text)
    cdef lw_qp_part part
    cdef lw_qp_status status
    with nogil:
        status = lw_qp_decode(src, n, out, &part)
    decoded = resize(text, part.size if status == LW_QP_VALID else 0)
    if status == LW_QP_MALFORMED:
        raise MalformedEncoding(f"malformed quoted-printable at byte {part.size}")
    if status == LW_QP_MIXED_SOFT_BREAKS:
        raise MalformedEncoding("its soft line breaks are of two kinds")
    return decoded, part.crlf


def splice_quoted_printable(bytes encoded not None, bint crlf, list replacements not None, size_t size):
    """The quoted-printable part, valid by `decode_quoted_printable`, with replacements of its text, which has `size`
    bytes; and for each replacement a byte: 1, or 0 where it was left out.
    """
    cdef Replacements these = Replacements(replacements, size)
    cdef bytes done = new_bytes(these.count)
    cdef uint8_t *flags = data_of(done)
    cdef const uint8_t *src = data_of(encoded)
    cdef size_t n = size_of(encoded), written
    cdef PyObject *result = allocate_bytes(NULL, <Py_ssize_t>lw_qp_splice_bound(n, these.all, these.count))
    cdef uint8_t *out = <uint8_t *>bytes_data(result)
    with nogil:
        written = lw_qp_splice(src, n, crlf, these.all, these.count, out, flags)
    return resize(result, written), done


def base64_variants():
    """Names of the SIMD variants of base64 that this processor can run, best first, "portable" last."""
    cdef int i = 0
    names = []
    while LW_BASE64[i].name != NULL:
        if LW_BASE64[i].usable():
            names.append(LW_BASE64[i].name.decode())
        i += 1
    return [*names, "portable"]


@cython.final
cdef class Base64Codec:
    """One of the variants; the best one unless named. Immutable; may be shared by threads."""

    cdef lw_base64_reader read
    cdef lw_base64_writer write

    def __cinit__(self, name=None):
        cdef int i = 0
        while LW_BASE64[i].name != NULL:
            if LW_BASE64[i].usable() and (name is None or LW_BASE64[i].name.decode() == name):
                self.read, self.write = LW_BASE64[i].read, LW_BASE64[i].write
                return
            i += 1
        if name is not None and name != "portable":
            raise ValueError(f"no variant named {name!r} runs on this processor")

    def decode(self, bytes encoded not None):
        """The content of a base64 part. Raises MalformedEncoding."""
        cdef const uint8_t *src = data_of(encoded)
        cdef size_t n = size_of(encoded), size
        cdef PyObject *content = allocate_bytes(NULL, <Py_ssize_t>(n // 4 * 3))
        cdef uint8_t *out = <uint8_t *>bytes_data(content)
        with nogil:
            size = lw_base64_decode(src, n, self.read, out)
        decoded = resize(content, size if size != SIZE_MAX else 0)
        if size == SIZE_MAX:
            raise MalformedEncoding("its base64 has foreign characters or an uneven end")
        return decoded

    def encode(self, bytes content not None, size_t width, bint crlf, bytes prefix not None=b"",
               bytes suffix not None=b""):
        """The content in lines of `width` characters (a multiple of 4) between two texts; `prefix` has begun the first
        line."""
        if width == 0 or width % 4:
            raise ValueError(f"lines of {width} characters cannot be whole groups")
        cdef size_t column = size_of(prefix) - <size_t>(prefix.rfind(b"\n") + 1)
        cdef lw_base64_lines lines = lw_base64_lines(column, width, crlf)
        cdef const uint8_t *src = data_of(content)
        cdef size_t n = size_of(content), size = lw_base64_encoded_length(n, &lines)
        cdef bytes text = new_bytes(size_of(prefix) + size + size_of(suffix))
        cdef uint8_t *out = data_of(text) + size_of(prefix)
        memcpy(data_of(text), data_of(prefix), size_of(prefix))
        memcpy(out + size, data_of(suffix), size_of(suffix))
        with nogil:
            lw_base64_encode(src, n, &lines, self.write, out)
        return text


def base64_offset_after(bytes encoded not None, size_t count):
    """The offset after the first `count` characters that are not white space."""
    return lw_base64_offset_after(data_of(encoded), size_of(encoded), count)


def base64_bounds(bytes encoded not None):
    """Start of the first and end of the last character that is not white space; twice 0 without any."""
    cdef size_t begin = 0, end = size_of(encoded)
    cdef const uint8_t *src = data_of(encoded)
    while end > 0 and lw_base64_is_space(src[end - 1]):
        end -= 1
    while begin < end and lw_base64_is_space(src[begin]):
        begin += 1
    return begin, end


@cython.final
cdef class DeltaEncoder:
    """Makes deltas of texts over one base; see ext/mime/delta.h. The base has at most `MAX_DELTA_BASE_BYTES`."""

    cdef bytes base
    cdef lw_delta_index index
    cdef uint32_t *cursors

    def __cinit__(self, bytes base not None):
        if size_of(base) > LW_DELTA_MAX_BASE_BYTES:
            raise ValueError(f"a base has at most {LW_DELTA_MAX_BASE_BYTES} bytes")
        cdef size_t slots = lw_delta_slot_count(size_of(base)), blocks = lw_delta_block_count(size_of(base))
        cdef uint32_t *memory = <uint32_t *>PyMem_Malloc((2 * slots + blocks) * sizeof(uint32_t))
        if memory == NULL:
            raise MemoryError
        self.base = base
        self.cursors = memory
        self.index = lw_delta_index(data_of(base), size_of(base), memory + slots, memory + 2 * slots)
        with nogil:
            lw_delta_build(&self.index)

    def __dealloc__(self):
        PyMem_Free(self.cursors)

    def encode(self, bytes text not None):
        """The delta of a text. Not for several threads at once."""
        cdef PyObject *delta = allocate_bytes(NULL, <Py_ssize_t>lw_delta_bound(size_of(text)))
        cdef uint8_t *out = <uint8_t *>bytes_data(delta)
        cdef const uint8_t *src = data_of(text)
        cdef size_t n = size_of(text), size
        with nogil:
            memcpy(self.cursors, self.index.slots, lw_delta_slot_count(self.index.n) * sizeof(uint32_t))
            size = lw_delta_encode(&self.index, self.cursors, src, n, out)
        return resize(delta, size)


def apply_delta(bytes base not None, bytes delta not None):
    """The text that a delta was made of over this base. Raises MalformedEncoding for one that cannot be applied."""
    cdef const uint8_t *src = data_of(base)
    cdef const uint8_t *steps = data_of(delta)
    cdef size_t m = size_of(delta), size = lw_delta_text_length(size_of(base), steps, m)
    if size == SIZE_MAX:
        raise MalformedEncoding("the delta does not belong to this base")
    cdef bytes text = new_bytes(size)
    cdef uint8_t *out = data_of(text)
    with nogil:
        lw_delta_apply(src, steps, m, out)
    return text


MAX_DELTA_BASE_BYTES = LW_DELTA_MAX_BASE_BYTES

# cython: boundscheck=False, wraparound=False
"""The hot half of mails: transfer encodings decoded and spliced, and boundaries found, without the GIL.

Knows bytes and offsets, nothing of parts, headers, charsets or links. A change is (start, end, value): the text's
bytes from start to before end become the value; changes ascend and do not overlap.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport SIZE_MAX, uint8_t
from libc.string cimport memcpy
from mime_capi cimport (
    LW_BASE64,
    LW_NEEDLE_LIMIT,
    LW_QUOTED_MALFORMED,
    LW_QUOTED_RIGHT,
    LW_QUOTED_TWO_KINDS,
    lw_base64_behind,
    lw_base64_decode,
    lw_base64_encode,
    lw_base64_is_space,
    lw_base64_lines,
    lw_base64_reader,
    lw_base64_room,
    lw_base64_writer,
    lw_change,
    lw_find,
    lw_quoted,
    lw_quoted_decode,
    lw_quoted_room,
    lw_quoted_splice,
    lw_quoted_status,
)


class Malformed(ValueError):
    """These bytes are not what their transfer encoding allows; the text says where or why."""


cdef inline uint8_t *at(bytes data) noexcept:
    return <uint8_t *>PyBytes_AS_STRING(data)


cdef inline size_t size_of(bytes data) noexcept:
    return <size_t>PyBytes_GET_SIZE(data)


cdef bytes room(size_t size):
    return PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)


cdef extern from "Python.h":
    PyObject *made "PyBytes_FromStringAndSize"(const char *text, Py_ssize_t size) except NULL
    char *inside "PyBytes_AS_STRING"(PyObject *text)
    int _PyBytes_Resize(PyObject **text, Py_ssize_t size) except -1


cdef bytes cut(PyObject *text, size_t size):
    """Give back what was `made` too large, as far as it is not filled. Takes over the reference, the only one."""
    _PyBytes_Resize(&text, <Py_ssize_t>size)
    result = <bytes>text
    Py_DECREF(result)
    return result


def find(bytes data not None, bytes needle not None, Py_ssize_t start, Py_ssize_t end):
    """As `data.find(needle, start, end)`, for offsets that lie in the data, several times as fast in real text."""
    cdef const uint8_t *bytes_ = at(data)
    cdef const uint8_t *wanted = at(needle)
    cdef size_t m = size_of(needle), found
    if m == 0 or m > LW_NEEDLE_LIMIT or not 0 <= start <= end <= PyBytes_GET_SIZE(data):
        return data.find(needle, start, end)
    with nogil:
        found = lw_find(bytes_ + start, <size_t>(end - start), wanted, m)
    return -1 if found == SIZE_MAX else start + <Py_ssize_t>found


@cython.final
cdef class Changes:
    """A list of changes as C reads it. Raises ValueError for what does not ascend or lies outside the text."""

    cdef lw_change *all
    cdef size_t count
    cdef list kept  # keeps the values alive

    def __cinit__(self, list changes not None, size_t size):
        cdef tuple own = tuple(changes)  # others may change their list meanwhile
        cdef size_t i, start, end, last = 0
        self.kept = []
        self.count = <size_t>len(own)
        self.all = <lw_change *>PyMem_Malloc(max(<size_t>1, self.count) * sizeof(lw_change))
        if self.all == NULL:
            raise MemoryError
        for i in range(self.count):
            start, end, value = own[i]  # as numbers of C: a subclass of int may compare as it likes
            if type(value) is not bytes:
                raise TypeError(f"changes[{i}] must put in bytes, not {type(value).__name__}")
            if not last <= start <= end <= size:
                raise ValueError(f"changes[{i}] ({start} to {end}) lies before the last one or outside the text")
            self.kept.append(value)
            self.all[i] = lw_change(start, end, at(value), size_of(value))
            last = end

    def __dealloc__(self):
        PyMem_Free(self.all)


def splice(bytes text not None, list changes not None, size_t begin=0):
    """The text from `begin` on with these changes, none of which starts before it."""
    cdef Changes these = Changes(changes, size_of(text))
    cdef size_t i, n, size, copied = begin
    if begin > size_of(text) or (these.count and these.all[0].start < begin):
        raise ValueError(f"begins at {begin}, behind the first change or the text")
    size = size_of(text) - begin
    for i in range(these.count):
        size += these.all[i].length
        size -= these.all[i].end - these.all[i].start
    cdef bytes result = room(size)
    cdef uint8_t *out = at(result)
    for i in range(these.count):
        n = these.all[i].start - copied
        memcpy(out, at(text) + copied, n)
        memcpy(out + n, these.all[i].value, these.all[i].length)
        out += n + these.all[i].length
        copied = these.all[i].end
    memcpy(out, at(text) + copied, size_of(text) - copied)
    return result


def decode_quoted(bytes encoded not None):
    """The text of a quoted-printable part, and whether its lines end with CRLF. Raises Malformed."""
    cdef const uint8_t *src = at(encoded)
    cdef size_t n = size_of(encoded)
    cdef PyObject *text = made(NULL, <Py_ssize_t>n)
    cdef uint8_t *out = <uint8_t *>inside(text)
    cdef lw_quoted part
    cdef lw_quoted_status status
    with nogil:
        status = lw_quoted_decode(src, n, out, &part)
    decoded = cut(text, part.size if status == LW_QUOTED_RIGHT else 0)
    if status == LW_QUOTED_MALFORMED:
        raise Malformed(f"malformed quoted-printable at byte {part.size}")
    if status == LW_QUOTED_TWO_KINDS:
        raise Malformed("its soft line breaks are of two kinds")
    return decoded, part.crlf


def splice_quoted(bytes encoded not None, bint crlf, list changes not None, size_t size):
    """The quoted-printable part, right by `decode_quoted`, with changes of its text, which has `size` bytes; and for
    each change a byte: 1, or 0 where it was not made.
    """
    cdef Changes these = Changes(changes, size)
    cdef bytes done = room(these.count)
    cdef uint8_t *flags = at(done)
    cdef const uint8_t *src = at(encoded)
    cdef size_t n = size_of(encoded), written
    cdef PyObject *result = made(NULL, <Py_ssize_t>lw_quoted_room(n, these.all, these.count))
    cdef uint8_t *out = <uint8_t *>inside(result)
    with nogil:
        written = lw_quoted_splice(src, n, crlf, these.all, these.count, out, flags)
    return cut(result, written), done


def base64_variants():
    """Names of the ways to read and write base64 that this processor can run, best first, "portable" last."""
    cdef int i = 0
    names = []
    while LW_BASE64[i].name != NULL:
        if LW_BASE64[i].usable():
            names.append(LW_BASE64[i].name.decode())
        i += 1
    return [*names, "portable"]


@cython.final
cdef class Base64:
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
        """The content of a base64 part. Raises Malformed."""
        cdef const uint8_t *src = at(encoded)
        cdef size_t n = size_of(encoded), size
        cdef PyObject *content = made(NULL, <Py_ssize_t>(n // 4 * 3))
        cdef uint8_t *out = <uint8_t *>inside(content)
        with nogil:
            size = lw_base64_decode(src, n, self.read, out)
        decoded = cut(content, size if size != SIZE_MAX else 0)
        if size == SIZE_MAX:
            raise Malformed("its base64 has foreign characters or an uneven end")
        return decoded

    def encode(self, bytes content not None, size_t width, bint crlf, bytes before not None=b"",
               bytes behind not None=b""):
        """Between two texts, the content in lines of `width` characters (a multiple of 4), of which `before` has begun
        the first."""
        if width == 0 or width % 4:
            raise ValueError(f"lines of {width} characters cannot be whole groups")
        cdef size_t column = size_of(before) - <size_t>(before.rfind(b"\n") + 1)
        cdef lw_base64_lines lines = lw_base64_lines(column, width, crlf)
        cdef const uint8_t *src = at(content)
        cdef size_t n = size_of(content), size = lw_base64_room(n, &lines)
        cdef bytes text = room(size_of(before) + size + size_of(behind))
        cdef uint8_t *out = at(text) + size_of(before)
        memcpy(at(text), at(before), size_of(before))
        memcpy(out + size, at(behind), size_of(behind))
        with nogil:
            lw_base64_encode(src, n, &lines, self.write, out)
        return text


def base64_behind(bytes encoded not None, size_t count):
    """The offset behind the first `count` characters that are not white space."""
    return lw_base64_behind(at(encoded), size_of(encoded), count)


def base64_ends(bytes encoded not None):
    """Where the first character that is no white space begins and the last one ends; twice 0 without any."""
    cdef size_t begin = 0, end = size_of(encoded)
    cdef const uint8_t *src = at(encoded)
    while end > 0 and lw_base64_is_space(src[end - 1]):
        end -= 1
    while begin < end and lw_base64_is_space(src[begin]):
        begin += 1
    return begin, end

# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Columns of documents: reads arrays that others export by the Arrow C data interface, rewrites, exports the result.

Knows arrays and rows. What a row needs beside bytes (another charset, a link that may be tracked already) is asked of
one callable. Refuses to know trackers, switches, pyarrow, or any other library of arrays.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_Clear
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_New
from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock, PyThread_release_lock, PyThread_type_lock,
    WAIT_LOCK,
)
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport EIO, ENOMEM
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset, strcmp, strlen

from arrow_capi cimport (
    ARROW_FLAG_NULLABLE, ArrowArray, ArrowArrayStream, ArrowSchema, LW_CELL_INVALID, LW_CELL_NEGATIVE, LW_CELL_NULL,
    LW_CELL_NUMBER, LW_CELL_TEXT, LW_COLUMN_FIXED, LW_COLUMN_OFFSETS32, LW_COLUMN_OFFSETS64, LW_COLUMN_SIGNED,
    LW_COLUMN_UNSIGNED, LW_COLUMN_VIEWS, LW_ROW_NULL, LW_ROW_TOO_LARGE, LW_ROWS_DONE, LW_ROWS_FULL, LW_ROWS_INVALID,
    LW_ROWS_NEED_CALLER, LW_ROWS_NEED_SCRATCH, LW_ROWS_NEED_TEXT, lw_cell, lw_cell_kind, lw_column, lw_column_kind,
    lw_advise_huge_pages, lw_column_read, lw_finish_row, lw_location, lw_rewrite_rows, lw_row_outcome, lw_rows,
    lw_rows_status,
)
from html_capi cimport LW_OUTCOMES, lw_options
from tokens_capi cimport (
    LW_BLAKE2S_MAX_BYTES, LW_BLAKE2S_PERSON_BYTES, LW_MAC_BYTES, LW_MAX_PREFIX_BYTES, lw_blake2s_start,
    lw_minter_set_prefix, lw_privacy,
)

cdef enum:
    OUTCOMES = 18  # all of linkweir.html's
    VIEW_BYTES = 16
    INLINE_BYTES = 12  # of a text that lies in its view
    BLOCK_BYTES = 1 << 15  # of documents, that a thread takes at a time: some tens of microseconds


# Memory and buffers


@cython.final
cdef class Memory:
    """Bytes that arrays refer to; of a fixed size, writable as a buffer until they are exported."""

    cdef uint8_t *start
    cdef readonly size_t size

    def __cinit__(self, size_t size):
        self.start = <uint8_t *>PyMem_RawCalloc(max(1, size), 1)
        self.size = size
        if self.start == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_RawFree(self.start)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.start, <Py_ssize_t>self.size, 1, flags)


cdef Memory adopt(uint8_t *start, size_t size):
    """Memory that takes over what was allocated; shrunk to its size."""
    cdef Memory memory = Memory(0)
    cdef uint8_t *smaller = <uint8_t *>PyMem_RawRealloc(start, max(1, size))
    PyMem_RawFree(memory.start)
    memory.start, memory.size = smaller if smaller != NULL else start, size
    return memory


# Export


@cython.final
cdef class ArrayData:
    """One array in the form of the columnar format: buffers (bytes-like objects, or None) and children.

    `format`: as the C data interface spells types. `names`: of the children.
    """

    cdef readonly bytes format
    cdef readonly tuple names
    cdef readonly int64_t length
    cdef readonly int64_t null_count
    cdef readonly tuple buffers
    cdef readonly tuple children

    def __cinit__(self, bytes format not None, int64_t length, int64_t null_count, tuple buffers not None,
                  tuple children=(), tuple names=()):
        if len(children) != len(names) or not all(type(child) is ArrayData for child in children):
            raise ValueError("each child is an ArrayData with a name")
        if not all(type(name) is bytes for name in names):
            raise TypeError("names must be bytes")
        self.format, self.length, self.null_count = format, length, null_count
        self.buffers, self.children, self.names = buffers, children, names

    def export_array(self, requested_schema=None):
        """Two capsules, of the schema and of the array (`__arrow_c_array__`)."""
        del requested_schema  # a wish that may be left unfulfilled
        cdef ArrowArray *array = <ArrowArray *>PyMem_RawCalloc(1, sizeof(ArrowArray))
        if array == NULL:
            raise MemoryError
        capsule = PyCapsule_New(array, "arrow_array", free_array_capsule)
        fill_array(array, self)
        return self.export_schema(), capsule

    def export_schema(self):
        """A capsule of the schema (`__arrow_c_schema__`)."""
        cdef ArrowSchema *schema = <ArrowSchema *>PyMem_RawCalloc(1, sizeof(ArrowSchema))
        if schema == NULL:
            raise MemoryError
        capsule = PyCapsule_New(schema, "arrow_schema", free_schema_capsule)
        fill_schema(schema, self, b"")
        return capsule


cdef struct ExportedBuffers:
    # `private_data` of an array: what has to be given back with it
    size_t count
    Py_buffer *views
    const void **pointers
    ArrowArray *children
    ArrowArray **child_pointers


cdef void free_array_capsule(object capsule) noexcept:
    cdef ArrowArray *array = <ArrowArray *>PyCapsule_GetPointer(capsule, "arrow_array")
    if array.release != NULL:
        array.release(array)
    PyMem_RawFree(array)


cdef void free_schema_capsule(object capsule) noexcept:
    cdef ArrowSchema *schema = <ArrowSchema *>PyCapsule_GetPointer(capsule, "arrow_schema")
    if schema.release != NULL:
        schema.release(schema)
    PyMem_RawFree(schema)


cdef void free_stream_capsule(object capsule) noexcept:
    cdef ArrowArrayStream *stream = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, "arrow_array_stream")
    if stream.release != NULL:
        stream.release(stream)
    PyMem_RawFree(stream)


cdef void release_array(ArrowArray *array) noexcept with gil:
    cdef ExportedBuffers *own = <ExportedBuffers *>array.private_data
    cdef int64_t i
    cdef size_t k
    for i in range(array.n_children):
        if array.children[i].release != NULL:
            array.children[i].release(array.children[i])
    for k in range(own.count):
        PyBuffer_Release(&own.views[k])
    PyMem_RawFree(own.views)
    PyMem_RawFree(own.pointers)
    PyMem_RawFree(own.children)
    PyMem_RawFree(own.child_pointers)
    PyMem_RawFree(own)
    array.release = NULL


cdef void *allocate(size_t count, size_t size) except NULL:
    cdef void *memory = PyMem_RawCalloc(max(1, count), size)
    if memory == NULL:
        raise MemoryError
    return memory


cdef int fill_array(ArrowArray *array, ArrayData data) except -1:
    """Export; on an error what is there already is released by whoever releases the array."""
    cdef size_t buffer_count = <size_t>len(data.buffers), child_count = <size_t>len(data.children), i
    cdef ExportedBuffers *own = <ExportedBuffers *>allocate(1, sizeof(ExportedBuffers))
    array.private_data, array.release = own, release_array
    own.views = <Py_buffer *>allocate(buffer_count, sizeof(Py_buffer))
    own.pointers = <const void **>allocate(buffer_count, sizeof(void *))
    own.children = <ArrowArray *>allocate(child_count, sizeof(ArrowArray))
    own.child_pointers = <ArrowArray **>allocate(child_count, sizeof(ArrowArray *))
    array.buffers, array.children = own.pointers, own.child_pointers
    array.length, array.null_count, array.n_buffers = data.length, data.null_count, <int64_t>buffer_count
    for i in range(buffer_count):
        if data.buffers[i] is not None:
            PyObject_GetBuffer(data.buffers[i], &own.views[own.count], PyBUF_SIMPLE)
            own.pointers[i] = own.views[own.count].buf
            own.count += 1
    for i in range(child_count):
        own.child_pointers[i] = &own.children[i]
        array.n_children = <int64_t>i + 1
        fill_array(&own.children[i], <ArrayData>data.children[i])
    return 0


cdef void release_schema(ArrowSchema *schema) noexcept nogil:
    cdef int64_t i
    for i in range(schema.n_children):
        if schema.children[i] != NULL:
            if schema.children[i].release != NULL:
                schema.children[i].release(schema.children[i])
            PyMem_RawFree(schema.children[i])
    PyMem_RawFree(schema.children)
    PyMem_RawFree(<void *>schema.format)
    PyMem_RawFree(<void *>schema.name)
    schema.release = NULL


cdef char *copy_text(bytes text) except NULL:
    cdef char *copied = <char *>allocate(<size_t>PyBytes_GET_SIZE(text) + 1, 1)
    memcpy(copied, PyBytes_AS_STRING(text), <size_t>PyBytes_GET_SIZE(text))
    return copied


cdef int fill_schema(ArrowSchema *schema, ArrayData data, bytes name) except -1:
    cdef size_t count = <size_t>len(data.children), i
    schema.release = release_schema
    schema.flags = ARROW_FLAG_NULLABLE
    schema.format = copy_text(data.format)
    schema.name = copy_text(name)
    schema.children = <ArrowSchema **>allocate(count, sizeof(ArrowSchema *))
    for i in range(count):
        schema.children[i] = <ArrowSchema *>allocate(1, sizeof(ArrowSchema))
        schema.n_children = <int64_t>i + 1
        fill_schema(schema.children[i], <ArrayData>data.children[i], <bytes>data.names[i])
    return 0


@cython.final
cdef class StreamSource:
    # `private_data` of a stream: the chunks that are left
    cdef ArrayData kind
    cdef list chunks
    cdef size_t next
    cdef bytes error


# Called as functions that raise nothing: where memory is short an exception has no traceback, and what Cython makes of
# an `except` clause that returns would drop a reference to it.
ctypedef int (*schema_filler)(ArrowSchema *, ArrayData, bytes) noexcept
ctypedef int (*array_filler)(ArrowArray *, ArrayData) noexcept


cdef int get_stream_schema(ArrowArrayStream *stream, ArrowSchema *out) noexcept with gil:
    cdef StreamSource source = <StreamSource>stream.private_data
    memset(out, 0, sizeof(ArrowSchema))
    if (<schema_filler>fill_schema)(out, source.kind, b"") == 0:
        return 0
    PyErr_Clear()
    if out.release != NULL:
        out.release(out)
    return ENOMEM


cdef int get_stream_chunk(ArrowArrayStream *stream, ArrowArray *out) noexcept with gil:
    cdef StreamSource source = <StreamSource>stream.private_data
    memset(out, 0, sizeof(ArrowArray))
    if source.next == <size_t>len(source.chunks):
        return 0
    if (<array_filler>fill_array)(out, <ArrayData>source.chunks[source.next]) == 0:
        source.next += 1
        return 0
    PyErr_Clear()
    if out.release != NULL:
        out.release(out)
    return ENOMEM


cdef const char *get_stream_error(ArrowArrayStream *stream) noexcept nogil:
    return b"out of memory"


cdef void release_stream(ArrowArrayStream *stream) noexcept with gil:
    Py_DECREF(<object>stream.private_data)
    stream.private_data = NULL
    stream.release = NULL


def export_stream(ArrayData kind not None, list chunks not None):
    """A capsule of a stream of chunks, which are all of the type of `kind` (`__arrow_c_stream__`)."""
    cdef StreamSource source = StreamSource()
    cdef ArrowArrayStream *stream
    if not all(type(chunk) is ArrayData for chunk in chunks):
        raise TypeError("each chunk is an ArrayData")
    source.kind, source.chunks = kind, list(chunks)
    stream = <ArrowArrayStream *>allocate(1, sizeof(ArrowArrayStream))
    capsule = PyCapsule_New(stream, "arrow_array_stream", free_stream_capsule)
    stream.get_schema, stream.get_next = get_stream_schema, get_stream_chunk
    stream.get_last_error = get_stream_error
    Py_INCREF(source)
    stream.private_data, stream.release = <void *>source, release_stream
    return capsule


# Import


class UnsupportedFormat(TypeError):
    """An array that is neither text, bytes, integers nor a dictionary of these; the text is its format."""


@cython.final
cdef class ForeignSchema:
    cdef ArrowSchema native

    def __dealloc__(self):
        if self.native.release != NULL:
            self.native.release(&self.native)


@cython.final
cdef class ForeignArray:
    """An array of text, bytes or integers that somebody else has exported; its buffers are borrowed until it goes.

    Threads may share it. `is_dictionary`: its texts stand in a dictionary.
    """

    cdef ForeignSchema schema
    cdef ArrowArray native
    cdef lw_column column, dictionary

    def __dealloc__(self):
        if self.native.release != NULL:
            self.native.release(&self.native)

    def __len__(self):
        return self.native.length

    @property
    def format(self):
        """The type as the C data interface spells it; of a dictionary, that of its values."""
        cdef ArrowSchema *schema = &self.schema.native
        return <bytes>(schema.format if schema.dictionary == NULL else schema.dictionary.format)

    def read(self, int64_t row):
        """The value of a cell: None, int or bytes."""
        if not 0 <= row < self.native.length:
            raise IndexError(f"the column has {self.native.length} rows, no row {row}")
        return read_cell(&self.column, row)

    def count_bytes(self, int64_t start, int64_t stop):
        """How many bytes of text the rows have."""
        cdef int64_t row
        cdef uint64_t total = 0
        cdef lw_cell cell
        if not 0 <= start <= stop <= self.native.length:
            raise IndexError(f"the column has {self.native.length} rows, not {start} to {stop}")
        with nogil:
            for row in range(start, stop):
                if lw_column_read(&self.column, row, &cell) == LW_CELL_TEXT:
                    total += cell.size
        return total


cdef object read_cell(const lw_column *column, int64_t row):
    cdef lw_cell cell
    cdef lw_cell_kind kind = lw_column_read(column, row, &cell)
    if kind == LW_CELL_NULL:
        return None
    if kind == LW_CELL_INVALID:
        raise ValueError(f"row {row} of the Arrow array contradicts itself")
    if kind == LW_CELL_TEXT:
        return PyBytes_FromStringAndSize(<const char *>cell.text, <Py_ssize_t>cell.size)
    return -<object>cell.number if kind == LW_CELL_NEGATIVE else cell.number


cdef dict INTEGER_WIDTHS = {b"c": 1, b"s": 2, b"i": 4, b"l": 8, b"C": 1, b"S": 2, b"I": 4, b"L": 8}


cdef int set_column(lw_column *column, const ArrowSchema *schema, const ArrowArray *array) except -1:
    """Fill in what an array is. Raises UnsupportedFormat for what is neither text, bytes nor integers."""
    cdef bytes format_ = schema.format
    cdef int64_t wanted = 2
    memset(column, 0, sizeof(lw_column))
    if format_ in (b"u", b"z", b"U", b"Z"):
        column.kind = LW_COLUMN_OFFSETS32 if format_.islower() else LW_COLUMN_OFFSETS64
        wanted = 3
    elif format_ in (b"vu", b"vz"):
        column.kind = LW_COLUMN_VIEWS
        wanted = 3
    elif format_ == b"w:16":
        column.kind, column.width = LW_COLUMN_FIXED, 16
    elif format_ in INTEGER_WIDTHS:
        column.kind = LW_COLUMN_SIGNED if format_.islower() else LW_COLUMN_UNSIGNED
        column.width = <size_t>INTEGER_WIDTHS[format_]
    else:
        raise UnsupportedFormat(format_.decode("ascii", "replace"))
    if array.n_buffers < wanted or array.length < 0 or array.offset < 0:
        raise ValueError(f"an Arrow array of the format {format_!r} has {array.n_buffers} buffers")
    column.offset, column.length = array.offset, array.length
    column.validity = <const uint8_t *>array.buffers[0] if array.null_count else NULL
    column.values = <const uint8_t *>array.buffers[1]
    if column.values == NULL and array.length:
        raise ValueError(f"an Arrow array of {array.length} rows has no buffer of values")
    if column.kind == LW_COLUMN_VIEWS:
        column.view_data = <const uint8_t **>(array.buffers + 2)
        column.view_data_count = array.n_buffers - 3
        column.view_data_sizes = <const int64_t *>array.buffers[array.n_buffers - 1]
    elif wanted == 3:
        column.data = <const uint8_t *>array.buffers[2]
    return 0


cdef ForeignArray take_array(ForeignSchema schema, ArrowArray *array):
    """Take over an array, which its owner then no longer releases."""
    cdef ForeignArray taken = ForeignArray()
    taken.schema, taken.native = schema, array[0]
    array.release = NULL
    set_column(&taken.column, &schema.native, &taken.native)
    if schema.native.dictionary != NULL:
        if taken.native.dictionary == NULL or taken.column.kind not in (LW_COLUMN_SIGNED, LW_COLUMN_UNSIGNED):
            raise ValueError("an Arrow dictionary array has no dictionary")
        if schema.native.dictionary.dictionary != NULL:
            raise UnsupportedFormat("a dictionary of dictionaries")
        set_column(&taken.dictionary, schema.native.dictionary, taken.native.dictionary)
        taken.column.dictionary = &taken.dictionary
    return taken


cdef ForeignSchema take_schema(ArrowSchema *schema):
    cdef ForeignSchema taken = ForeignSchema()
    taken.native = schema[0]
    schema.release = NULL
    return taken


def import_array(schema_capsule, array_capsule):
    """The array of two capsules, as `__arrow_c_array__` returns them.

    Raises UnsupportedFormat for another type than text, bytes, integers and dictionaries of these.
    """
    cdef ArrowSchema *schema = <ArrowSchema *>PyCapsule_GetPointer(schema_capsule, "arrow_schema")
    cdef ArrowArray *array = <ArrowArray *>PyCapsule_GetPointer(array_capsule, "arrow_array")
    if schema.release == NULL or array.release == NULL:
        raise ValueError("these Arrow capsules have been used already")
    return take_array(take_schema(schema), array)


@cython.final
cdef class ForeignStream:
    """An iterator over the chunks of a stream that somebody else has exported (`__arrow_c_stream__`)."""

    cdef object capsule
    cdef ArrowArrayStream *native
    cdef ForeignSchema schema

    def __cinit__(self, capsule):
        self.native = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, "arrow_array_stream")
        self.capsule = capsule
        if self.native.release == NULL:
            raise ValueError("this Arrow capsule has been used already")
        cdef ArrowSchema schema
        memset(&schema, 0, sizeof(schema))
        self.check(self.native.get_schema(self.native, &schema))
        self.schema = take_schema(&schema)

    cdef int check(self, int error) except -1:
        cdef const char *text
        if error:
            text = self.native.get_last_error(self.native)
            reason = text.decode("utf-8", "replace") if text != NULL else f"error {error}"
            raise OSError(error, f"the Arrow stream failed: {reason}")
        return 0

    @property
    def format(self):
        """The type as the C data interface spells it; of a dictionary, that of its values."""
        cdef ArrowSchema *schema = &self.schema.native
        return <bytes>(schema.format if schema.dictionary == NULL else schema.dictionary.format)

    def __iter__(self):
        return self

    def __next__(self):
        cdef ArrowArray array
        cdef int error
        memset(&array, 0, sizeof(array))
        with nogil:
            error = self.native.get_next(self.native, &array)
        self.check(error)
        if array.release == NULL:
            raise StopIteration
        return take_array(self.schema, &array)


# Rewriting


cdef struct RowBuffers:
    # what grows while rows are done; taken over by Memory, or freed
    int64_t *text_ends
    uint8_t *row_outcomes


@cython.final
cdef class RowRange:
    """Rows of one array of documents, which a thread rewrites block by block; others may take the rear half over.

    `first_id`: the row of `ids` that belongs to `start`.
    """

    cdef readonly ForeignArray documents, ids
    cdef readonly int64_t start
    cdef int64_t id_shift  # from a row to that of its message id
    cdef int64_t next, stop, block  # rows: the first that no block has, the end, and how many are a block
    cdef int64_t row_bytes  # on average
    cdef bint is_begun  # by its thread
    cdef object answer  # of Python for a row that a full text had no room for
    cdef PyThread_type_lock lock  # of `next` and `stop`

    def __cinit__(self, ForeignArray documents not None, int64_t start, int64_t stop, ForeignArray ids=None,
                  int64_t first_id=0):
        if not 0 <= start <= stop <= documents.native.length:
            raise IndexError(f"the column has {documents.native.length} rows, not {start} to {stop}")
        if ids is not None and not 0 <= first_id <= ids.native.length - (stop - start):
            raise IndexError(f"there are {ids.native.length} message ids, not enough from {first_id} on")
        self.documents, self.ids, self.id_shift = documents, ids, first_id - start
        self.start = self.next = start
        self.stop = stop
        self.row_bytes = max(1, <int64_t>documents.count_bytes(start, stop) // max(1, stop - start))
        self.block = max(1, BLOCK_BYTES // self.row_bytes)
        self.lock = PyThread_allocate_lock()
        if self.lock == NULL:
            raise MemoryError

    def __dealloc__(self):
        if self.lock != NULL:
            PyThread_free_lock(self.lock)

    @property
    def bytes_left(self):
        """How many bytes of documents no thread has taken, as far as all are about as long."""
        return max(0, self.stop - self.next) * self.row_bytes

    def divide(self):
        """The rear half of the rows that no thread has taken, as a range of its own; None for less than two blocks."""
        cdef int64_t middle, stop
        PyThread_acquire_lock(self.lock, WAIT_LOCK)
        middle = stop = self.stop
        if stop - self.next >= 2 * self.block:
            middle = self.stop = self.next + (stop - self.next + 1) // 2
        PyThread_release_lock(self.lock)
        if middle == stop:
            return None
        return RowRange(self.documents, middle, stop, self.ids, 0 if self.ids is None else middle + self.id_shift)

    def cancel(self):
        """Leave the rows that no thread has taken."""
        PyThread_acquire_lock(self.lock, WAIT_LOCK)
        self.stop = self.next
        PyThread_release_lock(self.lock)

    cdef bint take_block(self, lw_rows *rows) noexcept nogil:
        """The next rows to do; False if none is left."""
        PyThread_acquire_lock(self.lock, WAIT_LOCK)
        rows.row = self.next
        self.next += min(self.block, self.stop - self.next)
        rows.end = self.next
        PyThread_release_lock(self.lock)
        return rows.row < rows.end


@cython.final
cdef class RowRewriter:
    """Rewrites rows of documents with the links of one key, base URL and privacy mode; threads may share it.

    options: capsule of `NativeOptions`. prefix: of the tokens of all rows, or None if message ids come with the rows.
    locations: where links of this key ring live. rewrite_row: called as (document, message id), both as `read` gives
    them, for each row that C does not know how to do; returns the text, the number of the row's outcome and the
    numbers of links by outcome. `needs_caller`: it is called for each row.
    """

    cdef object options_capsule, rewrite_row
    cdef bytes base_url
    cdef tuple locations
    cdef lw_location *native_locations
    cdef lw_rows template
    cdef bint has_prefix

    def __cinit__(self, options, bytes base_url not None, *, bytes key not None, bytes person not None,
                  uint32_t key_id, unsigned int privacy, bint sealed, bytes prefix, tuple locations not None,
                  bint utf8, bint needs_caller, rewrite_row):
        if PyBytes_GET_SIZE(key) > LW_BLAKE2S_MAX_BYTES or PyBytes_GET_SIZE(person) != LW_BLAKE2S_PERSON_BYTES:
            raise ValueError("the key or the personalization has a wrong size")
        if privacy > 2 or (prefix is not None and PyBytes_GET_SIZE(prefix) > LW_MAX_PREFIX_BYTES):
            raise ValueError("the prefix or the privacy mode is wrong")
        cdef lw_rows *rows = &self.template
        rows.options = <const lw_options *>PyCapsule_GetPointer(options, "linkweir.lw_options")
        self.options_capsule, self.rewrite_row, self.base_url = options, rewrite_row, base_url
        self.set_locations(locations)
        rows.base_url = <const uint8_t *>PyBytes_AS_STRING(base_url)
        rows.is_utf8, rows.needs_caller = utf8, needs_caller
        rows.token_kind.is_short, rows.token_kind.privacy = not sealed, <lw_privacy>privacy
        rows.token_kind.key_id = key_id
        rows.minter.sealed, rows.minter.base_url_size = sealed, <size_t>PyBytes_GET_SIZE(base_url)
        lw_blake2s_start(&rows.keyed, LW_MAC_BYTES, <const uint8_t *>PyBytes_AS_STRING(key),
                         <size_t>PyBytes_GET_SIZE(key), <const uint8_t *>PyBytes_AS_STRING(person))
        self.has_prefix = prefix is not None
        if prefix is not None:
            lw_minter_set_prefix(&rows.minter, &rows.keyed, <const uint8_t *>PyBytes_AS_STRING(prefix),
                                 <size_t>PyBytes_GET_SIZE(prefix))

    def __dealloc__(self):
        PyMem_RawFree(self.native_locations)

    cdef int set_locations(self, tuple locations) except -1:
        cdef size_t i, count = <size_t>len(locations)
        cdef bytes host, path
        self.native_locations = <lw_location *>allocate(count, sizeof(lw_location))
        for i in range(count):
            host, path = locations[i]
            if host is None or path is None:
                raise TypeError(f"locations[{i}] must be (bytes, bytes), not {(host, path)!r}")
            self.native_locations[i] = lw_location(
                <const uint8_t *>PyBytes_AS_STRING(host), <const uint8_t *>PyBytes_AS_STRING(path),
                <size_t>PyBytes_GET_SIZE(host), <size_t>PyBytes_GET_SIZE(path),
            )
        self.locations = locations  # keeps the texts
        self.template.locations, self.template.location_count = self.native_locations, count
        return 0

    def rewrite(self, RowRange rows_left not None, *, size_t text_limit):
        """Rewrite the rows of a range, as far as no other thread divides it.

        Returns TextRows, more than one if the text would be longer than `text_limit` bytes, and the numbers of links by
        outcome. Lets other threads run while it works. Raises ValueError for a range that was rewritten before.
        """
        cdef lw_rows rows = self.template
        cdef lw_column id_column
        cdef uint64_t extra[OUTCOMES]
        cdef list done = []
        if (rows_left.ids is None) != self.has_prefix:
            raise ValueError("either a prefix for all rows or message ids are needed")
        if rows_left.is_begun:  # what another call has taken would be missing here
            raise ValueError("the rows of this range are rewritten already")
        rows_left.is_begun = True
        rows.documents = &rows_left.documents.column
        if rows_left.ids is not None:
            id_column = rows_left.ids.column
            id_column.offset += rows_left.id_shift
            rows.ids = &id_column
        rows.row = rows.end = rows_left.start
        rows.text_limit = text_limit
        memset(extra, 0, sizeof(extra))
        try:
            while True:
                done.append(self.fill_text(rows_left, &rows, extra))
                if rows.row == rows.end:
                    break
        finally:
            PyMem_RawFree(rows.scratch)
        cdef size_t i
        for i in range(<size_t>LW_OUTCOMES):
            extra[i] += rows.counts[i]
        return done, [extra[i] for i in range(<size_t>OUTCOMES)]

    cdef TextRows fill_text(self, RowRange rows_left, lw_rows *rows, uint64_t *extra):
        """Do rows until the text is full, or none is left. Memory is for all; what is not touched costs nothing."""
        cdef int64_t stop = max(rows.end, rows_left.stop)
        cdef size_t count = <size_t>(stop - rows.row)
        cdef Memory ends = Memory((count + 1) * sizeof(int64_t)), outcomes = Memory(count)
        cdef size_t estimate = <size_t>rows_left.documents.count_bytes(rows.row, stop)
        rows.first_row, rows.size = rows.row, 0
        rows.text_ends, rows.row_outcomes = <int64_t *>ends.start + 1, outcomes.start
        rows.text, rows.capacity = NULL, 0
        try:
            grow_text(rows, min(estimate + estimate // 4 + 4096, rows.text_limit))
            self.work(rows_left, rows, extra)
        except BaseException:
            PyMem_RawFree(rows.text)
            raise
        cdef TextRows result = TextRows()
        result.count = rows.row - rows.first_row
        result.ends, result.outcomes, result.text = ends, outcomes, adopt(rows.text, rows.size)
        return result

    cdef int work(self, RowRange rows_left, lw_rows *rows, uint64_t *extra) except -1:
        cdef lw_rows_status status
        while True:
            with nogil:
                status = lw_rewrite_rows(rows)  # the rest of a block
                while status == LW_ROWS_DONE and rows_left.take_block(rows):
                    status = lw_rewrite_rows(rows)
            if status == LW_ROWS_NEED_TEXT:
                grow_text(rows, max(rows.wanted, rows.capacity + rows.capacity // 2))
            elif status == LW_ROWS_NEED_SCRATCH:
                grow_scratch(rows)
            elif status == LW_ROWS_NEED_CALLER:
                if not self.call_python(rows_left, rows, extra):
                    return 0
            elif status == LW_ROWS_INVALID:
                raise ValueError(f"row {rows.row} of the Arrow array contradicts itself")
            elif status == LW_ROWS_FULL and rows.size == 0:
                raise OverflowError(f"row {rows.row} is longer than the column's type allows")
            else:
                return 0  # done, or full

    cdef bint call_python(self, RowRange rows_left, lw_rows *rows, uint64_t *extra) except -1:
        """Have a row done by the callable; False if the text is full."""
        cdef bytes text
        cdef size_t size
        document = read_cell(rows.documents, rows.row)
        answer, rows_left.answer = rows_left.answer, None
        if answer is None:
            answer = self.rewrite_row(document, None if rows.ids == NULL else read_cell(rows.ids, rows.row))
        text, outcome, counts = answer
        if text is None or not 0 < outcome < 256:
            raise ValueError("a row is answered with bytes and the number of an outcome")
        size = <size_t>PyBytes_GET_SIZE(text)
        if rows.size + size > rows.text_limit:
            if rows.size:
                rows_left.answer = answer  # asked once: the callable notes the links of each row
                return False
            text, outcome, counts = document, <int>LW_ROW_TOO_LARGE, ()
            size = <size_t>PyBytes_GET_SIZE(text)
            if size > rows.text_limit:
                raise OverflowError(f"row {rows.row} is longer than the column's type allows")
        if size > rows.capacity - rows.size:
            grow_text(rows, max(rows.size + size, rows.capacity + rows.capacity // 2))
        memcpy(rows.text + rows.size, PyBytes_AS_STRING(text), size)
        rows.size += size
        for i, number in enumerate(counts):
            extra[<size_t>i % OUTCOMES] += <uint64_t>number
        lw_finish_row(rows, <lw_row_outcome><int>outcome)
        return True


cdef int grow_text(lw_rows *rows, size_t capacity) except -1:
    cdef uint8_t *grown = <uint8_t *>PyMem_RawRealloc(rows.text, max(1, capacity))
    if grown == NULL:
        raise MemoryError
    rows.text, rows.capacity = grown, max(1, capacity)
    lw_advise_huge_pages(grown, rows.capacity)
    return 0


cdef int grow_scratch(lw_rows *rows) except -1:
    cdef size_t size = max(4096, rows.wanted)
    cdef uint8_t *grown = <uint8_t *>PyMem_RawRealloc(rows.scratch, size)
    if grown == NULL:
        raise MemoryError
    rows.scratch, rows.scratch_size = grown, size
    return 0


@cython.final
cdef class TextRows:
    """Rewritten rows: `text` of all, `ends` of each (int64, with a 0 before), `outcomes` (a byte each).

    Immutable but for the outcomes that nobody has changed.
    """

    cdef readonly int64_t count
    cdef readonly Memory text, ends, outcomes

    def null_bitmap(self):
        """The validity bitmap and the number of nulls; None without nulls."""
        cdef int64_t i, nulls = 0
        for i in range(self.count):
            nulls += self.outcomes.start[i] == LW_ROW_NULL
        if not nulls:
            return None, 0
        cdef Memory bitmap = Memory(<size_t>(self.count + 7) // 8)
        for i in range(self.count):
            if self.outcomes.start[i] != LW_ROW_NULL:
                bitmap.start[i >> 3] |= <uint8_t>(1 << (i & 7))
        return bitmap, nulls

    def to_array(self, bytes format not None):
        """The texts as an array of text or bytes: u, U, vu, z, Z or vz. OverflowError for too long a text."""
        validity, nulls = self.null_bitmap()
        if format in (b"U", b"Z"):
            return ArrayData(format, self.count, nulls, (validity, self.ends, self.text))
        if self.text.size > 2**31 - 1:
            raise OverflowError("the text is longer than 32-bit offsets reach")
        if format in (b"u", b"z"):
            return ArrayData(format, self.count, nulls, (validity, self.short_ends(), self.text))
        if format not in (b"vu", b"vz"):
            raise ValueError(f"{format!r} is no format of text or bytes")
        sizes = Memory(sizeof(int64_t))
        (<int64_t *>(<Memory>sizes).start)[0] = <int64_t>self.text.size
        return ArrayData(format, self.count, nulls, (validity, self.views(), self.text, sizes))

    cdef Memory short_ends(self):
        cdef Memory result = Memory(<size_t>(self.count + 1) * sizeof(int32_t))
        cdef int64_t i
        for i in range(self.count + 1):
            (<int32_t *>result.start)[i] = <int32_t>(<int64_t *>self.ends.start)[i]
        return result

    cdef Memory views(self):
        cdef Memory result = Memory(<size_t>self.count * VIEW_BYTES)
        cdef int64_t i, start, size
        cdef int32_t *view
        for i in range(self.count):
            start = (<int64_t *>self.ends.start)[i]
            size = (<int64_t *>self.ends.start)[i + 1] - start
            view = <int32_t *>(result.start + i * VIEW_BYTES)
            view[0] = <int32_t>size
            memcpy(view + 1, self.text.start + start, <size_t>min(size, 4 if size > INLINE_BYTES else INLINE_BYTES))
            if size > INLINE_BYTES:
                view[3] = <int32_t>start
        return result


def join_rows(list chunks not None):
    """The rows of several TextRows as those of one. The text of the first, which grows, is no longer its own."""
    cdef int64_t count = 0, row = 0, i
    cdef size_t size = 0, at = 0
    cdef TextRows chunk, first = chunks[0], result = TextRows()
    for chunk in chunks:
        count += chunk.count
        size += chunk.text.size
    result.count, result.outcomes, result.text = count, Memory(<size_t>count), Memory(0)
    result.ends = Memory(<size_t>(count + 1) * sizeof(int64_t))
    grow_memory(first.text, size)
    for chunk in chunks:
        if chunk is not first:
            with nogil:
                memcpy(first.text.start + at, chunk.text.start, chunk.text.size)
        memcpy(result.outcomes.start + row, chunk.outcomes.start, <size_t>chunk.count)
        for i in range(chunk.count):
            (<int64_t *>result.ends.start)[row + i + 1] = <int64_t>at + (<int64_t *>chunk.ends.start)[i + 1]
        at = <size_t>(<int64_t *>result.ends.start)[row + chunk.count]
        row += chunk.count
    first.text.size = size
    result.text, first.text = first.text, result.text
    return result


cdef int grow_memory(Memory memory, size_t size) except -1:
    """Room for `size` bytes, of which those that were there stay. Nobody may have borrowed the memory."""
    cdef uint8_t *grown = <uint8_t *>PyMem_RawRealloc(memory.start, max(1, size))
    if grown == NULL:
        raise MemoryError
    memory.start = grown
    lw_advise_huge_pages(grown, size)
    return 0

# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Link rewriting in HTML: borrows buffers, tokenizes without the GIL, asks for new values, splices the output.

Knows bytes and offsets, nothing of trackers, charsets or reports: those come in as one callable.

What comes from outside is held by a reference of our own, in a copy nobody else can change, and has exactly the type
that the C code takes it for, before a pointer into it is used.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc, PyMem_Realloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_New, PyCapsule_SetContext
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memchr, memcpy, memset

from html_capi cimport (
    LW_OPT_OUT_MAX, LW_OUTCOMES, LW_PLACEHOLDER, LW_RETAIN_NOTHING, LW_FAST_SCAN_VARIANTS,
    LW_SPAN_COMPLETE, LW_SPAN_SPLIT, LW_TOO_LONG_DESTINATION, LW_TRACKED, LW_WARN_MARKER,
    lw_classification, lw_classify, lw_classify_value, lw_element, lw_element_name, lw_opt_out, lw_options,
    lw_parse_attributes, lw_scan, lw_scan_feed, lw_scan_finish, lw_scan_open_tag, lw_scan_retain_from,
    lw_scratch_bound, lw_span, lw_spans,
)

cdef enum:
    OUTCOMES = 18  # all of linkweir.html's; bytes alone decide the first LW_OUTCOMES
    ENCODING = 17
    BATCH = 64  # links between two looks at Python; small enough to lie in the state object


def simd_variants():
    """Names of the SIMD variants of the fast scan that this processor can run, best first, "portable" last."""
    cdef int i = 0
    names = []
    while LW_FAST_SCAN_VARIANTS[i].name != NULL:
        if LW_FAST_SCAN_VARIANTS[i].usable():
            names.append(LW_FAST_SCAN_VARIANTS[i].name.decode())
        i += 1
    return [*names, "portable"]


@cython.final
cdef class NativeOptions:
    """Options in the form the tokenizer reads. Immutable; may be shared by threads."""

    cdef lw_options native
    cdef lw_opt_out opt_out[LW_OPT_OUT_MAX]
    cdef list live_values  # keeps the names and values alive

    def __cinit__(self, opt_out=(), *, bint outlook=False, bint track_placeholders=False,
                  uint64_t tag_limit=65536, simd=None):
        """`opt_out`: at most 32 pairs (name, value or None) of lower-case ASCII bytes. `simd`: of `simd_variants()`."""
        cdef tuple pairs = tuple(opt_out)
        if len(pairs) > LW_OPT_OUT_MAX:
            raise ValueError(f"at most {LW_OPT_OUT_MAX} opt-out attributes, not {len(pairs)}")
        self.live_values = []
        cdef Py_ssize_t i
        for i in range(len(pairs)):
            name, value = pairs[i]
            if type(name) is not bytes or not (value is None or type(value) is bytes):
                raise TypeError(f"opt_out[{i}] must be (bytes, bytes or None), not {(name, value)!r}")
            self.live_values += (name, value)
            self.opt_out[i].name = PyBytes_AS_STRING(name)
            self.opt_out[i].name_length = <size_t>PyBytes_GET_SIZE(name)
            self.opt_out[i].value = NULL if value is None else PyBytes_AS_STRING(value)
            self.opt_out[i].value_length = 0 if value is None else <size_t>PyBytes_GET_SIZE(value)
        self.native.opt_out = self.opt_out
        self.native.opt_out_count = <size_t>len(pairs)
        self.native.outlook = outlook
        self.native.track_placeholders = track_placeholders
        self.native.tag_limit = tag_limit
        self.select_simd(simd)

    def as_capsule(self):
        """The options for other extensions of this package, for as long as they have the capsule."""
        capsule = PyCapsule_New(&self.native, "linkweir.lw_options", release_options)
        PyCapsule_SetContext(capsule, <void *>self)
        Py_INCREF(self)
        return capsule

    cdef select_simd(self, name):
        cdef int i = 0
        while LW_FAST_SCAN_VARIANTS[i].name != NULL:
            if LW_FAST_SCAN_VARIANTS[i].usable() and (name is None or LW_FAST_SCAN_VARIANTS[i].name.decode() == name):
                self.native.skip = LW_FAST_SCAN_VARIANTS[i].skip
                return
            i += 1
        if name is not None and name != "portable":
            raise ValueError(f"no SIMD variant named {name!r} runs on this processor")


cdef void release_options(object capsule) noexcept:
    Py_DECREF(<object>PyCapsule_GetContext(capsule))


cdef extern from "Python.h":
    ctypedef struct PyStructSequence_Field:
        const char *name
        const char *doc
    ctypedef struct PyStructSequence_Desc:
        const char *name
        const char *doc
        PyStructSequence_Field *fields
        int n_in_sequence
    PyTypeObject *PyStructSequence_NewType(PyStructSequence_Desc *desc) except NULL
    object PyStructSequence_New(PyTypeObject *type)
    void PyStructSequence_SET_ITEM(object sequence, Py_ssize_t i, PyObject *stolen) noexcept


cdef object create_raw_link_type():
    """A tuple with names (PyStructSequence, as os.stat_result): made in C for each link, it costs what a tuple does."""
    cdef PyStructSequence_Field fields[13]
    fields[:] = [
        PyStructSequence_Field("link_index", "position among all links of the document"),
        PyStructSequence_Field("outcome", "number of the outcome"),
        PyStructSequence_Field("destination", "UTF-8, or None"),
        PyStructSequence_Field("start", "offset of the tag in the stream, in bytes"),
        PyStructSequence_Field("end", "offset after the tag's '>'"),
        PyStructSequence_Field("value_start", "offset after href's opening quote; -1 without quotes"),
        PyStructSequence_Field("value_end", "offset of href's closing quote; -1 without quotes"),
        PyStructSequence_Field("element", "name of the element"),
        PyStructSequence_Field("line", "of the tag, from 1"),
        PyStructSequence_Field("column", "of the tag, from 1, in bytes"),
        PyStructSequence_Field("warnings", "bits of LW_WARN_*"),
        PyStructSequence_Field("replacement", "bytes between the quotes now, or None"),
        PyStructSequence_Field(NULL, NULL),
    ]
    cdef PyStructSequence_Desc description
    description.name = "linkweir._html.RawLink"
    description.doc = "A link as the tokenizer found it, with its outcome."
    description.fields = &fields[0]
    description.n_in_sequence = 12
    created = <object>PyStructSequence_NewType(&description)
    Py_DECREF(created)  # the reference of the call; `created` has its own
    return created


cdef object raw_link_type = create_raw_link_type()  # no name of the module, which somebody could bind anew
RawLink = raw_link_type


cdef inline void set_field(object link, Py_ssize_t i, object value) noexcept:
    Py_INCREF(value)
    PyStructSequence_SET_ITEM(link, i, <PyObject *>value)


cdef struct Edit:
    size_t start
    size_t end
    const char *text
    size_t length


cdef struct LinePosition:
    # how far lines are counted: all bytes before `at`
    uint64_t at
    uint64_t line
    uint64_t line_start
    bint after_cr


cdef void count_lines(LinePosition *lines, const uint8_t *p, size_t n) noexcept nogil:
    """CR, LF and CRLF each end a line (HTML, 13.2.3.5)."""
    cdef size_t i
    for i in range(n):
        if p[i] == 10 and lines.after_cr:
            lines.line_start += 1
        elif p[i] == 10 or p[i] == 13:
            lines.line += 1
            lines.line_start = lines.at + i + 1
        lines.after_cr = p[i] == 13
    lines.at += n


cdef const uint8_t *buffer_start(const Py_buffer *view) noexcept:
    """Where the buffer's bytes begin; never NULL, to which C allows nothing to be added, not even 0."""
    return <const uint8_t *>view.buf if view.len else <const uint8_t *>""


cdef bytes copy_bytes(const uint8_t *text, size_t size):
    return PyBytes_FromStringAndSize(<const char *>text, <Py_ssize_t>size) if size else b""


cdef inline bint contains(bytes text, char c) noexcept:
    return memchr(PyBytes_AS_STRING(text), c, <size_t>PyBytes_GET_SIZE(text)) != NULL


cdef bytes destination_bytes(const lw_classification *classification):
    """The destination; a NUL byte is U+FFFD to the tokenizer."""
    cdef bytes text = classification.destination[:classification.length]
    if memchr(classification.destination, 0, classification.length) == NULL:
        return text
    return text.replace(b"\0", b"\xef\xbf\xbd")


cdef inline bint ranks_after_malformed(const lw_classification *classification) noexcept:
    """Whether the outcome ranks after `malformed` in the table."""
    if classification.outcome == LW_PLACEHOLDER:
        return classification.warnings & LW_WARN_MARKER
    return classification.outcome == LW_TRACKED or classification.outcome == LW_TOO_LONG_DESTINATION


@cython.final
@cython.no_gc_clear
cdef class LinkRewriter:
    """A streaming rewriter: bytes in, bytes with other links out (link rules, sections 3 and 4).

    `resolve(destinations, indexes)` gets lists of the UTF-8 destinations nothing speaks against and of their links'
    indexes; it returns, for each, the bytes to put between the quotes or an outcome number.
    `transcode(raw)` turns a raw value that is not ASCII into valid UTF-8, and says whether that is exactly its text.
    `report`, if given, is called after each batch with a list of RawLink.

    When `resolve` or `report` raises, the exception comes through and from then on everything passes unchanged,
    beginning with the bytes that were not yet returned. So it is when memory runs out.
    """

    cdef lw_scan scan
    cdef NativeOptions options
    cdef object resolve, transcode, report
    cdef uint8_t *carry  # bytes of an open tag that began in an earlier chunk; carry[0] is its '<'
    cdef size_t carried, capacity
    cdef uint8_t *scratch
    cdef size_t scratch_size
    cdef Edit *edits
    cdef size_t edit_count, edit_capacity
    cdef list live_values  # keeps the edits' texts alive: tuples, which nobody can empty
    cdef bytes head  # output that comes before the chunk's own
    cdef bytes unreturned_input  # input that a failed call could not return
    cdef uint64_t index
    cdef uint64_t counts[OUTCOMES]
    cdef LinePosition lines, open_tag_position
    cdef bint passing, busy
    cdef lw_span spans[BATCH]
    cdef lw_classification classifications[BATCH]

    def __cinit__(self, NativeOptions options not None, resolve, transcode, report=None):
        self.options = options
        self.resolve = resolve
        self.transcode = transcode
        self.report = report
        self.unreturned_input = self.head = b""
        self.live_values = []
        self.lines.line = 1

    def __dealloc__(self):
        PyMem_Free(self.carry)
        PyMem_Free(self.scratch)
        PyMem_Free(self.edits)

    def outcome_counts(self):
        """Number of links by outcome number."""
        return [self.counts[i] for i in range(OUTCOMES)]

    def pass_through_rest(self):
        """Pass everything from here on unchanged: the encoding cannot be read by bytes."""
        self.passing = True

    def feed(self, data):
        """Take a chunk (any contiguous buffer of bytes); return the output that is certain by now."""
        cdef Py_buffer view
        self.begin_call()
        try:
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
            try:
                if self.passing:
                    return self.pass_through(buffer_start(&view), <size_t>view.len, data)
                return self.process_chunk(buffer_start(&view), <size_t>view.len, data)
            finally:
                PyBuffer_Release(&view)
        finally:
            self.busy = False

    def close(self):
        """The document ends: report a tag that was cut, return what is left."""
        self.begin_call()
        try:
            if not self.passing:
                self.finish()
            return self.pass_through(NULL, 0, None)
        finally:
            self.busy = False

    def replacements(self, data):
        """A whole document instead of `feed` and `close`: (start, end, value) of each replacement."""
        cdef Py_buffer view
        cdef size_t i
        self.begin_call()
        try:
            if self.passing or self.scan.offset:
                raise RuntimeError("a document is under way: a whole one needs a LinkRewriter of its own")
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
            try:
                self.tokenize_chunk(buffer_start(&view), <size_t>view.len, 0)
                if self.report is not None:
                    self.save_open_tag_position(buffer_start(&view), 0)  # `finish` has no bytes to count lines in
                self.finish()
                return [(self.edits[i].start, self.edits[i].end, self.edits[i].text[:self.edits[i].length])
                        for i in range(self.edit_count)]
            finally:
                self.passing = True
                PyBuffer_Release(&view)
        finally:
            self.busy = False
            self.clear_edits()

    cdef int finish(self) except -1:
        """Classify a tag that the document's end has left unterminated."""
        cdef lw_spans out
        out.spans, out.count, out.capacity = self.spans, 0, BATCH
        lw_scan_finish(&self.scan, &out)
        self.passing = True
        if out.count:
            self.classify(0, 1, NULL, 0)
            self.resolve_batch(0, 1, NULL, 0)
        return 0

    cdef void clear_edits(self) noexcept:
        self.edit_count = 0
        del self.live_values[:]  # takes no memory, so that what a call returns can't be lost here

    cdef int begin_call(self) except -1:
        """Refuse reentrant calls: a callback, or another thread, must not find the state half-way."""
        if self.busy:
            raise RuntimeError("this document is being rewritten: no calls from callbacks or a second thread")
        self.busy = True
        return 0

    cdef bytes pass_through(self, const uint8_t *buffer, size_t size, data):
        cdef bytes done
        if not self.unreturned_input and not self.carried and type(data) is bytes:
            return <bytes>data
        done = copy_bytes(self.carry, self.carried) + self.unreturned_input
        if size:
            done += copy_bytes(buffer, size)
        self.unreturned_input, self.carried = b"", 0  # only now: without memory nothing is lost
        return done

    cdef bytes process_chunk(self, const uint8_t *buffer, size_t size, data):
        cdef uint64_t base = self.scan.offset
        cdef size_t carried = self.carried, start = 0, stop
        cdef bytes done
        try:
            start = self.tokenize_chunk(buffer, size, base)
            stop = self.open_tag_offset(buffer, size, base)
            self.reserve_carry(size - stop)
            if stop == size and start == 0 and not self.head and not self.edit_count and type(data) is bytes:
                done = <bytes>data
            else:
                done = self.render_output(buffer, start, stop)
            self.append_to_carry(buffer + stop, size - stop)
            return done
        except BaseException:
            self.passing = True
            self.carried = carried  # these bytes of `carry` are written over only when all has gone well
            self.unreturned_input = <bytes>data if type(data) is bytes else copy_bytes(buffer, size)
            raise
        finally:
            self.head = b""
            self.clear_edits()

    cdef size_t tokenize_chunk(self, const uint8_t *buffer, size_t size, uint64_t base) except? 0:
        """Tokenize the chunk and collect its edits; returns where the chunk's own output begins."""
        cdef size_t at = 0, start = 0, first
        cdef lw_spans out
        cdef bint classified
        out.spans, out.capacity = self.spans, BATCH
        while at < size:
            out.count = 0
            with nogil:
                at += lw_scan_feed(&self.scan, &self.options.native, buffer + at, size - at, &out)
                classified = self.classify_nogil(&out, buffer, base)
            if out.count == 0:
                continue
            first = 0
            if self.spans[0].kind == LW_SPAN_SPLIT:
                start = self.rewrite_split_tag(buffer, base)
                first = 1
            if not classified:
                self.classify(first, out.count, buffer, base)
            self.resolve_batch(first, out.count, buffer, base)
        return start

    cdef size_t rewrite_split_tag(self, const uint8_t *buffer, uint64_t base) except? 0:
        """The first tag of the chunk began in an earlier one: join its bytes and put its output into `head`."""
        cdef lw_span *span = &self.spans[0]
        cdef size_t rest = <size_t>(span.end - base)
        cdef size_t name = len(lw_element_name(<lw_element>span.element))
        self.reserve_carry(rest)
        self.append_to_carry(buffer, rest)
        lw_parse_attributes(self.carry, self.carry + 1 + name, self.carry + self.carried, &self.options.native, &span.tag)
        self.classify(0, 1, self.carry, span.start)
        self.resolve_batch(0, 1, self.carry, span.start)
        if self.report is not None:
            count_lines(&self.lines, self.carry, self.carried)
        self.head = self.render_output(self.carry, 0, self.carried)
        self.edit_count = 0
        self.carried = 0
        return rest

    cdef size_t open_tag_offset(self, const uint8_t *buffer, size_t size, uint64_t base) except? 0:
        """Offset in the chunk of a tag that is still open, whose bytes must be carried; `size` without one. Bytes
        carried for a tag that turned out to be none, or too long, go out first."""
        cdef uint64_t retain_from = lw_scan_retain_from(&self.scan, &self.options.native)
        cdef size_t stop = size
        if retain_from < base and self.carried:
            return 0
        if retain_from != LW_RETAIN_NOTHING and retain_from >= base:
            stop = <size_t>(retain_from - base)
        if self.report is not None:
            self.save_open_tag_position(buffer, base)
            self.count_lines_to(base + stop, buffer, base)
        if self.carried:
            self.head = copy_bytes(self.carry, self.carried)
            self.carried = 0
        return stop

    cdef int save_open_tag_position(self, const uint8_t *buffer, uint64_t base) except -1:
        """Save the line of a tag that is open: when it is reported, its bytes may be gone."""
        cdef uint64_t start = lw_scan_open_tag(&self.scan)
        if start != LW_RETAIN_NOTHING and start >= self.lines.at:
            self.count_lines_to(start, buffer, base)
            self.open_tag_position = self.lines
        return 0

    cdef int reserve_carry(self, size_t n) except -1:
        """Make room for `n` more bytes in `carry`, keeping its content."""
        cdef size_t wanted = self.carried + n
        cdef uint8_t *grown
        if wanted > self.capacity:
            wanted = max(wanted, 2 * self.capacity)
            grown = <uint8_t *>PyMem_Realloc(self.carry, wanted)
            if grown == NULL:
                raise MemoryError
            self.carry, self.capacity = grown, wanted
        return 0

    cdef void append_to_carry(self, const uint8_t *more, size_t n) noexcept:
        if n:
            memcpy(self.carry + self.carried, more, n)
            self.carried += n

    cdef bint classify_nogil(self, lw_spans *out, const uint8_t *buffer, uint64_t base) noexcept nogil:
        """Classify the batch without the GIL, unless it needs more scratch or holds a split tag."""
        if out.count and self.spans[0].kind == LW_SPAN_SPLIT:
            return False
        if self.scratch == NULL or self.scratch_size_for(0, out.count) > self.scratch_size:
            return False
        self.classify_batch(0, out.count, buffer, base)
        return True

    cdef size_t scratch_size_for(self, size_t first, size_t last) noexcept nogil:
        cdef size_t i, needed = 0
        for i in range(first, last):
            needed += lw_scratch_bound(<size_t>(self.spans[i].tag.value_end - self.spans[i].tag.value))
        return needed

    cdef void classify_batch(self, size_t first, size_t last, const uint8_t *bytes_, uint64_t base) noexcept nogil:
        cdef size_t i, used = 0
        cdef lw_span *span
        for i in range(first, last):
            span = &self.spans[i]
            lw_classify(span, tag_bytes(span, bytes_, base), &self.options.native, self.scratch + used,
                        &self.classifications[i])
            used += lw_scratch_bound(<size_t>(span.tag.value_end - span.tag.value))

    cdef int classify(self, size_t first, size_t last, const uint8_t *bytes_, uint64_t base) except -1:
        """Classify spans[first:last]; `bytes_` begins at the stream's offset `base`."""
        cdef size_t needed = self.scratch_size_for(first, last)
        cdef uint8_t *grown
        if self.scratch == NULL or needed > self.scratch_size:
            needed = max(needed, 4096)
            grown = <uint8_t *>PyMem_Realloc(self.scratch, needed)
            if grown == NULL:
                raise MemoryError
            self.scratch, self.scratch_size = grown, needed
        self.classify_batch(first, last, bytes_, base)
        return 0

    cdef bytes classify_non_ascii(self, lw_span *span, lw_classification *classification, const uint8_t *tag):
        """A value that is not ASCII is classified again as text: returns its destination."""
        cdef size_t length = <size_t>(span.tag.value_end - span.tag.value)
        cdef bytes raw
        cdef bint exact
        raw, exact = self.transcode((tag + span.tag.value)[:length])
        cdef lw_classification again
        cdef uint8_t *scratch = <uint8_t *>PyMem_Malloc(lw_scratch_bound(<size_t>len(raw)))
        if scratch == NULL:
            raise MemoryError
        try:
            lw_classify_value(raw, <size_t>len(raw), &self.options.native, scratch, &again)
            if not span.tag.opted_out and not span.tag.equals_spaced:
                classification.outcome = again.outcome
                classification.warnings = again.warnings
                if not exact and ranks_after_malformed(&again):
                    classification.outcome = ENCODING
            return destination_bytes(&again) if exact else None
        finally:
            PyMem_Free(scratch)

    cdef int resolve_batch(self, size_t first, size_t last, const uint8_t *bytes_, uint64_t base) except -1:
        """Ask for new values, record the edits (relative to `base`), count, report."""
        cdef list destinations = [], indexes = []
        cdef tuple values = ()
        cdef list found = None if self.report is None else [None] * (last - first)
        cdef size_t requested[BATCH]
        cdef size_t i, k, requested_count = 0
        cdef lw_span *span
        cdef lw_classification *classification
        cdef bytes destination
        for i in range(first, last):
            span, classification = &self.spans[i], &self.classifications[i]
            if not classification.ascii:
                destination = self.classify_non_ascii(span, classification, tag_bytes(span, bytes_, base))
            elif classification.outcome == LW_TRACKED or (found is not None and classification.destination != NULL):
                destination = destination_bytes(classification)
            else:
                continue
            if classification.outcome == LW_TRACKED:
                destinations.append(destination)
                indexes.append(self.index + (i - first))
                requested[requested_count] = i
                requested_count += 1
            if found is not None:
                found[i - first] = destination
        if requested_count:
            values = tuple(self.resolve(destinations, indexes))  # a copy: who made it may change it
            if len(values) != <Py_ssize_t>requested_count:
                raise ValueError(f"{requested_count} values were requested, {len(values)} came")
            self.live_values.append(values)
        for k in range(requested_count):
            value = values[k]
            i = requested[k]
            span = &self.spans[i]
            if type(value) is bytes:
                if contains(<bytes>value, c'"') or contains(<bytes>value, c"'"):
                    raise ValueError("a value with a quote can't stand in an attribute")
                self.add_edit(<size_t>(span.start - base + span.tag.value),
                              <size_t>(span.start - base + span.tag.value_end), <bytes>value)
            else:
                if type(value) is not int:  # of a subclass, what it says when compared is not what it is
                    raise TypeError(f"value {k} must be bytes or an outcome number, not {type(value).__name__}")
                if not 0 <= value < OUTCOMES:
                    raise ValueError(f"{value} is no outcome")
                self.classifications[i].outcome = <uint8_t>value
        for i in range(first, last):
            self.counts[self.classifications[i].outcome] += 1
        if found is not None:
            replaced = {requested[k]: values[k] for k in range(requested_count)}
            self.report_links(first, last, found, replaced, bytes_, base)
        self.index += last - first
        return 0

    cdef int add_edit(self, size_t start, size_t end, bytes text) except -1:
        cdef Edit *grown
        if self.edit_count == self.edit_capacity:
            grown = <Edit *>PyMem_Realloc(self.edits, 2 * (self.edit_capacity + BATCH) * sizeof(Edit))
            if grown == NULL:
                raise MemoryError
            self.edits, self.edit_capacity = grown, 2 * (self.edit_capacity + BATCH)
        self.edits[self.edit_count] = Edit(start, end, PyBytes_AS_STRING(text), <size_t>PyBytes_GET_SIZE(text))
        self.edit_count += 1
        return 0

    cdef int count_lines_to(self, uint64_t target, const uint8_t *buffer, uint64_t base) except -1:
        """Count lines up to an offset: of the carried bytes first, which end at `base`, then of the chunk."""
        if self.lines.at < base and target >= base:
            count_lines(&self.lines, self.carry, <size_t>(base - self.lines.at))
        if self.lines.at < target:
            count_lines(&self.lines, buffer + <size_t>(self.lines.at - base), <size_t>(target - self.lines.at))
        return 0

    cdef int report_links(self, size_t first, size_t last, list found, dict values, const uint8_t *bytes_,
                  uint64_t base) except -1:
        cdef list links = []
        cdef size_t i
        cdef lw_span *span
        cdef LinePosition *position
        for i in range(first, last):
            span = &self.spans[i]
            position = &self.lines
            if span.start > self.lines.at:
                self.count_lines_to(span.start, bytes_, base)
            elif span.start < self.lines.at:
                position = &self.open_tag_position  # its bytes went out in an earlier call
            value = values.get(i)
            link = PyStructSequence_New(<PyTypeObject *>raw_link_type)
            set_field(link, 0, self.index + (i - first))
            set_field(link, 1, self.classifications[i].outcome)
            set_field(link, 2, found[i - first])
            set_field(link, 3, span.start)
            set_field(link, 4, span.end)
            set_field(link, 5, <object>(span.start + span.tag.value) if span.tag.quoted else -1)
            set_field(link, 6, <object>(span.start + span.tag.value_end) if span.tag.quoted else -1)
            set_field(link, 7, lw_element_name(<lw_element>span.element).decode())
            set_field(link, 8, position.line)
            set_field(link, 9, span.start - position.line_start + 1)
            set_field(link, 10, self.classifications[i].warnings)
            set_field(link, 11, value if type(value) is bytes else None)
            links.append(link)
        self.report(links)
        return 0

    cdef bytes render_output(self, const uint8_t *source, size_t start, size_t stop):
        """`head`, then source[start:stop] with the edits made."""
        return apply_edits(source, start, stop, self.edits, self.edit_count, self.head)


cdef const uint8_t *tag_bytes(const lw_span *span, const uint8_t *bytes_, uint64_t base) noexcept nogil:
    """The tag's bytes; NULL for one that nobody reads, because it was cut or is too long: they may be gone."""
    return bytes_ + <size_t>(span.start - base) if span.kind == LW_SPAN_COMPLETE or span.kind == LW_SPAN_SPLIT else NULL


cdef bytes apply_edits(const uint8_t *source, size_t start, size_t stop, const Edit *edits, size_t count, bytes head):
    cdef size_t size = <size_t>PyBytes_GET_SIZE(head) + (stop - start), i, n
    for i in range(count):
        size += edits[i].length
        size -= edits[i].end - edits[i].start
    cdef bytes result = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)
    cdef char *out = PyBytes_AS_STRING(result)
    n = <size_t>PyBytes_GET_SIZE(head)
    memcpy(out, PyBytes_AS_STRING(head), n)
    out += n
    for i in range(count):
        n = edits[i].start - start
        memcpy(out, source + start, n)
        out += n
        memcpy(out, edits[i].text, edits[i].length)
        out += edits[i].length
        start = edits[i].end
    memcpy(out, source + start, stop - start)
    return result


@cython.final
cdef class LinkTemplate:
    """A document with its links' offsets, filled again and again at copying speed."""

    cdef bytes source
    cdef Edit *edits
    cdef readonly Py_ssize_t link_count

    def __cinit__(self, bytes source not None, offsets):
        """`offsets`: pairs of offsets, ascending."""
        cdef tuple pairs = tuple(offsets)
        cdef size_t i, start, end, last = 0
        self.source = source
        self.link_count = len(pairs)
        self.edits = <Edit *>PyMem_Malloc(max(1, self.link_count) * sizeof(Edit))
        if self.edits == NULL:
            raise MemoryError
        for i in range(<size_t>len(pairs)):
            start, end = pairs[i]  # as numbers of C: a subclass of int may compare as it likes
            if not last <= start <= end <= <size_t>PyBytes_GET_SIZE(source):
                raise ValueError(f"offsets[{i}] ({start} to {end}) lies before the last one or outside the document")
            last = end
            self.edits[i] = Edit(start, end, NULL, 0)

    def __dealloc__(self):
        PyMem_Free(self.edits)

    def fill(self, list values not None):
        """The document with values[i] (bytes; anything else: the original) as link i."""
        cdef tuple own = tuple(values)
        cdef size_t i, count = 0, size = <size_t>self.link_count
        if len(own) != self.link_count:
            raise ValueError(f"{self.link_count} links, {len(own)} values")
        cdef Edit *edits = <Edit *>PyMem_Malloc(max(1, size) * sizeof(Edit))  # of its own: threads may share a template
        if edits == NULL:
            raise MemoryError
        try:
            for i in range(size):
                value = own[i]
                if type(value) is bytes:
                    edits[count] = Edit(self.edits[i].start, self.edits[i].end, PyBytes_AS_STRING(<bytes>value),
                                        <size_t>PyBytes_GET_SIZE(<bytes>value))
                    count += 1
            return apply_edits(<const uint8_t *>PyBytes_AS_STRING(self.source), 0,
                               <size_t>PyBytes_GET_SIZE(self.source), edits, count, b"")
        finally:
            PyMem_Free(edits)


def count_outcomes(html, NativeOptions options not None):
    """Tokenize a whole document without the GIL and count outcomes, creating no Python object per link.

    Returns the number of links by outcome number, of the outcomes that bytes alone decide.
    """
    cdef Py_buffer view
    cdef lw_span spans[BATCH]
    cdef lw_classification classification
    cdef uint64_t counts[<int>LW_OUTCOMES]
    cdef lw_scan scan
    cdef lw_spans out
    cdef const uint8_t *buffer
    cdef size_t at = 0, size, i, room = 4096, needed
    cdef uint8_t *scratch
    cdef uint8_t *grown
    cdef bint failed = False
    memset(&scan, 0, sizeof(scan))
    memset(counts, 0, sizeof(counts))
    PyObject_GetBuffer(html, &view, PyBUF_SIMPLE)
    scratch = <uint8_t *>PyMem_RawMalloc(room)
    try:
        if scratch == NULL:
            raise MemoryError
        buffer, size = buffer_start(&view), <size_t>view.len
        with nogil:
            out.spans, out.capacity = spans, BATCH
            while at <= size and not failed:
                out.count = 0
                if at < size:
                    at += lw_scan_feed(&scan, &options.native, buffer + at, size - at, &out)
                else:
                    lw_scan_finish(&scan, &out)
                    at += 1
                for i in range(out.count):
                    needed = lw_scratch_bound(<size_t>(spans[i].tag.value_end - spans[i].tag.value))
                    if needed > room:
                        grown = <uint8_t *>PyMem_RawRealloc(scratch, needed)
                        if grown == NULL:
                            failed = True
                            break
                        scratch, room = grown, needed
                    lw_classify(&spans[i], tag_bytes(&spans[i], buffer, 0), &options.native, scratch, &classification)
                    counts[classification.outcome] += 1
        if failed:
            raise MemoryError
        return [counts[i] for i in range(<size_t>LW_OUTCOMES)]
    finally:
        PyBuffer_Release(&view)
        PyMem_RawFree(scratch)


def count_byte(data, uint8_t byte):
    """How often a byte occurs, by calls of libc's memchr without the GIL: a sweep over memory, which decides nothing."""
    cdef Py_buffer view
    cdef const uint8_t *at
    cdef const uint8_t *end
    cdef uint64_t count = 0
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        at = buffer_start(&view)
        end = at + view.len
        with nogil:
            while at < end:
                at = <const uint8_t *>memchr(at, byte, <size_t>(end - at))
                if at == NULL:
                    break
                count += 1
                at += 1
        return count
    finally:
        PyBuffer_Release(&view)


def decode_value(const uint8_t[::1] raw not None):
    """The destination of a raw href value: references decoded by the attribute rules, then stripped."""
    cdef NativeOptions options = NativeOptions()
    cdef lw_classification classification
    cdef size_t size = <size_t>raw.shape[0]
    cdef uint8_t *scratch = <uint8_t *>PyMem_Malloc(lw_scratch_bound(size))
    if scratch == NULL:
        raise MemoryError
    try:
        lw_classify_value(&raw[0] if size else scratch, size, &options.native, scratch, &classification)
        return destination_bytes(&classification)
    finally:
        PyMem_Free(scratch)

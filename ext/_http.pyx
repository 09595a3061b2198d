# cython: boundscheck=False, wraparound=False
"""The request head parser of ext/http, with its result as Python objects.

Knows one head at a time. Refuses to know connections, and everything that a full HTTP parser is for.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.stdint cimport uint8_t
from http_capi cimport LW_HEAD_MAX_BYTES, lw_request_head, lw_request_head_parse, lw_head_part

import sys

MAX_HEAD_BYTES = LW_HEAD_MAX_BYTES
_GET, _HEAD = sys.intern("GET"), sys.intern("HEAD")
_HTTP_1_1, _HTTP_1_0 = sys.intern("1.1"), sys.intern("1.0")


cdef bytes to_bytes(lw_head_part span):
    return PyBytes_FromStringAndSize(<const char *>span.at, <Py_ssize_t>span.length)


cdef bytes to_lower(lw_head_part span):
    cdef bytes result = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>span.length)
    cdef char *out = PyBytes_AS_STRING(result)
    cdef size_t i
    cdef uint8_t byte
    for i in range(span.length):
        byte = span.at[i]
        out[i] = <char>(byte | 0x20 if c'A' <= byte <= c'Z' else byte)
    return result


def parse_request_head(bytes data not None):
    """The request whose head `data` begins with: method, path without its query, HTTP version, fields in order with
    names in lower case, whether the connection ends with the answer, and the length of the head.

    None for every head but a whole one of the plainest kind (see ext/http/request_head.h): a full parser is to judge.
    """
    cdef lw_request_head head
    cdef size_t i, length = lw_request_head_parse(
        <const uint8_t *>PyBytes_AS_STRING(data), <size_t>PyBytes_GET_SIZE(data), &head
    )
    cdef list fields
    if not length:
        return None
    fields = []
    for i in range(head.fields):
        fields.append((to_lower(head.names[i]), to_bytes(head.values[i])))
    return (
        _HEAD if head.is_head else _GET,
        PyUnicode_DecodeASCII(<const char *>head.path.at, <Py_ssize_t>head.path.length, NULL),
        _HTTP_1_1 if head.minor else _HTTP_1_0,
        fields,
        bool(head.closes),
        length,
    )

"""JSON objects out of a stream of bytes, each with the number of its line; what is broken is named, and costs no more.

`iter_lines` takes NDJSON: one object a line. `iter_values` takes what providers export: objects one after the other,
on lines or not, or in an array, however it is folded.
"""

import re
from collections.abc import Iterator
from typing import IO, Any

import orjson

from linkweir.clicks.offline.recorded_click import InvalidClick

MAX_LINE_BYTES = 1 << 20  # of one click; a real one has less than 10 kB, and no line may fill the memory
MAX_VALUE_BYTES = 16 << 20  # of one webhook body, which may hold many events
READ_BYTES = 1 << 16
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]')
JsonRecord = tuple[int, Any | InvalidClick, bytes]  # line, object or what is wrong with it, its bytes


def iter_lines(stream: IO[bytes]) -> Iterator[JsonRecord]:
    """The objects of NDJSON; empty lines are skipped."""
    for number, line in _split_lines(stream, MAX_LINE_BYTES):
        if isinstance(line, InvalidClick):
            yield number, line, b""
        elif text := (line.strip() if number > 1 else line.removeprefix(b"\xef\xbb\xbf").strip()):
            yield number, _parse_object(text), text


def iter_values(stream: IO[bytes]) -> Iterator[JsonRecord]:
    """The objects of a stream of JSON values; the elements of an array count as such."""
    splitter = _ValueSplitter()
    for number, line in _split_lines(stream, MAX_VALUE_BYTES):
        if isinstance(line, InvalidClick):
            yield number, line, b""
        else:
            yield from splitter.feed(number, line)
    yield from splitter.close()


class _ValueSplitter:
    """Finds where objects begin and end, line by line: no string of JSON goes over the end of a line."""

    def __init__(self) -> None:
        self._open_brackets = 0
        self._started_at = 0
        self._value = bytearray()

    def feed(self, number: int, line: bytes) -> Iterator[JsonRecord]:
        if line.startswith(b"{"):  # whatever began above has no end
            yield from self.close()
        taken = 0  # bytes of the line that belong to objects which have ended, or to what is between them
        for token in _TOKEN.finditer(line):
            mark = token[0]
            if mark[:1] == b'"':
                continue
            if not self._open_brackets:
                yield from _reject_gap(number, line[taken : token.start()])
                taken = token.end()
                if mark != b"{":
                    continue  # of an array around the objects
                self._started_at, taken = number, token.start()
            self._open_brackets += 1 if mark in b"{[" else -1
            if not self._open_brackets:
                self._value += line[taken : token.end()]
                taken = token.end()
                yield self._started_at, _parse_object(bytes(self._value)), bytes(self._value)
                self._value.clear()
        yield from self._end_line(number, line[taken:])

    def _end_line(self, number: int, rest: bytes) -> Iterator[JsonRecord]:
        if not self._open_brackets:
            yield from _reject_gap(number, rest)
            return
        self._value += rest
        if len(self._value) > MAX_VALUE_BYTES:
            yield self._started_at, InvalidClick(f"the JSON object is longer than {MAX_VALUE_BYTES >> 20} MiB"), b""
            self._open_brackets = 0
            self._value.clear()

    def close(self) -> Iterator[JsonRecord]:
        if self._open_brackets:
            yield self._started_at, InvalidClick("the JSON object does not end"), b""
        self._open_brackets = 0
        self._value.clear()


def _reject_gap(number: int, between: bytes) -> Iterator[JsonRecord]:
    if between.strip(b" \t\r\n,\x1e\xef\xbb\xbf"):
        yield number, InvalidClick("no JSON object"), b""


def _parse_object(text: bytes) -> Any | InvalidClick:
    try:
        value = orjson.loads(text)
    except ValueError as error:
        return InvalidClick(f"no JSON: {str(error).partition(': line ')[0]}")
    except RecursionError:
        return InvalidClick("no JSON: nested too deeply")
    return value if isinstance(value, dict) else InvalidClick("no JSON object")


def _split_lines(stream: IO[bytes], max_bytes: int) -> Iterator[tuple[int, bytes | InvalidClick]]:
    number = 0
    while line := stream.readline(max_bytes + 1):
        number += 1
        if len(line) > max_bytes and not line.endswith(b"\n"):
            while (rest := stream.readline(READ_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield number, InvalidClick(f"the line is longer than {max_bytes >> 20} MiB")
        else:
            yield number, line

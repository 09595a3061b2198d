"""Tests of linkweir.server.http_protocol: a head that arrives in small pieces is read once."""

from typing import Any

import h11
import pytest

from linkweir.server import http_protocol
from linkweir.server.http_protocol import StrictReceiveBuffer

HEAD_BYTES = 32 * 1024
HEAD = b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES


class CountingBuffer(bytearray):
    """A buffer that counts the bytes that are looked through in it."""

    scanned = 0

    def find(self, needle: Any, start: Any = 0, *_end: Any) -> int:
        """Count them all: where nothing is found, all of them are read."""
        self.scanned += len(self) - start
        return super().find(needle, start)


class CountingPattern:
    """A pattern that counts the bytes that it looks through."""

    def __init__(self, pattern: Any) -> None:
        self.scanned = 0
        self._pattern = pattern

    def search(self, data: bytearray, start: int, end: int) -> Any:
        """Count all between `start` and `end`."""
        self.scanned += end - start
        return self._pattern.search(data, start, end)


def test_each_byte_of_a_head_is_read_a_few_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked through of a head that comes byte by byte grows with the head, not with its square."""
    pattern = CountingPattern(http_protocol.LENIENT_LINE_END)
    monkeypatch.setattr(http_protocol, "LENIENT_LINE_END", pattern)
    buffer = StrictReceiveBuffer()
    data = buffer._data = CountingBuffer()
    for byte in HEAD:
        buffer._data += bytes([byte])
        assert buffer.maybe_extract_lines() is None
    assert HEAD_BYTES <= data.scanned <= 10 * HEAD_BYTES
    assert HEAD_BYTES <= pattern.scanned <= 10 * HEAD_BYTES
    buffer._data += b"\r\n\r\nGET"
    assert buffer.maybe_extract_lines() == bytearray(HEAD).split(b"\r\n")
    assert bytes(buffer) == b"GET"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nA: b" + end + b"C: d\r\n\r\n"
        for end in (b"\n", b"\r", b"\r\n ", b"\r\n\t", b"\r\r\n", b"\n\r\n")
    ],
)
def test_a_lenient_line_end_is_refused_however_it_is_cut(head: bytes) -> None:
    """A line end that another server may read otherwise is an error for whatever pieces the head comes in."""
    for size in range(1, len(head) + 1):
        buffer = StrictReceiveBuffer()
        with pytest.raises(h11.LocalProtocolError):  # noqa: PT012 - the piece that shows it differs
            for at in range(0, len(head), size):
                buffer._data += head[at : at + size]
                buffer.maybe_extract_lines()


def test_whole_heads_are_found_however_they_are_cut() -> None:
    """Two heads, the second one empty, come out with their lines whatever pieces they come in."""
    stream = b"GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n\r\nrest"
    for size in range(1, len(stream) + 1):
        buffer, found = StrictReceiveBuffer(), list[list[bytearray]]()
        for at in range(0, len(stream), size):
            buffer._data += stream[at : at + size]
            while len(found) < 2 and (ready := buffer.maybe_extract_lines()) is not None:
                found.append(ready)
        lines = [bytearray(line) for line in (b"GET / HTTP/1.1", b"A: b", b"C: d")]
        assert (found, bytes(buffer)) == ([lines, []], b"rest")

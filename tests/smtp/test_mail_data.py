"""Tests of linkweir.smtp.mail_data: what is read in blocks is what RFC 5321 says line by line."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir.smtp.mail_data import DataError, MailData

MAX_BYTES, MAX_LINE_BYTES = 40, 12
pieces = st.sampled_from(
    [b"\r\n", b".", b"..", b"\r\n.\r\n", b"\r", b"\n", b"\n.\n", b"\r.\r", b"a", b"bcd", b"x" * 11]
)


def read_lines(stream: bytes) -> tuple[DataError | None, bytes, bytes | None]:
    """The reference: error, content and what follows (None: there is no end), one line after the other."""
    error: DataError | None = None
    content, size, at = b"", 0, 0
    while (stop := stream.find(b"\r\n", at)) >= 0:
        line, at = stream[at : stop + 2], stop + 2
        if line == b".\r\n":
            return error, content, stream[at:]
        size += len(line)
        if error is None and (size > MAX_BYTES or len(line) > MAX_LINE_BYTES):
            error = "line too long" if len(line) > MAX_LINE_BYTES else "too much data"
        content += line[1:] if line.startswith(b".") else line
    return error, content, None


def read_blocks(blocks: list[bytes]) -> tuple[DataError | None, bytes, bytes | None]:
    """The same with `MailData`."""
    data = MailData(MAX_BYTES, MAX_LINE_BYTES)
    for number, block in enumerate(blocks, 1):
        rest = data.add(block)
        if rest is not None:
            return data.error, data.take_content(), rest + b"".join(blocks[number:])
    return data.error, b"", None


@settings(deadline=None, max_examples=500)
@given(st.lists(pieces, max_size=25), st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_blocks_are_read_as_lines(parts: list[bytes], sizes: list[int]) -> None:
    """However the bytes are cut, the same mail comes out, the same rest, and an error for the same mails."""
    stream = b"".join(parts)
    blocks: list[bytes] = []
    at = 0
    while at < len(stream):
        size = sizes[len(blocks) % len(sizes)]
        blocks.append(stream[at : at + size])
        at += size
    error, content, rest = read_lines(stream)
    for cut in (blocks, [stream] if stream else []):
        seen_error, seen_content, seen_rest = read_blocks(cut)
        assert seen_rest == rest
        if rest is not None:
            assert (seen_error is None) == (error is None)
        if rest is not None and error is None:
            assert seen_content == content


def test_only_a_line_of_one_dot_ends_a_mail() -> None:
    """Bare CR or LF around a dot ends nothing, wherever the blocks are cut (SMTP smuggling)."""
    for fake in (b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n.\n\r\n"):
        for size in range(1, len(fake) + 1):
            data = MailData(None, 1000)
            stream = b"a" + fake + b"b\r\n"
            assert all(data.add(stream[at : at + size]) is None for at in range(0, len(stream), size))
            assert data.add(b".\r\nNEXT") == b"NEXT"
            assert b"b\r\n" in data.take_content()


def test_limits_are_exact() -> None:
    """A mail of the largest size and a line of the greatest length pass, one byte more does not, and the end of such a
    mail is found as well.
    """
    line = b"x" * (MAX_LINE_BYTES - 2) + b"\r\n"
    for stream, error in (
        (line, None),
        (b"x" + line, "line too long"),
        (line * 3 + b"ab\r\n", None),
        (line * 3 + b"abc\r\n", "too much data"),
        (line * 3 + b"." + b"ab\r\n", "too much data"),
    ):
        data = MailData(MAX_BYTES, MAX_LINE_BYTES)
        for byte in stream:
            assert data.add(bytes([byte])) is None
        assert data.add(b".\r\n") == b""
        assert data.error == error


class CountingBuffer(bytearray):
    """A buffer that counts the bytes that are looked through in it."""

    scanned = 0

    def find(self, needle: Any, start: Any = 0, *_end: Any) -> int:
        """Count them all: where nothing is found, all of them are read."""
        self.scanned += len(self) - start
        return super().find(needle, start)

    def rfind(self, needle: Any, start: Any = 0, *_end: Any) -> int:
        """The same from the end."""
        self.scanned += len(self) - start
        return super().rfind(needle, start)


@pytest.mark.parametrize("stream", [b"x" * 100_000, b"x" * 99_999 + b"\r", b"a\r\n" + b"x" * 99_997, b"a\r\n" * 33_333])
def test_each_byte_is_read_a_few_times_at_most(stream: bytes) -> None:
    """Whatever the lines are, what is looked through grows with the mail and not with the length of a pending line
    times the number of blocks.
    """
    data, block_bytes = MailData(None, 1 << 20), 100
    buffer = data._buffer = CountingBuffer(data._buffer)
    for at in range(0, len(stream), block_bytes):
        assert data.add(stream[at : at + block_bytes]) is None
    assert len(stream) <= buffer.scanned <= 3 * len(stream)
    assert data.error is None
    assert data.add(b"\r\n.\r\n") == b""


def test_a_mail_that_is_not_kept_takes_no_memory() -> None:
    """After an error only the few bytes are held in which the end may begin."""
    data = MailData(1000, 1000)
    for _ in range(100):
        assert data.add(b"y" * 5000) is None
    assert data.error == "line too long"
    assert len(data._buffer) < 10
    assert data.add(b"\r\n.\r\nQUIT\r\n") == b"QUIT\r\n"

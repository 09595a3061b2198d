"""The mail behind DATA, collected in blocks as they arrive (RFC 5321 sections 4.1.1.4 and 4.5.2).

A line ends with CRLF and with nothing else: a dot behind a bare CR or LF ends no mail (the attack: SMTP smuggling).
This module does no I/O and does not know what is in a mail.
"""

from typing import Literal

_END = b"\r\n.\r\n"
DataError = Literal["line too long", "too much data"]


class MailData:
    """Collects one mail. `max_bytes` (None: any) counts all lines with their dots and line ends, `max_line_bytes` one.

    `error` says why the mail is not kept; the rest of it is still read, for only then the client listens to a reply.
    """

    def __init__(self, max_bytes: int | None, max_line_bytes: int) -> None:
        self.error: DataError | None = None
        self._max_bytes = max_bytes
        self._max_line_bytes = max_line_bytes
        self._buffer = bytearray(b"\r\n")  # the line end before the mail, which may begin with a dot
        self._line_start = 2

    def add(self, block: bytes) -> bytes | None:
        """Take the next block. Return what follows the mail in it, or None while its end is not reached."""
        buffer, searched = self._buffer, max(len(self._buffer) - len(_END) + 1, 0)
        buffer += block
        end = buffer.find(_END, searched)
        rest = None if end < 0 else bytes(memoryview(buffer)[end + len(_END) :])
        if end >= 0:
            del buffer[end + 2 :]
        if self.error is None:
            self._check_lines(searched)
        if self.error is None and self._max_bytes is not None:
            pending = 0 if end >= 0 else len(_END) - 1  # bytes that may belong to the end
            self.error = "too much data" if len(buffer) - 2 - pending > self._max_bytes else None
        if self.error is not None:
            del buffer[: max(len(buffer) - len(_END) + 1, 0)]  # of a mail that is not kept: where its end may begin
        return rest

    def take_content(self) -> bytes:
        """Return the mail without the dots that SMTP has put before lines; nothing of it stays here."""
        content = bytes(memoryview(self._buffer)[2:])
        self._buffer = bytearray()
        if b"\r\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        return content[1:] if content.startswith(b".") else content

    def _check_lines(self, searched: int) -> None:
        """Look for a line that is too long among those that have come since the last look.

        No line that has begun ends before `searched`: a long one must not be looked through again with each block.
        """
        buffer, start = self._buffer, self._line_start
        stop = buffer.rfind(b"\r\n", max(start, searched)) + 2
        if stop > start:
            if stop - start > self._max_line_bytes:
                lines = bytes(memoryview(buffer)[start:stop]).split(b"\r\n")
                self.error = "line too long" if max(map(len, lines)) + 2 > self._max_line_bytes else None
            self._line_start = stop
        if len(buffer) - self._line_start > self._max_line_bytes:
            self.error = "line too long"

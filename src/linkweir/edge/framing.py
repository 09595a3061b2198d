"""HTTP/1.1 read strictly where h11 is lenient: what a proxy in front may understand otherwise is refused with 400, and
the connection is closed.

The attack is request smuggling (RFC 9112 section 11.2): two servers that do not agree where a request ends take what
one of them holds for a body as a request of somebody else.
"""

import re
from typing import Any

import h11
import orjson
from h11._receivebuffer import ReceiveBuffer
from uvicorn.protocols.http.h11_impl import H11Protocol

# a line end of LF alone, a CR without LF, a folded line (section 5.2)
LENIENT = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\n[ \t]")
BODY_LENGTH = (b"content-length", b"transfer-encoding")


class StrictLines(ReceiveBuffer):
    """The lines of a head, or of what follows a body in chunks."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines up to the next empty one; None: they are not all here. Raises LocalProtocolError."""
        end = 0 if self._data.startswith(b"\r\n") else self._data.find(b"\r\n\r\n")
        if LENIENT.search(self._data, 0, len(self._data) if end < 0 else end):
            raise h11.LocalProtocolError("lines must end in CR LF and must not be folded")
        lines = super().maybe_extract_lines()
        if lines:
            _check_length(lines)
        return lines


def _check_length(lines: list[bytearray]) -> None:
    """Raises LocalProtocolError where the length of the body is said twice, or to those who cannot know it."""
    fields = [line.partition(b":")[::2] for line in lines]
    lengths = [(bytes(name.strip().lower()), value) for name, value in fields if name.strip().lower() in BODY_LENGTH]
    if len(lengths) > 1 or any(b"," in value for _, value in lengths):
        raise h11.LocalProtocolError("the length of the body is given more than once")
    if lengths and lengths[0][0] == b"transfer-encoding" and lines[0].endswith(b"HTTP/1.0"):
        raise h11.LocalProtocolError("HTTP/1.0 has no Transfer-Encoding")


class Protocol(H11Protocol):
    """uvicorn's, with strict lines; its own error is JSON as every other."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn._receive_buffer = StrictLines()

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP that is taken here, and close."""
        body = orjson.dumps({"message": "the request cannot be read as HTTP, or could be read in two ways"})
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        self.transport.write(
            self.conn.send(h11.Response(status_code=400, headers=headers, reason=b"Bad Request")) or b""
        )
        self.transport.write(self.conn.send(h11.Data(data=body)) or b"")
        self.transport.write(self.conn.send(h11.EndOfMessage()) or b"")
        self.transport.close()

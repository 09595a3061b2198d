"""HTTP/1.1 read strictly where h11 is lenient: what a proxy in front may understand otherwise is refused with 400, and
the connection is closed.

The attack is request smuggling (RFC 9112 section 11.2): two servers that do not agree where a request ends take what
one of them holds for a body as a request of somebody else.
"""

import asyncio
import contextlib
import re
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import h11
import orjson
from h11._receivebuffer import ReceiveBuffer
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol

# a line end of LF alone, a CR without LF, a folded line (section 5.2)
LENIENT_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\n[ \t]")
BODY_LENGTH_FIELDS = (b"content-length", b"transfer-encoding")
MAX_HEADER_FIELDS = 256  # lines of a head; browsers and proxies send some thirty
MIN_READ_BYTES, MAX_READ_BYTES = 1024, 64 * 1024  # bytes read at once
READ_SECONDS = 0.001


class StrictReceiveBuffer(ReceiveBuffer):
    """The lines of a head, or of what follows a body in chunks."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines up to the next empty one; None: they are not all here. Raises LocalProtocolError."""
        # h11 counts all but the last two bytes as searched; the end that is looked for here is one byte longer
        searched = max(0, self._multiple_lines_search - 1)
        end = 0 if self._data.startswith(b"\r\n") else self._data.find(b"\r\n\r\n", searched)
        if LENIENT_LINE_END.search(self._data, searched, len(self._data) if end < 0 else end):
            raise h11.LocalProtocolError("lines must end in CR LF and must not be folded")
        lines = super().maybe_extract_lines()
        if lines:
            _check_fields(lines)
        return lines


def _check_fields(lines: list[bytearray]) -> None:
    """Raise LocalProtocolError where the length of the body is given twice, or to those who cannot know it."""
    if len(lines) > MAX_HEADER_FIELDS:
        raise h11.LocalProtocolError("there are too many fields")
    fields = [line.partition(b":")[::2] for line in lines]
    lengths = [
        (bytes(name.strip().lower()), value) for name, value in fields if name.strip().lower() in BODY_LENGTH_FIELDS
    ]
    if len(lengths) > 1 or any(b"," in value for _, value in lengths):
        raise h11.LocalProtocolError("the length of the body is given more than once")
    if lengths and lengths[0][0] == b"transfer-encoding" and lines[0].endswith(b"HTTP/1.0"):
        raise h11.LocalProtocolError("HTTP/1.0 has no Transfer-Encoding")


class ReadQueue:
    """Connections with more than could be read at once; each gets its turn, and everything else one in between."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[StrictHttpProtocol] = deque()

    def add(self, connection: "StrictHttpProtocol") -> None:
        """Go on with this one soon."""
        if connection not in self._waiting:
            self._waiting.append(connection)
            if len(self._waiting) == 1:
                self._loop.call_soon(self._read_next)

    def _read_next(self) -> None:
        connection = self._waiting.popleft()
        try:
            connection.read_chunk()
            if connection.has_more:
                self._waiting.append(connection)
        except BaseException:  # as the loop does with a protocol that fails: it ends this connection, no other
            connection.transport.abort()
            raise
        finally:
            if self._waiting:
                self._loop.call_soon(self._read_next)


class ReadFlowControl(FlowControl):
    """uvicorn's, for a connection that may have received more than it has read."""

    def __init__(self, transport: asyncio.Transport, resume: Callable[[], None]) -> None:
        super().__init__(transport)
        self._resume = resume

    def resume_reading(self) -> None:
        """Go on, with what is here first."""
        if self.read_paused:
            self.read_paused = False
            self._resume()


class StrictHttpProtocol(H11Protocol):
    """uvicorn's, with strict lines, and in pieces: a body of a million chunks must not keep the others waiting until
    all of them are read. Its own error is JSON as every other.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn._receive_buffer = StrictReceiveBuffer()
        self._received = bytearray()
        self._chunk_bytes = MIN_READ_BYTES
        queue = READ_QUEUES.get(self.loop)
        self._read_queue = queue or READ_QUEUES.setdefault(self.loop, ReadQueue(self.loop))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn does."""
        super().connection_made(transport)
        self.flow = ReadFlowControl(transport, self._resume)

    def connection_lost(self, exc: Exception | None) -> None:
        """Discard the input that was not read."""
        self._received.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what is quickly read, and leave the rest for later."""
        self._unset_keepalive_if_required()
        waits = bool(self._received)
        self._received += data
        if not waits and not self.flow.read_paused:
            self.read_chunk()
        if self._received:
            self.transport.pause_reading()
            self._resume()

    @property
    def has_more(self) -> bool:
        """Whether there is anything to be read now."""
        return bool(self._received) and not self.flow.read_paused and not self.transport.is_closing()

    def _resume(self) -> None:
        if self.has_more:
            self._read_queue.add(self)
        elif not self._received and not self.flow.read_paused:
            self.transport.resume_reading()

    def read_chunk(self) -> None:
        """Read as much as takes about a millisecond."""
        if self.flow.read_paused or self.transport.is_closing():
            return
        piece = bytes(self._received[: self._chunk_bytes])
        del self._received[: self._chunk_bytes]
        began = time.perf_counter()
        self.conn.receive_data(piece)
        self.handle_events()
        quick = time.perf_counter() - began < READ_SECONDS
        self._chunk_bytes = (
            min(self._chunk_bytes * 2, MAX_READ_BYTES) if quick else max(self._chunk_bytes // 2, MIN_READ_BYTES)
        )
        if not self._received and not self.flow.read_paused:
            self.transport.resume_reading()

    def send_400_response(self, msg: str) -> None:
        """Answer that this is not HTTP as it is served here, and close. A request before it that was read whole is
        answered first, and then no other.
        """
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            cycle.keep_alive = False
            self.flow.pause_reading()
        elif self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._write_error()
            self.transport.close()
        else:  # in the middle of an answer
            self.transport.close()

    def _write_error(self) -> None:
        body = orjson.dumps({"message": "the request cannot be read as HTTP, or could be read in two ways"})
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        self.transport.write(
            self.conn.send(h11.Response(status_code=400, headers=headers, reason=b"Bad Request")) or b""
        )
        with contextlib.suppress(h11.LocalProtocolError):  # to HEAD there is no body
            self.transport.write(self.conn.send(h11.Data(data=body)) or b"")


READ_QUEUES: WeakKeyDictionary[asyncio.AbstractEventLoop, ReadQueue] = WeakKeyDictionary()

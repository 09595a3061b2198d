"""An SMTP server that takes every mail and keeps a note of it, in a process of its own.

`python -m bench.harness.smtp_sink` writes its port, and for each line that comes in a JSON list: of every mail so far
the seconds of the monotonic clock at which it had arrived and the SHA-256 of its bytes. It reads a mail in blocks, so
that it takes little of the processor from whoever sends.
"""

import asyncio
import hashlib
import json
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Self

END = b"\r\n.\r\n"


class SinkProtocol(asyncio.Protocol):
    """One connection: the commands that a client of one mail after the other needs."""

    def __init__(self, mails: list[tuple[float, str]]) -> None:
        self._mails = mails
        self._buffer = bytearray()
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Take commands and mails as they come."""
        self._buffer += data
        while (self._take_mail if self._in_data else self._take_command)():
            pass

    def _take_mail(self) -> bool:
        if not self._buffer.endswith(END):  # clients wait for the answer: nothing follows a mail
            return False
        mail = bytes(self._buffer[: -len(END) + 2])
        self._buffer.clear()
        mail = mail.replace(b"\r\n..", b"\r\n.").removeprefix(b".")
        self._mails.append((time.monotonic(), hashlib.sha256(mail).hexdigest()))
        self._in_data = False
        self._transport.write(b"250 taken\r\n")
        return True

    def _take_command(self) -> bool:
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return False
        self._buffer = rest
        word = bytes(line[:4]).upper()
        self._in_data = word == b"DATA"
        answers = {b"EHLO": b"250-sink\r\n250-8BITMIME\r\n250 SIZE 0\r\n", b"DATA": b"354 go on\r\n"}
        self._transport.write(answers.get(word, b"250 OK\r\n"))
        if word == b"QUIT":
            self._transport.close()
        return True


class SmtpSink:
    """The sink's process; `port` is where it listens."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "bench.harness.smtp_sink"]
        self._process = subprocess.Popen(  # noqa: S603 - our own
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def list_mails(self) -> list[tuple[float, str]]:
        """Arrival and digest of every mail so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return [(at, digest) for at, digest in json.loads(self._process.stdout.readline())]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()


async def serve() -> None:
    """Listen until the process is ended."""
    mails: list[tuple[float, str]] = []
    server = await asyncio.get_running_loop().create_server(lambda: SinkProtocol(mails), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)

    def report() -> None:
        for _ in sys.stdin:
            print(json.dumps(mails), flush=True)

    threading.Thread(target=report, daemon=True).start()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())

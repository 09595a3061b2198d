"""A way to a PostgreSQL server that can be cut, or hold up what is said, as a network or a stopped server does."""

import select
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self
from urllib.parse import parse_qs, urlsplit

_SOCKET = ".s.PGSQL.5432"
_POLL_SECONDS = 0.05


class DatabaseProxy:
    """Passes on what clients say to the server of a database; `url` is the database's address by this way."""

    def __init__(self, url: str) -> None:
        (server,) = parse_qs(urlsplit(url).query)["host"]
        self._server = f"{server}/{_SOCKET}"
        self._is_open = True
        self._is_held = False
        self._has_ended = False
        self._folder = tempfile.mkdtemp(prefix="linkweir-way-")
        self.url = url.replace(server, self._folder)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{self._folder}/{_SOCKET}")
        self._listener.listen(64)
        self._listener.settimeout(_POLL_SECONDS)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended = True
        for thread in self._threads:
            thread.join()
        shutil.rmtree(self._folder)

    def close(self) -> None:
        """End all connections, and let none through until it is opened."""
        self._is_open = False

    def open(self) -> None:
        """Let connections through again."""
        self._is_open = True

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Let nothing through meanwhile."""
        self.close()
        try:
            yield
        finally:
            self.open()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Pass nothing on meanwhile, and tell nobody: connections stay, and new ones are taken."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False

    def _accept(self) -> None:
        with self._listener:
            while not self._has_ended:
                try:
                    client, _ = self._listener.accept()
                except TimeoutError:
                    continue
                self._threads.append(threading.Thread(target=self._pass_on, args=(client,)))
                self._threads[-1].start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            self._wait_while_held()
            if self._is_open:
                server.connect(self._server)
            while self._is_open and not self._has_ended:
                for source in select.select([client, server], [], [], _POLL_SECONDS)[0]:
                    self._wait_while_held()
                    data = source.recv(65536)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)

    def _wait_while_held(self) -> None:
        while self._is_held and self._is_open and not self._has_ended:
            time.sleep(_POLL_SECONDS)

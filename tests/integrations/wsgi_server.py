"""A real HTTP server for a WSGI application, in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.web.running_service import WAIT_SECONDS


@contextmanager
def serve_wsgi(app: Any) -> Iterator[str]:
    """The URL of the application on a loopback port; skips where Werkzeug is not installed."""
    serving = pytest.importorskip("werkzeug.serving")
    server = serving.make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(WAIT_SECONDS)
        server.server_close()

"""The order of system calls of a redirect: the click is flushed before the first byte of the answer leaves."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from linkweir.tokens import Tracker, keyring_file
from tests.conftest import skip_or_fail
from tests.web.running_service import WAIT_SECONDS

TRACED_CALLS = "pwrite64,pwritev2,fdatasync,fsync,write,writev,sendto,sendmsg"
DURABLE = (  # an entry and, perhaps on a later line of the same thread, its result
    re.compile(r"pwritev2.*(RWF_DSYNC|resumed).*\) += [1-9]"),
    re.compile(r"fdatasync.*\) += 0"),
)


@pytest.mark.parametrize("words", [("--workers", "1"), ("--workers", "2")])
def test_the_flush_comes_before_the_answer(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Between a request and its 302 the process has written the event with RWF_DSYNC, or flushed it."""
    tool = shutil.which("strace")
    if tool is None or sys.platform != "linux":
        skip_or_fail("strace is not installed here")
    trace, data = tmp_path / "trace", tmp_path / "data"
    serve = [sys.executable, "-m", "linkweir", "serve", "--port", "0", "--smtp-port", "-1", "--data", str(data), *words]
    tracing = [tool, "-f", "-s", "2000", "-e", f"trace={TRACED_CALLS}", "-o", str(trace)]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("LINKWEIR_")}
    with subprocess.Popen(  # noqa: S603 - ourselves
        [*tracing, *serve], stdout=subprocess.PIPE, text=True, env=settings
    ) as process:
        assert process.stdout is not None
        try:
            line = ""
            while "Account" not in line:
                line = process.stdout.readline()
                assert line, "the service did not start"
                if match := re.search(r"listens on (http://\S+?);", line):
                    address = urlsplit(match[1])
            link = Tracker(keyring_file.load(data / "keys.json"), "http://x/c/", message=7).mint(
                "https://example.com/", 1
            )
            assert address.hostname and address.port  # noqa: PT018 - for the type checker
            with socket.create_connection((address.hostname, address.port), timeout=WAIT_SECONDS) as connection:
                connection.sendall(f"GET {urlsplit(link).path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                assert connection.recv(4096).startswith(b"HTTP/1.1 302")
        finally:
            for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGTERM)  # strace itself lets what it traces go on
            process.wait(WAIT_SECONDS)
    lines = trace.read_text().splitlines()
    (answered,) = [number for number, text in enumerate(lines) if "HTTP/1.1 302" in text]
    began = next(number for number, text in enumerate(lines) if "pwrite" in text and "https://example.com/" in text)
    writer = lines[began].split()[0]
    own = [text for text in lines[began:answered] if text.split()[0] == writer]
    assert any(pattern.search(text) for text in own for pattern in DURABLE), own

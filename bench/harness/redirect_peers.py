"""The bare redirect on the servers that redirects are compared with, in processes of their own."""

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from linkweir.benchmark import EngineNotInstalledError

APPLICATION = "bench.harness.bare_redirect_app:app"
START_TRIES, TRY_SECONDS = 200, 0.1


@dataclass(frozen=True, slots=True)
class RedirectPeer:
    """A server that runs: its address and its process, whose children answer."""

    url: str
    pid: int


def require_package(package: str, reason: str) -> None:
    """Raise EngineNotInstalledError, with the reason why it is needed, where a package is missing."""
    if importlib.util.find_spec(package) is None:
        raise EngineNotInstalledError(f"{package} is not installed here, {reason}")


@contextmanager
def serve_uvicorn(workers: int) -> Iterator[RedirectPeer]:
    """On `uvicorn[standard]`, in so many processes."""
    for package in ("uvloop", "httptools"):
        require_package(package, "which uvicorn[standard] has")
    words = ["uvicorn", APPLICATION, "--no-access-log", "--log-level", "warning", "--loop", "uvloop"]
    with _serve([*words, "--http", "httptools", "--workers", str(workers)]) as peer:
        yield peer


@contextmanager
def serve_granian(workers: int) -> Iterator[RedirectPeer]:
    """On granian, in so many processes: HTTP in Rust, with one thread for it in each."""
    require_package("granian", "with which the distance is measured (`pip install granian`)")
    words = ["granian", "--interface", "asgi", "--no-access-log", "--log-level", "warning", "--loop", "uvloop"]
    with _serve([*words, "--workers", str(workers), APPLICATION]) as peer:
        yield peer


@contextmanager
def _serve(words: Sequence[str]) -> Iterator[RedirectPeer]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", *words, "--host", "127.0.0.1", "--port", str(port)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, cwd=root)  # noqa: S603 - our own
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(START_TRIES):
            try:
                httpx.get(f"{url}/c/x")
                break
            except httpx.HTTPError:
                time.sleep(TRY_SECONDS)
        yield RedirectPeer(url, process.pid)
    finally:
        process.terminate()
        process.wait(20)

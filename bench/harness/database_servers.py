"""Servers of the benchmarks' own, PostgreSQL and NATS, and the processor time that PostgreSQL takes.

It flushes each commit here, as one in use has to; the tests' does not.
"""

import contextlib
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from linkweir.benchmark import EngineNotInstalledError

if TYPE_CHECKING:
    from tests.nats_server import NatsCluster
    from tests.postgresql_server import PostgresqlServer

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SETTINGS = ("fsync=on", "shared_buffers=128MB")


def require_postgresql(name: str = "benchmarks") -> "PostgresqlServer":
    """The server of this name, for all that is measured in this process. Raises EngineNotInstalledError."""
    from tests.postgresql_server import start_server

    server = start_server(name, *SETTINGS)
    if isinstance(server, str):
        raise EngineNotInstalledError(server)
    return server


def read_server_seconds(server: "PostgresqlServer") -> float:
    """Processor time of all processes of a server, those that have ended included, in seconds."""
    nanoseconds = ended_ticks = 0
    root = server.process.pid
    for pid in (root, *map(int, Path(f"/proc/{root}/task/{root}/children").read_text().split())):
        with contextlib.suppress(OSError):
            nanoseconds += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ended_ticks += int(fields[13]) + int(fields[14])  # of children that it has waited for
    return nanoseconds / 1e9 + ended_ticks / TICKS_PER_SECOND


def require_nats_cluster(count: int) -> "NatsCluster":
    """So many NATS servers that hold streams together. Raises EngineNotInstalledError."""
    from tests.nats_server import NatsCluster, find_nats_server

    if find_nats_server() is None:
        raise EngineNotInstalledError("nats-server is not installed")
    if importlib.util.find_spec("nats") is None:
        raise EngineNotInstalledError("nats-py is not installed")
    return NatsCluster(count)

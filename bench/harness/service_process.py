"""A real `linkweir serve` in a process of its own, for loads that come over loopback."""

import contextlib
import os
import re
import secrets
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

START_TIMEOUT_SECONDS = 30.0  # seconds
NO_RATE_LIMITS = {"LINKWEIR_RATE_LIMIT": "1000000", "LINKWEIR_RATE_BURST": "1000000", "LINKWEIR_LOG_LEVEL": "warning"}


class ServiceProcess:
    """Started on free ports in a temporary folder; mail goes nowhere (`discard`) unless settings say otherwise.

    `words` are further options of `serve`, one process unless they say otherwise. `client` signs in to the
    account; `base` is the account's path.
    """

    def __init__(self, *words: str, **settings: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.data = Path(self._folder.name) / "data"
        key = "bench-" + secrets.token_hex(32)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LINKWEIR_")}
        chosen = {"LINKWEIR_TRANSPORT": "discard", "LINKWEIR_API_KEY": key, **NO_RATE_LIMITS, **settings}
        if "--workers" not in words:
            words = ("--workers", "1", *words)
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "linkweir", "serve", "--port", "0", "--data", str(self.data), *words],
            env={**kept, **chosen},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.startup_output = ""
        self.account = self.startup_value(r"Account\s+(\S+)")
        self.url = self.startup_value(r"listens on (http://\S+?);")
        self.base = f"/v2/accounts/{self.account}"
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
        )

    def startup_value(self, pattern: str) -> str:
        """What the service says of itself when it starts."""
        assert self._process.stdout is not None
        while not (match := re.search(pattern, self.startup_output)):
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError(f"the service did not start: {self.startup_output}")
            self.startup_output += line
        return match[1]

    @property
    def pid(self) -> int:
        """The process that was started; with several it is their parent."""
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the service has taken, with that of its children that have ended."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    @property
    def pss_bytes(self) -> int:
        """Bytes of memory of all its processes, shared pages by their share."""
        return sum(_read_pss(pid) for pid in _list_tree(self._process.pid))

    def kill(self) -> None:
        """End it as a power cut would, from one moment to the next."""
        self._process.kill()
        self._process.wait()

    def count_stored(self) -> tuple[int, int]:
        """Messages and mails that a service which was killed has left in its database."""
        with contextlib.closing(sqlite3.connect(self.data / "linkweir.db")) as connection:
            mails = "contents LEFT JOIN shared_contents ON shared_id = id"
            tables = ("messages", f"{mails} WHERE length(raw) + ifnull(length(data), 0) > 1000")
            counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]  # noqa: S608
        return counts[0], counts[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self._process.terminate()
        self._process.communicate(timeout=START_TIMEOUT_SECONDS)
        self._folder.cleanup()


def read_tree_seconds(root: int) -> float:
    """Processor time of a process and of all below it that live, in seconds."""
    nanoseconds = 0
    for pid in _list_tree(root):
        for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                nanoseconds += int(path.read_text().split()[0])
    return nanoseconds / 1e9


def _list_tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, path.read_text().split())
    return found


def _read_pss(pid: int) -> int:
    with contextlib.suppress(OSError):
        match = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(match[1]) * 1024 if match else 0
    return 0

"""A machine of a service: `linkweir serve` in processes of its own."""

import http.client
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

from tests.preloaded_command import start_command
from tests.web.running_service import WAIT_SECONDS, wait_until


class MachineProcess:
    """`linkweir serve` with further words, in processes of its own, with a data folder that can be thrown away.
    `printed`: what it has said so far.
    """

    def __init__(self, folder: Path, *more: str, **settings: str) -> None:
        folder.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LINKWEIR_")}
        words = ["serve", "--data", str(folder), "--port", "0", *more]
        self.folder = folder
        self._process: subprocess.Popen[str] = start_command(
            words, env={**kept, **settings}, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        self.printed = ""
        self.port = int(self.wait_for(r"listens on http://\S+:(\d+)"))
        self.url = f"http://127.0.0.1:{self.port}"
        wait_until(self._is_ready)

    def wait_for(self, pattern: str) -> str:
        """What it prints that matches: the first group."""
        assert self._process.stdout is not None
        while not (match := re.search(pattern, self.printed)):
            line = self._process.stdout.readline()
            assert line, f"it did not start: {self.printed}"
            self.printed += line
        return match[1]

    def _is_ready(self) -> bool:
        try:
            return self.get("/readyz") == 200
        except OSError:
            return False

    def get(self, path: str) -> int:
        """The status of one request on a new connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End all of its processes at once, and remove its disk."""
        pid = self._process.pid
        children = [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for process in (pid, *children):
            os.kill(process, signal.SIGKILL)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait(60)
        wait_until(lambda: not any(Path(f"/proc/{child}/cmdline").exists() and _is_alive(child) for child in children))
        shutil.rmtree(self.folder)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

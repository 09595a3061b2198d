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
    """`linkweir serve` with further words, in processes of its own, with a data folder, which may be one that is there.
    `printed`: what it has said so far.
    """

    def __init__(self, folder: Path, *more: str, **settings: str) -> None:
        folder.mkdir(exist_ok=True)
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

    @property
    def pid(self) -> int:
        """Its first process."""
        return self._process.pid

    def list_children(self) -> list[int]:
        """The processes that the first one has started."""
        return [int(text) for text in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def find_background(self) -> int:
        """The one of them that does not answer HTTP, once it has made way for the others."""
        background: list[int] = []

        def find() -> bool:
            niceness = {child: os.getpriority(os.PRIO_PROCESS, child) for child in self.list_children()}
            background[:] = [child for child in niceness if niceness[child] > min(niceness.values())]
            return len(background) == 1

        wait_until(find)
        return background[0]

    def kill(self, *, keeps_disk: bool = False) -> None:
        """End all of its processes at once, and remove its disk."""
        children = self.list_children()
        for process in (self.pid, *children):
            os.kill(process, signal.SIGKILL)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait(60)
        wait_until(lambda: not any(Path(f"/proc/{child}/cmdline").exists() and _is_alive(child) for child in children))
        if not keeps_disk:
            shutil.rmtree(self.folder)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

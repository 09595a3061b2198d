"""The recipe for two machines on the page about scaling, followed as it stands there."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.conftest import skip_or_fail
from tests.database_proxy import DatabaseProxy
from tests.manual.examples import PAGES
from tests.manual.library_examples import examples
from tests.postgresql_server import require_postgresql
from tests.web.running_service import WAIT_SECONDS

SHOWN_DATABASE = "postgresql://linkweir:PASSWORD@localhost/linkweir"
CREATION = """sudo -u postgres createuser --pwprompt linkweir
sudo -u postgres createdb --owner=linkweir --encoding=UTF8 --template=template0 linkweir"""
SHOWN_PORTS = ("8025", "8026", "8587")
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000  # below those that systems give to connections
END = "--- end of block"


class Shell:
    """One bash with a folder and a `linkweir` of its own, which is killed with all that it started in the end."""

    def __init__(self, folder: Path) -> None:
        programs = folder / "bin"
        programs.mkdir()
        (programs / "linkweir").write_text(f'#!/bin/sh\nexec {sys.executable} -m linkweir "$@"\n')
        (programs / "linkweir").chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LINKWEIR_")}
        changed = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
        changed |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
        self._process = subprocess.Popen(
            ["/bin/bash", "-euo", "pipefail"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=kept | changed,
            start_new_session=True,
        )

    def run(self, text: str) -> list[str]:
        """Run a block to its end, and return the lines that it wrote. Raises AssertionError if a command fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        alarm = threading.Timer(WAIT_SECONDS, self._kill)
        alarm.start()
        try:
            self._process.stdin.write(f"{{\n{text}\n}} < /dev/null\necho; echo '{END}'\n")
            self._process.stdin.flush()
            lines: list[str] = []
            while (line := self._process.stdout.readline()) != f"{END}\n":
                assert line, f"{text}\nended with\n{''.join(lines)}"
                lines.append(line)
        finally:
            alarm.cancel()
        return [line.rstrip() for line in lines]

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self._process.communicate()


def _choose_ports() -> list[str]:
    """Free ports that no connection takes meanwhile."""
    result: list[str] = []
    start = LOWEST_PORT + os.getpid() % (HIGHEST_PORT - LOWEST_PORT - 1000)
    for port in range(start, HIGHEST_PORT):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        result.append(str(port))
        if len(result) == len(SHOWN_PORTS):
            break
    return result


def test_the_recipe_for_two_machines_works(tmp_path: Path) -> None:
    """Each block of the page runs in order and writes the lines that its comments show, with another address of the
    database and other ports; where the page stops the database's server, the way to it is cut.
    """
    for program in ("curl", "openssl"):
        if shutil.which(program) is None:
            skip_or_fail(f"{program} is not installed")
    text = (PAGES / "scaling.md").read_text(encoding="utf-8")
    recipe = [example.text for example in examples(text) if example.language == "sh"]
    server = require_postgresql()
    url = server.create(empty=True)
    try:
        with DatabaseProxy(url) as proxy, Shell(tmp_path) as shell:
            replaced = {SHOWN_DATABASE: f"'{proxy.url}'", **dict(zip(SHOWN_PORTS, _choose_ports(), strict=True))}
            actions = {CREATION: lambda: None, "sudo systemctl stop postgresql": proxy.close}
            actions["sudo systemctl start postgresql"] = proxy.open
            for block in recipe:
                if block.startswith("sudo "):
                    actions.pop(block.strip())()
                else:
                    _run(shell, block, replaced)
            assert actions == {}
    finally:
        server.drop(url)


def _run(shell: Shell, block: str, replaced: dict[str, str]) -> None:
    adapted = re.sub("|".join(map(re.escape, replaced)), lambda match: replaced[match[0]], block)
    written = shell.run(adapted)
    for line in re.findall(r"^# (.*)$", block, re.MULTILINE):
        assert line in written, (block, written)

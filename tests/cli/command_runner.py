"""Run `python -m linkweir` as a user's shell would."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.preloaded_command import COMMAND, run_command, start_command
from tests.web.running_service import WAIT_SECONDS

BASE_URL = "https://t.example.com"
HTML_LINE = b'<p>Hi <a href="https://example.com/a?b=1&amp;c=2">go</a> <a href="www.example.org">no</a></p>\n'


@dataclass
class CommandResult:
    """What a finished command said and how it ended."""

    code: int
    out: bytes
    err: str


@dataclass
class CommandRunner:
    """The command, with a home and a working folder."""

    home: Path
    work: Path

    @property
    def key_file(self) -> Path:
        return self.home / "config" / "linkweir" / "linkweir.keys"

    def environment(self, **more: str) -> dict[str, str]:
        ours = {"NO_COLOR", "COLUMNS", *(name for name in os.environ if name.startswith("LINKWEIR_"))}
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        return {**kept, "HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / "config"), **more}

    def __call__(self, *args: str | Path, stdin: bytes = b"", **env: str) -> CommandResult:
        """Run to the end, with everything piped."""
        done = run_command(args, stdin, WAIT_SECONDS, cwd=self.work, env=self.environment(**env))
        return CommandResult(done.returncode, done.stdout, done.stderr.decode())

    def run_under(self, wrapper: list[str], *args: str | Path, stdin: bytes = b"", **env: str) -> CommandResult:
        """Run it to the end through another command that changes what it may do."""
        done = subprocess.run(  # noqa: S603 -- our own command
            [*wrapper, *COMMAND, *args],
            input=stdin,
            capture_output=True,
            cwd=self.work,
            env=self.environment(**env),
            timeout=WAIT_SECONDS,
            check=False,
        )
        return CommandResult(done.returncode, done.stdout, done.stderr.decode())

    def start(self, *args: str | Path, **popen: Any) -> "subprocess.Popen[bytes]":
        """Start it and return at once."""
        return start_command(args, **self._options(popen))

    def start_anew(self, *args: str | Path, **popen: Any) -> "subprocess.Popen[bytes]":
        """Start it in a new Python that has loaded nothing yet."""
        return subprocess.Popen([*COMMAND, *args], **self._options(popen))  # noqa: S603 -- our own command

    def _options(self, popen: dict[str, Any]) -> dict[str, Any]:
        return {"cwd": self.work, "env": self.environment(), **popen}

    def rewrite(self, *args: str | Path, stdin: bytes = b"") -> CommandResult:
        """`linkweir rewrite` with a base URL."""
        return self("rewrite", "--base-url", BASE_URL, *args, stdin=stdin)


def list_temporary_files(folder: Path) -> list[str]:
    """Names of temporary files below `folder`."""
    return [str(path) for path in folder.rglob(".linkweir-*")]


def make_newsletter(size: int, seed: int = 0) -> bytes:
    """A document of about `size` bytes, full of links."""
    rows = (f'<p>Row {seed}.{n} <a href="https://example.com/{seed}/{n}">go</a></p>\n' for n in range(size // 50 + 1))
    return b"<!doctype html>\n" + "".join(rows).encode()

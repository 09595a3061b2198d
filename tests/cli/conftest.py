"""How the tests run the command: as a real process, with a home of its own."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_runner import CommandRunner

if os.name != "posix":  # pseudo-terminals, signals and pipes with names: none of it exists elsewhere
    collect_ignore_glob = ["test_*.py"]

CRASHING_SCRIPT = """
import os, signal
from linkweir.bulk import file_rewriter
rewrite = file_rewriter.rewrite_message
def rewrite_message(raw, *words, **named):
    if b"DEADLY" in raw:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"WRONG" in raw:
        raise LookupError("nobody knows why")
    return rewrite(raw, *words, **named)
file_rewriter.rewrite_message = rewrite_message
"""


@pytest.fixture
def linkweir(tmp_path: Path) -> CommandRunner:
    """The command, run in tmp_path/work with its key file below tmp_path/home."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    return CommandRunner(home=home, work=work)


@pytest.fixture
def work(linkweir: CommandRunner) -> Path:
    """The folder that the command runs in."""
    return linkweir.work


@pytest.fixture
def crashing_environment(work: Path) -> dict[str, Any]:
    """Variables for a command in which some mails end the process, or are an error nobody has foreseen."""
    (work / "custom").mkdir()
    (work / "custom" / "sitecustomize.py").write_text(CRASHING_SCRIPT)
    return {"PYTHONPATH": str(work / "custom")}

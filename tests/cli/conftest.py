"""How the tests run the command: as a real process, with a home of its own."""

import os
from pathlib import Path

import pytest

from tests.cli.command_runner import CommandRunner

if os.name != "posix":  # pseudo-terminals, signals and pipes with names: none of it exists elsewhere
    collect_ignore_glob = ["test_*.py"]


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

"""`linkweir migrate`: what it says, and what it never shows."""

from pathlib import Path

import pytest

from tests.cli.command_runner import CommandRunner
from tests.postgresql_server import require_postgresql
from tests.web.running_service import RunningService


def test_the_command_moves_a_stopped_service(linkweir: CommandRunner, tmp_path: Path) -> None:
    """It says how many rows were copied and what to do now; a second time it refuses, for the target is in use."""
    with RunningService(tmp_path / "data") as service:
        service.send()
        assert linkweir("migrate", "--to", "postgresql://db.example/x", "--data", tmp_path / "data").code == 1
    server = require_postgresql()
    url = server.create(empty=True)
    done = linkweir("migrate", "--to", "postgresql", "--data", tmp_path / "data", LINKWEIR_DATABASE=url)
    assert (done.code, done.err) == (0, "")
    assert b"counts and sums agree.\nNow start the service" in done.out
    again = linkweir("migrate", "--to", "postgresql", "--data", tmp_path / "data", LINKWEIR_DATABASE=url)
    assert (again.code, again.out) == (1, b"")
    assert "there is an account in it already; name an empty database" in again.err
    server.drop(url)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--to", "mysql://user:hunter2@db/x"], "name sqlite, postgresql, or the URL of a database"),
        (["--to", "sqlite"], "LINKWEIR_DATABASE has to name the PostgreSQL database"),
        ([], "the following arguments are required: --to"),
    ],
)
def test_a_target_that_makes_no_sense(linkweir: CommandRunner, tmp_path: Path, arguments: list[str], why: str) -> None:
    """It is a usage error in one sentence, which holds no password."""
    done = linkweir("migrate", *arguments, "--data", tmp_path)
    assert done.code == 2
    assert why in done.err
    assert "hunter2" not in done.err


def test_a_server_that_is_away_is_named_without_the_password(linkweir: CommandRunner, tmp_path: Path) -> None:
    """An outage says which database, and never what opens it."""
    with RunningService(tmp_path / "data"):
        pass
    done = linkweir("migrate", "--to", f"postgresql://me:hunter2@/x?host={tmp_path}", "--data", tmp_path / "data")
    assert done.code == 1
    assert "postgresql:///x" in done.err
    assert "hunter2" not in done.err

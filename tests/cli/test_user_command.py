"""`linkweir user`: who may sign in to the dashboard of a service that runs or not."""

import re
from pathlib import Path

from linkweir.accounts import roles
from linkweir.accounts.sign_in_limiter import USER_LIMIT, user_key
from linkweir.cli import user_command
from linkweir.clock import now
from linkweir.db import sign_in_limits_table
from linkweir.db.sign_in_limits_table import SignInLimit
from tests.cli.command_runner import CommandRunner
from tests.dashboard.browser_client import EMAIL, DashboardClient, add_user
from tests.web.running_service import WAIT_SECONDS, RunningService


def test_a_user_is_made_and_gets_in(linkweir: CommandRunner, tmp_path: Path) -> None:
    """`add` prints a password that opens the dashboard of the running service; letter case does not matter."""
    with RunningService(tmp_path / "data") as service, DashboardClient(service) as visitor:
        created = linkweir("user", "add", "Ada@Example.com", "--data", tmp_path / "data")
        assert created.code == 0, created.err
        password = re.search(rb"password (\S+) ", created.out)
        assert password
        assert visitor.sign_in("ada@EXAMPLE.com", password[1].decode()).status_code == 303
        listed = linkweir("user", "list", "--data", tmp_path / "data").out
        assert listed.startswith(b"ada@example.com  created 2")
        assert b"never" not in listed
        again = linkweir("user", "add", "ada@example.com", "--data", tmp_path / "data")
        assert again.code == 1
        assert "the user ada@example.com exists already" in again.err


def test_a_new_password_ends_sessions_and_a_removed_user_is_out(linkweir: CommandRunner, tmp_path: Path) -> None:
    """`password --ask` takes it from a pipe and ends sessions; `remove` ends them too."""
    folder = tmp_path / "data"
    with RunningService(folder) as service, DashboardClient(service) as visitor:
        linkweir("user", "add", "ada@example.com", "--data", folder, "--ask", stdin=b"the first password\n")
        assert visitor.sign_in("ada@example.com", "the first password").status_code == 303
        short = linkweir("user", "password", "ada@example.com", "--data", folder, "--ask", stdin=b"short\n")
        assert (short.code, "at least 10" in short.err or "10 to" in short.err) == (2, True)
        assert visitor.http.get("/settings").status_code == 200
        second = b"the second password\n"
        done = linkweir("user", "password", "ada@example.com", "--data", folder, "--ask", stdin=second)
        assert (done.code, b"second" in done.out) == (0, False)
        assert visitor.http.get("/settings").status_code == 303
        assert visitor.sign_in("ada@example.com", "the second password").status_code == 303
        refused = linkweir("user", "remove", "ada@example.com", "--data", folder)
        assert (refused.code, "the last user" in refused.err) == (2, True)
        assert visitor.http.get("/settings").status_code == 200
        removed = linkweir("user", "remove", "ada@example.com", "--data", folder, "--yes")
        assert (removed.code, b"linkweir user add EMAIL" in removed.out) == (0, True)
        assert visitor.http.get("/settings").status_code == 303
        assert linkweir("user", "list", "--data", folder).out == b""


def test_one_of_several_users_is_removed_without_a_question(linkweir: CommandRunner, tmp_path: Path) -> None:
    """Only the last user needs --yes."""
    with RunningService(tmp_path / "data"):
        for email in ("ada@example.com", "ben@example.com"):
            assert linkweir("user", "add", email, "--data", tmp_path / "data").code == 0
        removed = linkweir("user", "remove", "ada@example.com", "--data", tmp_path / "data")
        assert (removed.code, removed.out) == (0, b"removed user ada@example.com\n")


def test_a_new_password_lifts_what_stood_against_a_user(linkweir: CommandRunner, tmp_path: Path) -> None:
    """Failures at the old password, which keep everybody out who comes from somewhere new, are forgotten."""
    folder = tmp_path / "data"
    with RunningService(folder) as service, DashboardClient(service) as visitor:
        add_user(service)
        limit = SignInLimit(user_key(EMAIL), *USER_LIMIT)
        with service.components.database.write() as connection:
            for _ in range(limit.burst):
                sign_in_limits_table.consume(connection, [limit], now())
        assert visitor.sign_in().status_code == 429
        new = "another good password"
        assert linkweir("user", "password", EMAIL, "--ask", "--data", folder, stdin=new.encode()).code == 0
        assert visitor.sign_in(password=new).status_code == 303


def test_mistakes_are_reported_in_a_line(linkweir: CommandRunner, tmp_path: Path) -> None:
    """No database, no such user and no e-mail address are one line and a code, without a traceback."""
    none = linkweir("user", "list", "--data", tmp_path / "nothing")
    assert none.code == 2
    assert "no data of a service" in none.err
    with RunningService(tmp_path / "data"):
        pass
    unknown = linkweir("user", "remove", "eve@example.com", "--data", tmp_path / "data")
    assert (unknown.code, unknown.err) == (1, "linkweir: there is no user eve@example.com\n")
    assert linkweir("user", "add", "eve", "--data", tmp_path / "data").code == 2
    assert not (tmp_path / "nothing").exists()


def test_the_first_start_prints_a_user_once(linkweir: CommandRunner, tmp_path: Path) -> None:
    """`serve` prints the dashboard's address with a user and a password that open it, and a later start does not."""
    import signal
    import subprocess

    def start(words: str) -> tuple[bool, bytes]:
        command = ("serve", "--data", tmp_path / "data", "--port", "0", "--smtp-port", "-1", "--workers", "1")
        process = linkweir.start(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout
        text = b""
        while words.encode() not in text:
            line = process.stdout.readline()
            assert line
            text += line
        match = re.search(rb"Dashboard +(http\S+)", text)
        assert match
        shown = re.search(rb"user (\S+)  password (\S+)", text)
        opened = False
        if shown:
            import httpx

            from tests.dashboard.browser_client import read_form_token
            from tests.web.running_service import wait_until

            with httpx.Client(base_url=match[1].decode(), timeout=WAIT_SECONDS) as client:
                wait_until(lambda: _is_listening(client))
                token = read_form_token(client.get("sign-in").text)
                fields = {"token": token, "email": shown[1].decode(), "password": shown[2].decode()}
                opened = client.post("sign-in", data=fields).status_code == 303
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_SECONDS)
        return opened, text

    opened, text = start("API key")
    assert opened
    assert b"admin@localhost" in text
    opened, text = start("API key")
    assert not opened
    assert b"admin@localhost" not in text
    assert b"password" not in text


def _is_listening(client: object) -> bool:
    import httpx

    assert isinstance(client, httpx.Client)
    try:
        return client.get("sign-in").status_code == 200
    except httpx.ConnectError:
        return False


def test_the_command_knows_every_role() -> None:
    """Its list, which stands there so that help loads no database code, is the table's."""
    assert user_command.ROLES == roles.ROLES

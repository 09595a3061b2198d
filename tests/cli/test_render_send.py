"""`linkweir render --send`: a newsletter through a service's queue, each recipient once, whatever ends the command."""

import json
import os
import re
import signal
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from linkweir.accounts import account_settings
from linkweir.clock import now
from linkweir.db.schema import messages
from tests.cli.command_runner import CommandResult, CommandRunner
from tests.web.running_service import WAIT_SECONDS, RunningService, read_maildir, wait_until

COUNT = 200
PAGE = "<p>Hi {{ name }}, <a href='https://example.com/{{ code }}'>yours</a></p>"
SLOW_PAGE = "{% for i in range(10000) %}{% endfor %}" + PAGE


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """A service that delivers to a Maildir."""
    with RunningService(tmp_path / "data") as running:
        yield running


class Sending:
    """The command with a service's data, and its file of recipients, of which rows 50 and 150 have no address."""

    def __init__(self, linkweir: CommandRunner, service: RunningService) -> None:
        self.linkweir, self.service = linkweir, service
        self.arguments = ["render", "page.html", "--recipients", "r.csv", "--send", "--from", "News <news@example.com>"]
        self.arguments += ["--subject", "For {{ name }}", "--data", str(service.settings.data)]
        self.arguments += ["--variant-column", "side", "--campaign", "spring", "--report", "report"]
        self.environment = {"LINKWEIR_BASE_URL": service.settings.base_url}
        if service.settings.database:
            self.environment["LINKWEIR_DATABASE"] = service.settings.database
        rows = [f"u{n}@example.com,N{n} & co,c{n},{'ab'[n % 2]}" for n in range(1, COUNT + 1)]
        rows[49], rows[149] = "nobody,x,c50,a", ",x,c150,a"
        self.recipients = linkweir.work / "r.csv"
        self.recipients.write_text("\n".join(["email,name,code,side", *rows, ""]))

    def run(self, *more: str, **environment: str) -> CommandResult:
        return self.linkweir(*self.arguments, *more, stdin=b"", **{**self.environment, **environment})

    def start(self) -> "subprocess.Popen[bytes]":
        environment = self.linkweir.environment(**self.environment)
        null = subprocess.DEVNULL
        return self.linkweir.start(*self.arguments, stdout=null, stderr=null, env=environment)

    def count_messages(self) -> int:
        with self.service.components.database.read() as connection:
            return int(connection.scalar(select(func.count()).select_from(messages)) or 0)

    def list_delivered(self) -> list[Any]:
        return list(read_maildir(self.service.settings.maildir_path).values())


@pytest.fixture
def sending(linkweir: CommandRunner, service: RunningService) -> Sending:
    (linkweir.work / "page.html").write_text(PAGE)
    return Sending(linkweir, service)


@pytest.mark.both_databases
def test_each_recipient_gets_one_mail_whatever_kills_the_run(sending: Sending) -> None:
    """A run that is killed half-way, and gone on with twice at a time, queues each mail once; the service delivers."""
    (sending.linkweir.work / "page.html").write_text(SLOW_PAGE)
    process = sending.start()
    deadline = time.monotonic() + WAIT_SECONDS
    while not sending.count_messages() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    queued = sending.count_messages()
    assert 0 < queued < COUNT - 2
    other = sending.run("--subject", "Another")
    assert other.code == 2
    assert "with other templates, recipients or options" in other.err
    rival = sending.start()
    done = sending.run()
    code = rival.wait(WAIT_SECONDS)
    assert {done.code, code} <= {1, 2}
    again = sending.run()
    assert again.code == 2
    assert "queued for all these recipients already" in again.err
    assert sending.count_messages() == COUNT - 2
    report = [json.loads(line) for line in (sending.linkweir.work / "report").read_bytes().splitlines()]
    assert [(row["row"], row["outcome"]) for row in report] == [(50, "address"), (150, "address")]
    wait_until(lambda: len(sending.list_delivered()) >= COUNT - 2)
    expected = [n for n in range(1, COUNT + 1) if n not in (50, 150)]
    mails = sending.list_delivered()
    assert Counter(str(mail["To"]) for mail in mails) == Counter(f"u{n}@example.com" for n in expected)
    assert {str(mail["Subject"]) for mail in mails} == {f"For N{n} & co" for n in expected}


def test_mails_are_those_of_the_service(sending: Sending) -> None:
    """Queued mails have the service's links, tag and variant; the summary counts by outcome; the links work."""
    done = sending.run()
    assert done.code == 1, done.err
    assert "198 mails queued" in done.err
    assert "r.csv: row 50: 'nobody' " in done.err
    assert "2  address " in done.err
    with sending.service.components.database.read() as connection:
        rows = connection.execute(select(messages)).mappings().all()
    assert {(row["recipient"], row["variant"]) for row in rows} == {
        (f"u{n}@example.com", "ab"[n % 2]) for n in range(1, COUNT + 1) if n not in (50, 150)
    }
    assert {tuple(row["tags"]) for row in rows} == {("spring",)}
    wait_until(lambda: len(sending.list_delivered()) == COUNT - 2)
    mail = next(mail for mail in sending.list_delivered() if mail["To"] == "u7@example.com")
    (url,) = re.findall(r"href='([^']+)'", mail.get_body(("html",)).get_content())
    assert url.startswith(sending.service.settings.base_url)
    clicked = sending.service.reader.get(url)
    assert (clicked.status_code, clicked.headers["location"]) == (302, "https://example.com/c7")


def test_what_is_not_clear_is_refused(sending: Sending, tmp_path: Path) -> None:
    """No data, no such account, an account that is not named, another base URL, and options of files queue nothing."""
    refused = {
        ("--data", str(tmp_path / "empty")): "there is no data of a service",
        ("--account", str(uuid.uuid4())): "there is no account",
        ("--base-url", "https://other.example.com/"): "which this service does not answer",
        ("-o", "mails.ndjson"): "--output is not for --send",
        ("--one-time",): "--one-time is not for --send",
        ("--subject", "{{ x"): "subject: template error",
        ("--from", "nobody"): "e-mail address",
        ("--address-column", "mail"): "there is no column 'mail'",
    }
    for arguments, problem in refused.items():
        done = sending.run(*arguments, **({"LINKWEIR_DATABASE": ""} if arguments[0] == "--data" else {}))
        assert (done.code, problem in done.err) == (2, True), done.err
    assert not (tmp_path / "empty").exists()
    with sending.service.components.database.write() as connection:
        account = account_settings.create_account(connection, "second", now())
    done = sending.run()
    assert (done.code, "name one with --account" in done.err) == (2, True)
    assert sending.count_messages() == 0
    assert sending.run("--account", str(account)).code == 1
    with sending.service.components.database.read() as connection:
        assert set(connection.scalars(select(messages.c.account_id))) == {account}


def test_odd_rows_are_refused_alone(sending: Sending) -> None:
    """What cannot be read, used or filled costs its own row only, and is told from what other rows have."""
    nested: Any = "x"
    for _ in range(40):
        nested = [nested]
    rows: list[dict[str, Any]] = [{"email": f"v{n}@example.com", "name": n, "code": "c"} for n in range(6)]
    rows[1]["deep"], rows[2]["code"], rows[3]["name"], rows[4]["side"] = nested, "\ud800", {"a": float("nan")}, "x" * 65
    lines = [*map(json.dumps, rows), "{", json.dumps({"email": "w@example.com", "name": "a\nb"})]
    (sending.linkweir.work / "r.ndjson").write_text("\n".join(lines))
    done = sending.run("--recipients", "r.ndjson")
    assert done.code == 1
    report = [json.loads(line) for line in (sending.linkweir.work / "report").read_bytes().splitlines()]
    assert [(row["row"], row["outcome"]) for row in report] == [
        (2, "row"),
        (3, "row"),
        (5, "row"),
        (7, "row"),
        (8, "template"),
    ]
    assert sending.count_messages() == 3

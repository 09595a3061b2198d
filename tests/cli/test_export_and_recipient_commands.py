"""`linkweir export` and `linkweir recipient` beside a service that runs."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import insert

from linkweir.db import schema
from tests.cli.command_runner import CommandRunner
from tests.stats.aggregate_rows import insert_click
from tests.web.running_service import RunningService


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for this file."""
    with RunningService(tmp_path_factory.mktemp("data") / "data") as running:
        yield running


def send_and_deliver(service: RunningService, email: str, tag: str) -> uuid.UUID:
    """The id of a delivered message."""
    message = service.send(recipients=[{"email": email}], tags=[tag])[0]["id"]
    service.wait_for_mail(message)
    return uuid.UUID(service.get_message(message)["id"])


def test_clicks_and_clickers_are_exported(service: RunningService, linkweir: CommandRunner, tmp_path: Path) -> None:
    """Clicks come as CSV on standard output or as a file in another format; people with --clickers."""
    message = send_and_deliver(service, "ada@example.org", "spring")
    with service.components.database.write() as connection:
        keys = {str(insert_click(connection, uuid.UUID(service.account), message_id=message, at=5)) for _ in range(3)}
        link = {"message_id": message, "position": 0, "human": 3, "first_at": 5}
        connection.execute(insert(schema.message_link_rows).values(**link))
    data = service.settings.data
    done = linkweir("export", "--data", data, "--from", "1970-01-01", "--to", "1970-01-02T00:00:00Z")
    assert (done.code, done.err) == (0, "")
    assert {row["id"] for row in csv.DictReader(io.StringIO(done.out.decode()))} == keys
    file = tmp_path / "x.ndjson"
    done = linkweir("export", "--data", data, "--format", "ndjson", "--clickers", "--tag", "spring", "-o", file)
    assert (done.code, done.err, done.out) == (0, "", b"")
    (line,) = file.read_text().splitlines()
    assert (json.loads(line)["recipient"], json.loads(line)["click_count"]) == ("ada@example.org", 3)


def test_a_person_is_exported_and_erased(service: RunningService, linkweir: CommandRunner) -> None:
    """The export is JSON with every message; erasing asks for a yes, says what it removed, and leaves nothing."""
    send_and_deliver(service, "Grace@example.org", "x")
    data = service.settings.data
    shown = linkweir("recipient", "export", "grace@EXAMPLE.org", "--data", data)
    assert (shown.code, shown.err) == (0, "")
    assert [entry["recipient"] for entry in json.loads(shown.out)["messages"]] == ["Grace@example.org"]
    refused = linkweir("recipient", "erase", "grace@example.org", "--data", data)
    assert refused.code == 2
    assert "--yes" in refused.err
    done = linkweir("recipient", "erase", "nobody@example.org", "grace@example.org", "--yes", "--data", data)
    assert (done.code, done.err) == (0, "")
    (line,) = [line for line in done.out.decode().splitlines() if "grace" in line]
    removed, _, named = line.partition("; named in ")
    assert "1 messages" in removed
    assert "1 mails in the Maildir" in removed  # their own mail, which does not only name them
    assert "Maildir" not in named
    shown = linkweir("recipient", "export", "grace@example.org", "--data", data)
    assert json.loads(shown.out)["messages"] == []
    files = [path for path in data.rglob("*") if path.is_file() and b"grace" in path.read_bytes().lower()]
    assert files == []


def test_clicks_that_nobody_has_stored_are_handed_out_and_erased(linkweir: CommandRunner, tmp_path: Path) -> None:
    """While no service runs, its journal holds clicks: the export brings them to the database and has them, and erasing
    leaves no byte of them, in the journal neither; both succeed.
    """
    data = tmp_path / "data"
    with RunningService(data) as served:
        message = served.send(recipients=[{"email": "ada@example.org"}, {"email": "eve@example.org"}])
        links = [link for one in message for link in served.delivered_links(one["id"])]
        served.components.click_worker.stop()  # what comes now stays in the journal
        for index, link in enumerate(links):
            agent = {"User-Agent": f"Agent-{index}/1.0"}
            assert served.reader.get(urlsplit(link).path, headers=agent, follow_redirects=False).status_code == 302
    spool = data / "spool"
    assert any(b"Agent-0/1.0" in path.read_bytes() for path in spool.iterdir())
    shown = linkweir("recipient", "export", "ada@example.org", "--data", data)
    assert (shown.code, shown.err) == (0, "")
    (one,) = json.loads(shown.out)["messages"]
    assert {click["user_agent"] for click in one["clicks"]} == {"Agent-0/1.0", "Agent-1/1.0"}
    assert not any(b"Agent-" in path.read_bytes() for path in spool.iterdir())
    done = linkweir("recipient", "erase", "ada@example.org", "--yes", "--data", data)
    assert (done.code, done.err) == (0, "")
    words = (b"ada@example.org", b"Agent-0", b"Agent-1")
    files = [
        path.name for path in data.rglob("*") if path.is_file() and any(word in path.read_bytes() for word in words)
    ]
    assert files == []
    assert any(b"Agent-2" in path.read_bytes() for path in data.iterdir() if path.is_file())  # eve's


def test_erasing_brings_in_what_waits_by_itself(linkweir: CommandRunner, tmp_path: Path) -> None:
    """The same without an export before it."""
    data = tmp_path / "data"
    with RunningService(data) as served:
        message = served.send(recipients=[{"email": "ada@example.org"}])[0]["id"]
        links = served.delivered_links(message)
        served.components.click_worker.stop()
        for link in links:
            served.reader.get(urlsplit(link).path, headers={"User-Agent": "Agent-of-Ada"}, follow_redirects=False)
    done = linkweir("recipient", "erase", "ada@example.org", "--yes", "--data", data)
    assert (done.code, done.err) == (0, "")
    assert "2 clicks" in done.out.decode()
    assert "outbox" not in done.out.decode()  # which means two things
    assert [path.name for path in data.rglob("*") if path.is_file() and b"Agent-of-Ada" in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export", "--data", "nowhere"], "no data of a service"),
        (["recipient", "export", "a@example.org", "--data", "nowhere"], "no data of a service"),
        (["export", "--clickers"], "--tag"),
        (["export", "--from", "soon"], "is not a time"),
    ],
)
def test_mistakes_are_explained(linkweir: CommandRunner, words: list[str], said: str) -> None:
    """A folder without a service, and options that make no sense, are told in one line."""
    done = linkweir(*words)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err

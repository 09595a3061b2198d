"""`linkweir explain` beside a service that runs."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linkweir.clicks.classify import VERDICT_REASONS
from linkweir.db import clicks_table
from tests.cli.command_runner import CommandRunner
from tests.web.running_service import RunningService, wait_until

HTML = "".join(f'<a href="https://example.com/{number}">go</a> ' for number in range(5))
CHROME_HEADERS = {
    "user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/109.0.0.0 Safari/537.36",
    "accept-language": "en",
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """A service on a folder that the command can be told of."""
    with RunningService(tmp_path / "data") as service:
        yield service


def wait_for_hits(service: RunningService, count: int) -> list[Any]:
    """The stored hits, oldest first, once there are so many."""

    def found() -> list[Any]:
        with service.components.database.read() as connection:
            assert service.components.account
            return list(clicks_table.list_for_account(connection, service.components.account))

    wait_until(lambda: len(found()) == count)
    return found()


def test_a_burst_is_explained(linkweir: CommandRunner, service: RunningService) -> None:
    """Five links in a row: the first one's explanation names the burst, each rule's sentence, and all five hits."""
    (entry,) = service.send(html_content=HTML)
    for link in service.delivered_links(entry["id"]):
        service.reader.get(link, headers=CHROME_HEADERS)
    first = wait_for_hits(service, 5)[0]
    data = ("--data", service.settings.data)
    told = json.loads(linkweir("explain", str(first["id"]), "--json", *data).out)
    assert told["now"]["verdict"] == "machine"
    assert "burst" in [rule["code"] for rule in told["rules"]]
    assert [hit["position"] for hit in told["around"]] == [0, 1, 2, 3, 4]
    text = linkweir("explain", first["id"].hex, *data).out.decode()
    for rule in told["rules"]:
        assert f"{rule['code']:<18} {VERDICT_REASONS[rule['code']]}" in text
        assert f"{rule['weight']:+5.1f}" in text
    assert "https://example.com/0" in text
    assert "s after delivery to" in text
    assert told["links"] == 5
    assert "its message has 5 tracked links" in text


def test_a_scanner_that_came_before_is_explained(linkweir: CommandRunner, service: RunningService) -> None:
    """A program that ran through two mails is a machine on the only link of a third, and it is told by what."""
    for _ in range(2):
        (entry,) = service.send(html_content=HTML)
        for link in service.delivered_links(entry["id"]):
            service.reader.get(link, headers=CHROME_HEADERS)
    wait_for_hits(service, 10)
    (entry,) = service.send(html_content='<a href="https://example.com/only">go</a>')
    service.reader.get(service.delivered_links(entry["id"])[0], headers=CHROME_HEADERS)
    click = wait_for_hits(service, 11)[-1]
    assert (click["verdict"], click["reasons"].split()[0]) == ("machine", "known-scanner")
    data = ("--data", service.settings.data)
    told = json.loads(linkweir("explain", str(click["id"]), "--json", *data).out)
    assert (told["now"]["verdict"], told["now"]["confidence"]) == ("machine", click["confidence"])
    assert told["record"] == {"machine": 2, "people": 0}
    text = linkweir("explain", str(click["id"]), *data).out.decode()
    assert "a machine with 2 other messages, a person with 0 other messages" in text
    assert VERDICT_REASONS["known-scanner"] in text


def test_one_click_is_explained(linkweir: CommandRunner, service: RunningService) -> None:
    """A HEAD alone is decided by one rule; what a user agent writes cannot drive the terminal."""
    (entry,) = service.send(html_content=HTML)
    agent = "\x1b]0;x\x07Browser/1 \u202e"
    service.reader.head(service.delivered_links(entry["id"])[2], headers=[(b"user-agent", agent.encode())])
    (row,) = wait_for_hits(service, 1)
    text = linkweir("explain", str(row["id"]), "--data", service.settings.data).out.decode()
    assert "head decides" in text
    assert VERDICT_REASONS["head"] in text
    assert "Browser/1" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_click_without_a_message_is_explained_by_itself(linkweir: CommandRunner, service: RunningService) -> None:
    """An anonymous click is tied to no message, so that nothing surrounds it."""
    (entry,) = service.send(html_content=HTML, privacy="anonymous")
    for link in service.delivered_links(entry["id"]):
        service.reader.get(link, headers=CHROME_HEADERS)
    result = [
        json.loads(linkweir("explain", str(row["id"]), "--json", "--data", service.settings.data).out)
        for row in wait_for_hits(service, 5)
    ]
    assert [len(item["around"]) for item in result] == [1] * 5


def test_mistakes_are_reported(linkweir: CommandRunner, service: RunningService) -> None:
    """An id that is none, one that no click has, and a folder without data end with a sentence and code 2."""
    data = ("--data", service.settings.data)
    for run, words in (
        (linkweir("explain", "x", *data), "is not the id of a click"),
        (linkweir("explain", str(uuid.uuid4()), *data), "no click"),
        (linkweir("explain", str(uuid.uuid4()), "--data", "nowhere"), "no data of a service"),
    ):
        assert (run.code, words in run.err) == (2, True)


def test_an_internal_click_is_explained_by_its_setting(linkweir: CommandRunner, service: RunningService) -> None:
    """A click on mail to one of the sender's own people names that and nothing else, and has no probability."""
    changed = service.client.put(service.account_path, json={"internal_addresses": ["@example.org"]})
    assert changed.status_code == 200
    (entry,) = service.send(html_content=HTML)
    service.reader.get(service.delivered_links(entry["id"])[0], headers=CHROME_HEADERS)
    (click,) = wait_for_hits(service, 1)
    data = ("--data", service.settings.data)
    told = json.loads(linkweir("explain", str(click["id"]), "--json", *data).out)
    assert (told["stored"]["verdict"], told["now"]["verdict"], told["machine"]) == ("internal", "internal", None)
    assert [rule["code"] for rule in told["rules"]] == ["internal-recipient"]
    text = linkweir("explain", str(click["id"]), *data).out.decode()
    assert "The message went to one of the account's internal recipients." in text

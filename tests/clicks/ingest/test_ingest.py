"""What follows from a fact, for each privacy mode, and after the message is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.mail import retention_job
from tests.web.running_service import RunningService

FAR_FUTURE_US = 400 * 86_400 * 1_000_000


@pytest.fixture
def service(dialect: str, tmp_path: Path) -> Iterator[RunningService]:
    """A service of its own for each test."""
    with RunningService(tmp_path / "data") as service:
        yield service


def list_click_events(service: RunningService, message_id: str) -> list[dict[str, object]]:
    """The data of the message's click events, of people and machines."""
    service.wait_until_ingested()
    shown = service.get_message(message_id)["events"]
    return [item["data"] for item in shown if item["kind"] in ("clicked", "machine_click")]


def test_the_first_click_is_marked(service: RunningService) -> None:
    """Two clicks are two events, of which one is the first; HEAD makes none."""
    (entry,), (probed,) = service.send(), service.send()
    service.reader.head(service.delivered_links(probed["id"])[0])
    for _ in range(2):
        service.reader.get(service.delivered_links(entry["id"])[0])
    assert list_click_events(service, probed["id"]) == []
    assert [click_event["first"] for click_event in list_click_events(service, entry["id"])] == [True, False]
    assert service.click_count(entry["id"]) == 2


@pytest.mark.parametrize(("privacy", "count"), [("pseudonymous", 1), ("anonymous", 0)])
def test_privacy_decides_what_is_sent(service: RunningService, privacy: str, count: int) -> None:
    """A pseudonymous click names neither address nor program; an anonymous one moves no message at all."""
    (entry,) = service.send(privacy=privacy, tags=["spring"])
    service.reader.get(service.delivered_links(entry["id"])[0])
    service.wait_until_ingested()
    assert len(list_click_events(service, entry["id"])) == count
    assert service.click_count(entry["id"]) == count
    assert all(not {"ip", "user_agent"} & click_event.keys() for click_event in list_click_events(service, entry["id"]))


def test_a_prefetching_browser_is_recognised(service: RunningService) -> None:
    """A prefetch is told as a bot's."""
    (entry,) = service.send()
    service.reader.get(service.delivered_links(entry["id"])[0], headers={"Sec-Purpose": "prefetch;prerender"})
    assert [click_event["is_bot"] for click_event in list_click_events(service, entry["id"])] == [True]


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_links_outlive_their_message(service: RunningService, style: str) -> None:
    """When retention has removed a message and its events, its links still lead to their destination."""
    (entry,) = service.send(link_style=style)
    link, _ = service.delivered_links(entry["id"])
    service.reader.get(link)
    retention_job.delete_expired(service.components.database, FAR_FUTURE_US * 1000, service.components.log)
    uuid = entry["id"][1:].partition("@")[0]
    assert service.client.get(f"{service.account_path}/messages/{uuid}").status_code == 404
    answer = service.reader.get(link)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/a?x=1&y=2")

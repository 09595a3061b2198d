"""What follows from a fact, for each privacy mode, and after the message is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir.mail import retention
from tests.edge.serving import Served

FAR = 400 * 86_400 * 1_000_000


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A service of its own for each test."""
    with Served(tmp_path / "data") as service:
        yield service


def told(served: Served, message_id: str) -> list[dict[str, object]]:
    """The data of the message's click events, of people and machines."""
    served.settle()
    shown = served.message(message_id)["events"]
    return [one["data"] for one in shown if one["kind"] in ("clicked", "machine_click")]


def test_the_first_click_is_told_apart(served: Served) -> None:
    """Two clicks are two events, of which one is the first; HEAD makes none."""
    (entry,), (probed,) = served.send(), served.send()
    served.reader.head(served.links(probed["id"])[0])
    for _ in range(2):
        served.reader.get(served.links(entry["id"])[0])
    assert told(served, probed["id"]) == []
    assert [one["first"] for one in told(served, entry["id"])] == [True, False]
    assert served.clicks(entry["id"]) == 2


@pytest.mark.parametrize(("privacy", "count"), [("pseudonymous", 1), ("anonymous", 0)])
def test_privacy_decides_what_is_told(served: Served, privacy: str, count: int) -> None:
    """A pseudonymous click names neither address nor program; an anonymous one moves no message at all."""
    (entry,) = served.send(privacy=privacy, tags=["spring"])
    served.reader.get(served.links(entry["id"])[0])
    served.settle()
    assert len(told(served, entry["id"])) == count
    assert served.clicks(entry["id"]) == count
    assert all(not {"ip", "user_agent"} & one.keys() for one in told(served, entry["id"]))


def test_a_browser_that_fetches_ahead_says_so(served: Served) -> None:
    """A prefetch is told as a bot's."""
    (entry,) = served.send()
    served.reader.get(served.links(entry["id"])[0], headers={"Sec-Purpose": "prefetch;prerender"})
    assert [one["is_bot"] for one in told(served, entry["id"])] == [True]


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_links_outlive_their_message(served: Served, style: str) -> None:
    """When retention has removed a message and its events, its links still lead to their destination."""
    (entry,) = served.send(link_style=style)
    link, _ = served.links(entry["id"])
    served.reader.get(link)
    retention.sweep(served.service.store, FAR * 1000, served.service.log)
    uuid = entry["id"][1:].partition("@")[0]
    assert served.client.get(f"{served.base}/messages/{uuid}").status_code == 404
    answer = served.reader.get(link)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/a?x=1&y=2")

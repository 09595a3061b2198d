"""Tests of the sample traffic: it fills the dashboard once, says what it is, and leaves the house with nothing."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from linkweir.demo import campaigns, crowd, traffic
from tests.edge.dashboard.browsing import Visitor, add_user
from tests.edge.serving import Served

WHOLE = "SELECT human FROM rollups JOIN axes ON axes.id = axis WHERE scope = '' AND dimension = '' AND hours = 0"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service after `--demo`."""
    with Served(tmp_path_factory.mktemp("filled") / "data") as running:
        add_user(running)
        assert traffic.fill(running.service)
        yield running


def rows(served: Served, statement: str) -> list[tuple[object, ...]]:
    """What the database says."""
    with sqlite3.connect(served.settings.database) as database:
        return database.execute(statement).fetchall()


def test_it_is_there_once(filled: Served) -> None:
    """A second fill adds nothing."""
    before = rows(filled, "SELECT count(*), (SELECT count(*) FROM clicks) FROM messages")
    assert traffic.fill(filled.service) is None
    assert rows(filled, "SELECT count(*), (SELECT count(*) FROM clicks) FROM messages") == before


def test_every_message_is_marked(filled: Served) -> None:
    """All of it has the source `sample`, a sender and recipients that cannot be reached, and a tag that says so."""
    found = rows(filled, "SELECT source, sender, recipient, tags FROM messages")
    assert len(found) == sum(one.recipients for one in campaigns.CAMPAIGNS)
    for source, sender, recipient, tags in found:
        assert source == "sample"
        assert str(sender).endswith(".sample")
        assert str(recipient).endswith(".example")
        assert str(json.loads(str(tags))[0]).startswith("sample-")


def test_nothing_is_sent(filled: Served) -> None:
    """Nothing waits to be delivered, no mail lies in the Maildir, and no webhook waits or is on."""
    assert rows(filled, "SELECT count(*) FROM queue") == [(0,)]
    assert list(filled.settings.maildir_path.glob("new/*")) == []
    assert rows(filled, "SELECT count(*) FROM webhooks WHERE enabled") == [(0,)]
    assert {state for (state,) in rows(filled, "SELECT DISTINCT state FROM outbox")} == {"succeeded", "failed"}
    assert rows(filled, "SELECT count(*) FROM clicks WHERE tell_at IS NOT NULL") == [(0,)]


def test_people_and_machines_are_among_it(filled: Served) -> None:
    """The clicks went through the real pipeline: people, machines and prefetching, with reasons, and sums of them."""
    people, machines, ahead = (
        rows(filled, f"SELECT count(*) FROM clicks WHERE verdict = '{one}'")[0][0]  # noqa: S608
        for one in ("human", "machine", "prefetch")
    )
    assert isinstance(people, int)
    assert isinstance(machines, int)
    assert people > 100
    assert machines > 100
    assert ahead
    assert rows(filled, "SELECT count(*) FROM clicks WHERE verdict = 'machine' AND reasons = ''") == [(0,)]
    assert rows(filled, WHOLE) == [(people,)]
    assert rows(filled, "SELECT count(*) FROM clicks WHERE privacy = 'anonymous' AND message_id IS NOT NULL") == [(0,)]


def test_the_dashboard_says_so(filled: Served) -> None:
    """Every page says that sample data is among it, and a sample message carries a mark of its own."""
    with Visitor(filled) as visitor:
        visitor.entered()
        for path in ("/", "/campaigns", "/live", "/settings"):
            assert "<strong>Sample data.</strong>" in visitor.get(path)
        assert "sample data</span>" in visitor.get("/messages")


def test_clicks_go_on_by_themselves(filled: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the demo runs, more sample clicks come, and none is to be told to a webhook."""
    monkeypatch.setattr(traffic, "PAUSE", (0.0, 0.0))
    monkeypatch.setattr(traffic, "BY_THEMSELVES", 12)
    with filled.service.store.read() as connection:
        raw = connection.exec_driver_sql("SELECT raw FROM contents LIMIT 1").scalar_one()
    person = next(iter(crowd.people(Random(1), 1)))  # noqa: S311 - made-up people
    mail = traffic.Reached(person, "", 0, traffic._links(filled.service, raw))
    before = rows(filled, "SELECT count(*) FROM clicks")
    traffic.go_on(filled.service, [mail], lambda: False)
    assert rows(filled, "SELECT count(*) FROM clicks") > before


def test_a_house_with_a_webhook_is_left_alone(tmp_path: Path) -> None:
    """Where somebody would be told of sample clicks, none are made."""
    with Served(tmp_path / "data") as house:
        body = {"name": "n", "url": "https://h.example/", "scope": "global", "on_clicked": True}
        house.client.post(f"{house.base}/webhooks", json=body).raise_for_status()
        assert traffic.fill(house.service) is None
        assert rows(house, "SELECT count(*) FROM messages") == [(0,)]

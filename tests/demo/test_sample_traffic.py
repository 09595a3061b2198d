"""Tests of the sample traffic: it fills the dashboard once, says what it is, and leaves the house with nothing."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from linkweir.db import contents_table
from linkweir.db.schema import contents
from linkweir.demo import sample_campaigns, sample_recipients, sample_traffic
from tests.dashboard.browser_client import DashboardClient, add_user
from tests.web.running_service import RunningService

TOTAL_HUMAN_SQL = (
    "SELECT human FROM rollups JOIN axes ON axes.id = axis WHERE scope = '' AND dimension = '' AND hours = 0"
)


@pytest.fixture(scope="module")
def demo_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service after `--demo`."""
    with RunningService(tmp_path_factory.mktemp("filled") / "data") as running:
        add_user(running)
        assert sample_traffic.generate(running.components)
        yield running


def query(served: RunningService, statement: str) -> list[tuple[object, ...]]:
    """What the database says."""
    with sqlite3.connect(served.settings.sqlite_path) as database:
        return database.execute(statement).fetchall()


def test_it_is_there_once(demo_service: RunningService) -> None:
    """A second fill adds nothing."""
    before = query(demo_service, "SELECT count(*), (SELECT count(*) FROM clicks) FROM messages")
    assert sample_traffic.generate(demo_service.components) is None
    assert query(demo_service, "SELECT count(*), (SELECT count(*) FROM clicks) FROM messages") == before


def test_every_message_is_marked(demo_service: RunningService) -> None:
    """All of it has the source `sample`, a sender and recipients that cannot be reached, and a tag that says so."""
    result = query(demo_service, "SELECT source, sender, recipient, tags FROM messages")
    assert len(result) == sum(item.recipients for item in sample_campaigns.CAMPAIGNS)
    for source, sender, recipient, tags in result:
        assert source == "sample"
        assert str(sender).endswith(".sample")
        assert str(recipient).endswith(".example")
        assert str(json.loads(str(tags))[0]).startswith("sample-")


def test_nothing_is_sent(demo_service: RunningService) -> None:
    """Nothing waits to be delivered, no mail lies in the Maildir, and no webhook waits or is on."""
    assert query(demo_service, "SELECT count(*) FROM queue") == [(0,)]
    assert list(demo_service.settings.maildir_path.glob("new/*")) == []
    assert query(demo_service, "SELECT count(*) FROM webhooks WHERE enabled") == [(0,)]
    assert {state for (state,) in query(demo_service, "SELECT DISTINCT state FROM outbox")} == {"succeeded", "failed"}
    assert query(demo_service, "SELECT count(*) FROM clicks WHERE tell_at IS NOT NULL") == [(0,)]


def test_people_and_machines_are_among_it(demo_service: RunningService) -> None:
    """The clicks went through the real pipeline: people, machines and prefetching, with reasons, and sums of them."""
    people, machines, ahead = (
        query(demo_service, f"SELECT count(*) FROM clicks WHERE verdict = '{item}'")[0][0]  # noqa: S608
        for item in ("human", "machine", "prefetch")
    )
    assert isinstance(people, int)
    assert isinstance(machines, int)
    assert people > 100
    assert machines > 100
    assert ahead
    assert query(demo_service, "SELECT count(*) FROM clicks WHERE verdict = 'machine' AND reasons = ''") == [(0,)]
    assert query(demo_service, TOTAL_HUMAN_SQL) == [(people,)]
    assert query(
        demo_service, "SELECT count(*) FROM clicks WHERE privacy = 'anonymous' AND message_id IS NOT NULL"
    ) == [(0,)]


def test_the_dashboard_labels_sample_data(demo_service: RunningService) -> None:
    """Every page says that sample data is among it, and a sample message carries a mark of its own."""
    with DashboardClient(demo_service) as visitor:
        visitor.signed_in_client()
        for path in ("/", "/campaigns", "/live", "/settings"):
            assert "<strong>Sample data.</strong>" in visitor.get(path)
        assert "sample data</span>" in visitor.get("/messages")


def test_clicks_go_on_by_themselves(demo_service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the demo runs, more sample clicks come, and none is to be told to a webhook."""
    monkeypatch.setattr(sample_traffic, "PAUSE_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(sample_traffic, "MAX_LIVE_CLICKS", 12)
    with demo_service.components.database.read() as connection:
        raw = contents_table.get(connection, connection.execute(select(contents.c.message_id).limit(1)).scalar_one())
    assert raw is not None
    person = next(iter(sample_recipients.make_recipients(Random(1), 1)))  # noqa: S311 - made-up people
    mail = sample_traffic.SampleMessage(person, "", 0, sample_traffic._open_links(demo_service.components, raw))
    before = query(demo_service, "SELECT count(*) FROM clicks")
    sample_traffic.generate_live_clicks(demo_service.components, [mail], lambda: False)
    assert query(demo_service, "SELECT count(*) FROM clicks") > before


def test_a_service_with_a_webhook_is_not_filled(tmp_path: Path) -> None:
    """Where somebody would be told of sample clicks, none are made."""
    with RunningService(tmp_path / "data") as house:
        body = {"name": "n", "url": "https://h.example/", "scope": "global", "on_clicked": True}
        house.client.post(f"{house.account_path}/webhooks", json=body).raise_for_status()
        assert sample_traffic.generate(house.components) is None
        assert query(house, "SELECT count(*) FROM messages") == [(0,)]

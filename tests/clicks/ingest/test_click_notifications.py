"""Webhooks hear of a hit once its burst is over, and of what it turned out to be."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from linkweir.clicks.classify import Classification, Verdict
from linkweir.clicks.ingest.click_notifications import enqueue_notifications
from linkweir.clock import SECOND_US
from linkweir.db import webhooks_table
from tests.clicks.ingest.click_store import START_US, ClickStore
from tests.db.sample_store import list_webhook_requests

WAIT_US = 2 * SECOND_US
CORRECTION_WINDOW_US = 5 * SECOND_US
ALL_KINDS = ("opened", "clicked", "click_corrected")


@pytest.fixture
def click_store(tmp_path: Path) -> Iterator[ClickStore]:
    """A store whose judge takes three or more links within two seconds for a machine's."""
    made = ClickStore(tmp_path)
    yield made
    made.store.close()


def create_webhook(click_store: ClickStore, *events: str, **fields: Any) -> uuid.UUID:
    """A webhook that asked for these."""
    key = uuid.uuid4()
    values = {"id": key, "account_id": click_store.account, "name": "x", "url": "http://127.0.0.1/", "secret": b"x"}
    values |= {"scope": "global", "domains": [], "events": list(events), "enabled": True}
    with click_store.store.write() as connection:
        webhooks_table.add(connection, {**values, "created_at": START_US, "updated_at": START_US, **fields})
    return key


def list_payloads(click_store: ClickStore, key: uuid.UUID) -> list[dict[str, Any]]:
    """The bodies that wait for a webhook."""
    with click_store.store.read() as connection:
        return [orjson.loads(row["body"]) for row in list_webhook_requests(connection, key)]


def notify_at(click_store: ClickStore, after: float) -> int:
    """Tell what is due so many seconds after the start."""
    with click_store.store.write() as connection:
        return enqueue_notifications(connection, START_US + int(after * SECOND_US))


def test_a_click_is_notified_after_the_wait_and_once(click_store: ClickStore) -> None:
    """Two seconds after the click, and then never again, with all that is known of it."""
    key, number = create_webhook(click_store, *ALL_KINDS), click_store.send()
    fact = click_store.make_event(number, 4, ip="10.1.2.3")
    click_store.ingest(fact)
    assert (notify_at(click_store, 1.9), list_payloads(click_store, key)) == (0, [])
    assert (notify_at(click_store, 2), notify_at(click_store, 3)) == (1, 0)
    (body,) = list_payloads(click_store, key)
    assert (body["type"], body["data"]["event"]) == ("message.clicked", "on_clicked")
    expected = {
        "click_id": str(fact.id),
        "is_bot": False,
        "verdict": "human",
        "confidence": 0.5,
        "reasons": [{"code": "links-1", "sentence": "links-1"}],
        "first": True,
        "url": "https://example.com/4",
        "link": {"position": 4},
        "ip": "10.1.2.3",
        "user_agent": "Browser",
    }
    assert expected.items() <= body["data"].items()


def test_a_click_of_a_clock_that_was_ahead_is_notified_soon(click_store: ClickStore) -> None:
    """A click recorded while the clock was an hour ahead does not wait until the clock gets there."""
    key, number = create_webhook(click_store, *ALL_KINDS), click_store.send()
    click_store.ingest(click_store.make_event(number, 0, after=3600))
    assert (notify_at(click_store, 1.9), notify_at(click_store, 4)) == (0, 1)
    assert [body["type"] for body in list_payloads(click_store, key)] == ["message.clicked"]


def test_a_burst_is_over_before_it_is_notified(click_store: ClickStore) -> None:
    """All links of a sweep are told as a machine's, although the first two looked like a person's for a moment."""
    key, number = create_webhook(click_store, *ALL_KINDS), click_store.send()
    for index in range(3):
        click_store.ingest(click_store.make_event(number, index, after=index / 10))
    notify_at(click_store, 3)
    assert [(payload["data"]["verdict"], payload["data"]["is_bot"]) for payload in list_payloads(click_store, key)] == [
        ("machine", True)
    ] * 3


def test_a_verdict_that_changes_is_corrected(click_store: ClickStore) -> None:
    """Whoever asked for corrections hears what the click was told as and what it is; others hear nothing more."""
    asked, other = create_webhook(click_store, *ALL_KINDS), create_webhook(click_store, "clicked")
    number = click_store.send()
    first, second = click_store.make_event(number), click_store.make_event(number, 1, after=0.5)
    click_store.ingest(first, second)
    notify_at(click_store, 2.5)
    click_store.now = START_US + 60 * SECOND_US
    click_store.ingest(click_store.make_event(number, 2, after=1))
    assert notify_at(click_store, 64) == 1  # the new one
    assert notify_at(click_store, 65) == 2
    kinds = [payload["type"] for payload in list_payloads(click_store, asked)]
    assert (kinds.count("message.clicked"), kinds.count("message.click_corrected")) == (3, 2)
    assert [payload["type"] for payload in list_payloads(click_store, other)] == ["message.clicked"] * 3
    (correction,) = (
        payload["data"]
        for payload in list_payloads(click_store, asked)
        if payload["type"] == "message.click_corrected" and payload["data"]["click_id"] == str(first.id)
    )
    assert (correction["was"], correction["verdict"], correction["is_bot"]) == ("human", "machine", True)
    assert correction["event"] == "on_click_corrected"
    assert correction["clicked_at"].endswith("Z")
    assert [row["told"] for row in click_store.clicks()] == ["machine"] * 3
    assert notify_at(click_store, 999) == 0


def test_a_reverted_verdict_is_not_notified(click_store: ClickStore) -> None:
    """A verdict that is the told one again before the correction was due is not corrected."""
    key, number = create_webhook(click_store, *ALL_KINDS), click_store.send()
    click_store.ingest(click_store.make_event(number))
    notify_at(click_store, 2)
    for verdict in ("machine", "human"):
        judge: Any = lambda hits, _, verdict=verdict: [_make_judgement(hit.id, verdict) for hit in hits]  # noqa: E731
        click_store.classifier = replace(click_store.classifier, classify_hits=judge)
        click_store.ingest(click_store.make_event(number, method="HEAD", after=1))
    assert notify_at(click_store, 99) == 0
    assert [payload["type"] for payload in list_payloads(click_store, key)] == ["message.clicked"]


def _make_judgement(key: uuid.UUID, verdict: Verdict) -> Classification:
    return Classification(key, verdict, 0.5, ())


def test_opens_wait_as_well(click_store: ClickStore) -> None:
    """An open is told after the same wait, without a URL."""
    key, number = create_webhook(click_store, *ALL_KINDS), click_store.send()
    click_store.ingest(click_store.make_event(number, -1, kind="open", destination=None))
    assert (notify_at(click_store, 1), notify_at(click_store, 2)) == (0, 1)
    (body,) = list_payloads(click_store, key)
    assert body["type"] == "message.opened"
    assert not {"url", "link", "first"} & body["data"].keys()  # nobody keeps which open was the first


def test_privacy_decides_what_is_sent(click_store: ClickStore) -> None:
    """A pseudonymous click is told without address and program; an anonymous one, and one that objected, not at all."""
    key, number = create_webhook(click_store, *ALL_KINDS), click_store.send("spring")
    hidden: dict[str, Any] = {"ip": None, "user_agent": None}
    click_store.ingest(
        click_store.make_event(number, privacy="pseudonymous", **hidden),
        click_store.make_event(number, privacy="anonymous", objected=True, after=30, **hidden),
        click_store.make_event(None, privacy="anonymous", campaign="spring", after=60, **hidden),
    )
    assert notify_at(click_store, 99) == 1
    (body,) = list_payloads(click_store, key)
    assert not {"ip", "user_agent"} & body["data"].keys()


def test_nothing_waits_where_nobody_listens(click_store: ClickStore) -> None:
    """HEAD is told to nobody, and without a webhook that asked for clicks nothing is noted as told."""
    create_webhook(click_store, "delivered")
    number = click_store.send()
    click_store.ingest(click_store.make_event(number), click_store.make_event(number, method="HEAD", after=30))
    assert notify_at(click_store, 99) == 0
    assert [row["told"] for row in click_store.clicks()] == [None, None]


def test_a_deleted_message_is_not_notified(click_store: ClickStore) -> None:
    """When retention was faster than the wait, nothing is sent."""
    key, number = create_webhook(click_store, *ALL_KINDS), click_store.send()
    click_store.ingest(click_store.make_event(number))
    click_store.expire_message(number)
    assert (notify_at(click_store, 99), list_payloads(click_store, key)) == (0, [])

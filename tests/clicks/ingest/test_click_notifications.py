"""Webhooks hear of a hit once its burst is over, and of what it turned out to be."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from linkweir.clicks.classify import Classification, Verdict
from linkweir.clicks.ingest.click_notifications import enqueue_notifications
from linkweir.clock import SECOND_US
from linkweir.db import notification_queries, webhooks_table
from linkweir.db.schema import verdict_waits
from linkweir.tokens import KeyRing
from tests.clicks.ingest.click_database import START_US, ClickDatabase
from tests.databases import open_again
from tests.db.sample_database import list_webhook_requests

WAIT_US = 2 * SECOND_US
CORRECTION_WINDOW_US = 5 * SECOND_US
KEYRING = KeyRing.generate(datetime(2026, 1, 1, tzinfo=UTC))
ALL_KINDS = ("opened", "clicked", "click_corrected")


@pytest.fixture
def click_database(dialect: str, tmp_path: Path) -> Iterator[ClickDatabase]:
    """A database whose judge takes three or more links within two seconds for a machine's."""
    made = ClickDatabase(tmp_path)
    yield made
    made.database.close()


def create_webhook(click_database: ClickDatabase, *events: str, **fields: Any) -> uuid.UUID:
    """A webhook that asked for these."""
    key = uuid.uuid4()
    values = {"id": key, "account_id": click_database.account, "name": "x", "url": "http://127.0.0.1/", "secret": b"x"}
    values |= {"scope": "global", "domains": [], "events": list(events), "enabled": True}
    with click_database.database.write() as connection:
        webhooks_table.add(connection, {**values, "created_at": START_US, "updated_at": START_US, **fields})
    return key


def list_payloads(click_database: ClickDatabase, key: uuid.UUID) -> list[dict[str, Any]]:
    """The bodies that wait for a webhook."""
    with click_database.database.read() as connection:
        return [orjson.loads(row["body"]) for row in list_webhook_requests(connection, key)]


def notify_at(click_database: ClickDatabase, after: float) -> int:
    """Tell what is due so many seconds after the start."""
    with click_database.database.write() as connection:
        return enqueue_notifications(connection, START_US + int(after * SECOND_US), KEYRING)


def test_a_click_is_notified_after_the_wait_and_once(click_database: ClickDatabase) -> None:
    """Two seconds after the click, and then never again, with all that is known of it."""
    key, number = create_webhook(click_database, *ALL_KINDS), click_database.send()
    fact = click_database.make_event(number, 4, ip="10.1.2.3")
    click_database.ingest(fact)
    assert (notify_at(click_database, 1.9), list_payloads(click_database, key)) == (0, [])
    assert (notify_at(click_database, 2), notify_at(click_database, 3)) == (1, 0)
    (body,) = list_payloads(click_database, key)
    assert (body["type"], body["data"]["event"]) == ("message.clicked", "on_clicked")
    expected = {
        "click_id": str(fact.id),
        "is_bot": False,
        "verdict": "human",
        "confidence": 0.5,
        "reasons": [{"code": "links-1", "sentence": "links-1"}],
        "first": True,
        "url": "https://example.com/4",
        "link": {"position": 4, "label": None},  # its mail is no mail
        "ip": "10.1.2.3",
        "user_agent": "Browser",
    }
    assert expected.items() <= body["data"].items()


def test_a_click_of_a_clock_that_was_ahead_is_notified_soon(click_database: ClickDatabase) -> None:
    """A click recorded while the clock was an hour ahead does not wait until the clock gets there."""
    key, number = create_webhook(click_database, *ALL_KINDS), click_database.send()
    click_database.ingest(click_database.make_event(number, 0, after=3600))
    assert (notify_at(click_database, 1.9), notify_at(click_database, 4)) == (0, 1)
    assert [body["type"] for body in list_payloads(click_database, key)] == ["message.clicked"]


def test_what_was_put_off_while_the_clock_was_ahead_is_sent_soon(click_database: ClickDatabase) -> None:
    """A click, a correction and a patient webhook's wait of an hour ahead are told when the clock is back, all once."""
    hasty = create_webhook(click_database, *ALL_KINDS)
    patient = create_webhook(click_database, *ALL_KINDS, verdict_wait_seconds=1800)
    numbers = [click_database.send(), click_database.send()]
    ahead = START_US + 3600 * SECOND_US
    click_database.now = ahead
    click_database.ingest(click_database.make_event(numbers[0], after=3600))
    notify_at(click_database, 3603)  # the patient one now waits for 5400
    for index in range(1, 3):
        click_database.ingest(click_database.make_event(numbers[0], index, after=3600.5))
    click_database.ingest(click_database.make_event(numbers[1], after=3600))
    with click_database.database.read() as connection:
        assert not notification_queries.list_due(connection, START_US + 60 * SECOND_US, 10)
        assert not notification_queries.list_due_waits(connection, START_US + 60 * SECOND_US, 10)
    notify_at(click_database, 60)
    told = [(one["type"], one["data"]["verdict"]) for one in list_payloads(click_database, hasty)]
    assert sorted(told) == [
        ("message.click_corrected", "machine"),
        *[("message.clicked", "human"), ("message.clicked", "human")],
        *[("message.clicked", "machine"), ("message.clicked", "machine")],
    ]
    assert [one["type"] for one in list_payloads(click_database, patient)] == ["message.clicked"]
    with click_database.database.read() as connection:
        latest = START_US + (60 + 1800) * SECOND_US
        assert len(notification_queries.list_due_waits(connection, latest, 10)) == 3


def test_a_burst_is_over_before_it_is_notified(click_database: ClickDatabase) -> None:
    """All links of a sweep are told as a machine's, although the first two looked like a person's for a moment."""
    key, number = create_webhook(click_database, *ALL_KINDS), click_database.send()
    for index in range(3):
        click_database.ingest(click_database.make_event(number, index, after=index / 10))
    notify_at(click_database, 3)
    assert [
        (payload["data"]["verdict"], payload["data"]["is_bot"]) for payload in list_payloads(click_database, key)
    ] == [("machine", True)] * 3


def test_a_verdict_that_changes_is_corrected(click_database: ClickDatabase) -> None:
    """Whoever asked for corrections hears what the click was told as and what it is; others hear nothing more."""
    asked, other = create_webhook(click_database, *ALL_KINDS), create_webhook(click_database, "clicked")
    number = click_database.send()
    first, second = click_database.make_event(number), click_database.make_event(number, 1, after=0.5)
    click_database.ingest(first, second)
    notify_at(click_database, 2.5)
    click_database.now = START_US + 60 * SECOND_US
    click_database.ingest(click_database.make_event(number, 2, after=1))
    assert notify_at(click_database, 64) == 1  # the new one
    assert notify_at(click_database, 65) == 2
    kinds = [payload["type"] for payload in list_payloads(click_database, asked)]
    assert (kinds.count("message.clicked"), kinds.count("message.click_corrected")) == (3, 2)
    assert [payload["type"] for payload in list_payloads(click_database, other)] == ["message.clicked"] * 3
    (correction,) = (
        payload["data"]
        for payload in list_payloads(click_database, asked)
        if payload["type"] == "message.click_corrected" and payload["data"]["click_id"] == str(first.id)
    )
    assert (correction["was"], correction["verdict"], correction["is_bot"]) == ("human", "machine", True)
    assert correction["event"] == "on_click_corrected"
    assert correction["clicked_at"].endswith("Z")
    assert [row["told"] for row in click_database.clicks()] == ["machine"] * 3
    assert notify_at(click_database, 999) == 0


def test_a_reverted_verdict_is_not_notified(click_database: ClickDatabase) -> None:
    """A verdict that is the told one again before the correction was due is not corrected."""
    key, number = create_webhook(click_database, *ALL_KINDS), click_database.send()
    click_database.ingest(click_database.make_event(number))
    notify_at(click_database, 2)
    for verdict in ("machine", "human"):
        judge: Any = lambda hits, _, verdict=verdict: [_make_judgement(hit.id, verdict) for hit in hits]  # noqa: E731
        click_database.classifier = replace(click_database.classifier, classify_hits=judge)
        click_database.ingest(click_database.make_event(number, method="HEAD", after=1))
    assert notify_at(click_database, 99) == 0
    assert [payload["type"] for payload in list_payloads(click_database, key)] == ["message.clicked"]


def _make_judgement(key: uuid.UUID, verdict: Verdict) -> Classification:
    return Classification(key, verdict, 0.5, ())


def test_opens_wait_as_well(click_database: ClickDatabase) -> None:
    """An open is told after the same wait, without a URL."""
    key, number = create_webhook(click_database, *ALL_KINDS), click_database.send()
    click_database.ingest(click_database.make_event(number, -1, kind="open", destination=None))
    assert (notify_at(click_database, 1), notify_at(click_database, 2)) == (0, 1)
    (body,) = list_payloads(click_database, key)
    assert body["type"] == "message.opened"
    assert not {"url", "link", "first"} & body["data"].keys()  # nobody keeps which open was the first


def test_privacy_decides_what_is_sent(click_database: ClickDatabase) -> None:
    """A pseudonymous click is told without address and program; an anonymous one, and one that objected, not at all."""
    key, number = create_webhook(click_database, *ALL_KINDS), click_database.send("spring")
    hidden: dict[str, Any] = {"ip": None, "user_agent": None}
    click_database.ingest(
        click_database.make_event(number, privacy="pseudonymous", **hidden),
        click_database.make_event(number, privacy="anonymous", objected=True, after=30, **hidden),
        click_database.make_event(None, privacy="anonymous", campaign="spring", after=60, **hidden),
    )
    assert notify_at(click_database, 99) == 1
    (body,) = list_payloads(click_database, key)
    assert not {"ip", "user_agent"} & body["data"].keys()


def test_nothing_waits_where_nobody_listens(click_database: ClickDatabase) -> None:
    """HEAD is told to nobody, and without a webhook that asked for clicks nothing is noted as told."""
    create_webhook(click_database, "delivered")
    number = click_database.send()
    click_database.ingest(click_database.make_event(number), click_database.make_event(number, method="HEAD", after=30))
    assert notify_at(click_database, 99) == 0
    assert [row["told"] for row in click_database.clicks()] == [None, None]


def test_a_deleted_message_is_not_notified(click_database: ClickDatabase) -> None:
    """When retention was faster than the wait, nothing is sent."""
    key, number = create_webhook(click_database, *ALL_KINDS), click_database.send()
    click_database.ingest(click_database.make_event(number))
    click_database.expire_message(number)
    assert (notify_at(click_database, 99), list_payloads(click_database, key)) == (0, [])


WINDOW_US = 20 * SECOND_US


def wait_and_notify(click_database: ClickDatabase, after: float) -> int:
    """Tell what is due so many seconds after the start, where verdicts are settled after twenty seconds."""
    with click_database.database.write() as connection:
        return enqueue_notifications(connection, START_US + int(after * SECOND_US), KEYRING, window_us=WINDOW_US)


def list_told(click_database: ClickDatabase, key: uuid.UUID) -> list[tuple[str, str, bool]]:
    """The type, the verdict and whether it was settled, of each request to a webhook."""
    found = list_payloads(click_database, key)
    return [(one["type"], one["data"]["verdict"], one["data"]["settled"]) for one in found]


def sweep(click_database: ClickDatabase, number: int, after: float) -> None:
    """A scanner follows two more links at that time, so that what was a person's is a machine's."""
    click_database.ingest(*(click_database.make_event(number, position, after=after) for position in (1, 2)))


def test_a_webhook_waits_until_the_verdict_is_settled(click_database: ClickDatabase) -> None:
    """One that waits hears the verdict that lasts, once; one that does not hears the first and its correction."""
    patient = create_webhook(click_database, *ALL_KINDS, verdict_wait_seconds=3600)
    hasty, number = create_webhook(click_database, *ALL_KINDS), click_database.send()
    click_database.ingest(click_database.make_event(number, 0))
    assert wait_and_notify(click_database, 2) == 1
    sweep(click_database, number, 1.5)
    for after in (5, 10, 19.9):
        wait_and_notify(click_database, after)
    assert list_told(click_database, patient) == []
    assert [kind for kind, verdict, _ in list_told(click_database, hasty) if verdict == "human"] == ["message.clicked"]
    assert ("message.click_corrected", "machine", False) in list_told(click_database, hasty)
    wait_and_notify(click_database, 21.5)
    assert list_told(click_database, patient) == [("message.clicked", "machine", True)] * 3


def test_a_webhook_waits_no_longer_than_it_says(click_database: ClickDatabase) -> None:
    """After its bound it hears what is thought then; a later change is corrected against what it heard."""
    key = create_webhook(click_database, *ALL_KINDS, verdict_wait_seconds=6)
    number = click_database.send()
    click_database.ingest(click_database.make_event(number, 0))
    wait_and_notify(click_database, 2)
    assert (wait_and_notify(click_database, 5.9), list_told(click_database, key)) == (0, [])
    assert wait_and_notify(click_database, 6) == 1
    assert list_told(click_database, key) == [("message.clicked", "human", False)]
    click_database.now = START_US + 7 * SECOND_US
    sweep(click_database, number, 1.5)
    wait_and_notify(click_database, 30)
    corrections = [
        one["data"] for one in list_payloads(click_database, key) if one["type"] == "message.click_corrected"
    ]
    assert [(one["was"], one["verdict"]) for one in corrections] == [("human", "machine")]


def test_what_changes_back_before_the_bound_is_not_corrected(click_database: ClickDatabase) -> None:
    """A webhook that heard `machine` after its wait does not hear the correction that others need."""
    key = create_webhook(click_database, *ALL_KINDS, verdict_wait_seconds=4)
    hasty, number = create_webhook(click_database, *ALL_KINDS), click_database.send()
    click_database.ingest(click_database.make_event(number, 0))
    wait_and_notify(click_database, 2)
    click_database.now = START_US + 3 * SECOND_US
    sweep(click_database, number, 1.5)  # the correction is due at 8 seconds
    wait_and_notify(click_database, 6)
    wait_and_notify(click_database, 9)
    assert {kind for kind, _, _ in list_told(click_database, key)} == {"message.clicked"}
    assert "message.click_corrected" in {kind for kind, _, _ in list_told(click_database, hasty)}


def test_a_wait_survives_a_restart_and_ends_with_its_message(click_database: ClickDatabase) -> None:
    """What waits is in the database: it is sent late after a pause, and not at all for a message that is gone."""
    key = create_webhook(click_database, *ALL_KINDS, verdict_wait_seconds=10)
    kept, gone = click_database.send(), click_database.send()
    click_database.ingest(click_database.make_event(kept, 0), click_database.make_event(gone, 0))
    wait_and_notify(click_database, 2)
    click_database.expire_message(gone)
    click_database.database.close()
    click_database.database = open_again(click_database.database)
    wait_and_notify(click_database, 3600)
    assert list_told(click_database, key) == [("message.clicked", "human", True)]
    with click_database.database.write() as connection:
        webhooks_table.remove(connection, key)
    assert click_database.rows(verdict_waits) == []

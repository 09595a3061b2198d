"""Webhooks hear of a hit once its burst is over, and of what it turned out to be."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from linkweir.click.tell import tell
from linkweir.click.verdict import Judgement, Verdict
from linkweir.store import outbox, webhooks
from tests.click.world import SECOND, START, World

WAIT = 2 * SECOND
CORRECTED = 5 * SECOND
ALL = ("opened", "clicked", "click_corrected")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A store whose judge takes three or more links within two seconds for a machine's."""
    made = World(tmp_path)
    yield made
    made.store.close()


def hook(world: World, *events: str, **fields: Any) -> uuid.UUID:
    """A webhook that asked for these."""
    key = uuid.uuid4()
    values = {"id": key, "account_id": world.account, "name": "x", "url": "http://127.0.0.1/", "secret": b"x"}
    values |= {"scope": "global", "domains": [], "events": list(events), "enabled": True}
    with world.store.write() as connection:
        webhooks.add(connection, {**values, "created_at": START, "updated_at": START, **fields})
    return key


def told(world: World, key: uuid.UUID) -> list[dict[str, Any]]:
    """The bodies that wait for a webhook."""
    with world.store.read() as connection:
        return [orjson.loads(row["body"]) for row in outbox.of_webhook(connection, key)]


def tell_at(world: World, after: float) -> int:
    """Tell what is due so many seconds after the start."""
    with world.store.write() as connection:
        return tell(connection, START + int(after * SECOND))


def test_a_click_is_told_after_the_wait_and_once(world: World) -> None:
    """Two seconds after the click, and then never again, with all that is known of it."""
    key, number = hook(world, *ALL), world.send()
    fact = world.fact(number, 4, ip="10.1.2.3")
    world.keep(fact)
    assert (tell_at(world, 1.9), told(world, key)) == (0, [])
    assert (tell_at(world, 2), tell_at(world, 3)) == (1, 0)
    (body,) = told(world, key)
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


def test_a_click_of_a_clock_that_was_ahead_is_told_soon(world: World) -> None:
    """A click recorded while the clock was an hour ahead does not wait until the clock gets there."""
    key, number = hook(world, *ALL), world.send()
    world.keep(world.fact(number, 0, after=3600))
    assert (tell_at(world, 1.9), tell_at(world, 4)) == (0, 1)
    assert [body["type"] for body in told(world, key)] == ["message.clicked"]


def test_a_burst_is_over_before_it_is_told(world: World) -> None:
    """All links of a sweep are told as a machine's, although the first two looked like a person's for a moment."""
    key, number = hook(world, *ALL), world.send()
    for place in range(3):
        world.keep(world.fact(number, place, after=place / 10))
    tell_at(world, 3)
    assert [(one["data"]["verdict"], one["data"]["is_bot"]) for one in told(world, key)] == [("machine", True)] * 3


def test_a_verdict_that_changes_is_corrected(world: World) -> None:
    """Whoever asked for corrections hears what the click was told as and what it is; others hear nothing more."""
    asked, other = hook(world, *ALL), hook(world, "clicked")
    number = world.send()
    first, second = world.fact(number), world.fact(number, 1, after=0.5)
    world.keep(first, second)
    tell_at(world, 2.5)
    world.now = START + 60 * SECOND
    world.keep(world.fact(number, 2, after=1))
    assert tell_at(world, 64) == 1  # the new one
    assert tell_at(world, 65) == 2
    kinds = [one["type"] for one in told(world, asked)]
    assert (kinds.count("message.clicked"), kinds.count("message.click_corrected")) == (3, 2)
    assert [one["type"] for one in told(world, other)] == ["message.clicked"] * 3
    (correction,) = (
        one["data"]
        for one in told(world, asked)
        if one["type"] == "message.click_corrected" and one["data"]["click_id"] == str(first.id)
    )
    assert (correction["was"], correction["verdict"], correction["is_bot"]) == ("human", "machine", True)
    assert correction["event"] == "on_click_corrected"
    assert correction["clicked_at"].endswith("Z")
    assert [row["told"] for row in world.clicks()] == ["machine"] * 3
    assert tell_at(world, 999) == 0


def test_what_changes_back_is_told_to_nobody(world: World) -> None:
    """A verdict that is the told one again before the correction was due is not corrected."""
    key, number = hook(world, *ALL), world.send()
    world.keep(world.fact(number))
    tell_at(world, 2)
    for verdict in ("machine", "human"):
        judge: Any = lambda hits, _, verdict=verdict: [_judged(hit.id, verdict) for hit in hits]  # noqa: E731
        world.understand = replace(world.understand, judge=judge)
        world.keep(world.fact(number, method="HEAD", after=1))
    assert tell_at(world, 99) == 0
    assert [one["type"] for one in told(world, key)] == ["message.clicked"]


def _judged(key: uuid.UUID, verdict: Verdict) -> Judgement:
    return Judgement(key, verdict, 0.5, ())


def test_opens_wait_as_well(world: World) -> None:
    """An open is told after the same wait, without a URL."""
    key, number = hook(world, *ALL), world.send()
    world.keep(world.fact(number, -1, kind="open", destination=None))
    assert (tell_at(world, 1), tell_at(world, 2)) == (0, 1)
    (body,) = told(world, key)
    assert body["type"] == "message.opened"
    assert not {"url", "link", "first"} & body["data"].keys()  # nobody keeps which open was the first


def test_privacy_decides_what_is_told(world: World) -> None:
    """A pseudonymous click is told without address and program; an anonymous one, and one that objected, not at all."""
    key, number = hook(world, *ALL), world.send("spring")
    hidden: dict[str, Any] = {"ip": None, "user_agent": None}
    world.keep(
        world.fact(number, privacy="pseudonymous", **hidden),
        world.fact(number, privacy="anonymous", objected=True, after=30, **hidden),
        world.fact(None, privacy="anonymous", campaign="spring", after=60, **hidden),
    )
    assert tell_at(world, 99) == 1
    (body,) = told(world, key)
    assert not {"ip", "user_agent"} & body["data"].keys()


def test_nothing_waits_where_nobody_listens(world: World) -> None:
    """HEAD is told to nobody, and without a webhook that asked for clicks nothing is noted as told."""
    hook(world, "delivered")
    number = world.send()
    world.keep(world.fact(number), world.fact(number, method="HEAD", after=30))
    assert tell_at(world, 99) == 0
    assert [row["told"] for row in world.clicks()] == [None, None]


def test_a_message_that_is_gone_is_told_no_more(world: World) -> None:
    """When retention was faster than the wait, nothing is sent."""
    key, number = hook(world, *ALL), world.send()
    world.keep(world.fact(number))
    world.retire(number)
    assert (tell_at(world, 99), told(world, key)) == (0, [])

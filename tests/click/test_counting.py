"""What counts, what follows from it, and what becomes of that when a verdict changes or a fact comes late."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linkweir.click.rebuild import rebuild_all
from linkweir.click.verdict import WINDOW, Judgement, judge
from linkweir.store import events, statistics
from linkweir.store import rebuild as rebuild_store
from linkweir.store.sums import HOUR
from tests.click.world import START, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A store whose judge takes three or more links within two seconds for a machine's."""
    made = World(tmp_path)
    yield made
    made.store.close()


def verdicts(world: World) -> list[str]:
    """Of all hits, oldest first."""
    return [row["verdict"] for row in world.clicks()]


def whole(world: World, scope: str = "", dimension: str = "", value: str = "") -> tuple[int, ...]:
    """One row of the sums, over all hours: human, machine, prefetch, unsure, clickers."""
    rows = [row for key, row in world.sums().items() if key[1:4] == (scope, dimension, value)]
    return tuple(map(sum, zip(*rows, strict=True)))


def clicked_count(world: World) -> int:
    """Deliverability's."""
    with world.store.read() as connection:
        return statistics.deliverability(connection, world.account, START - HOUR, START + 9 * HOUR)["clicked"]


def kinds(world: World, number: int) -> list[str]:
    """The kinds of a message's events that are hits."""
    with world.store.read() as connection:
        found = [one["kind"] for one in events.of_message(connection, world.messages[number])]
    return [kind for kind in found if kind in ("clicked", "machine_click", "opened")]


def test_a_person_counts_once_for_each_click(world: World) -> None:
    """Two clicks are two in click_count and one clicker; the status is Clicked."""
    number = world.send("spring")
    world.keep(world.fact(number), world.fact(number, 1, after=30))
    row = world.message(number)
    assert (row["click_count"], row["status"]) == (2, "Clicked")
    assert whole(world) == (2, 0, 0, 0, 1)
    assert whole(world, "tag:spring", "link", "1\thttps://example.com/1") == (1, 0, 0, 0, 1)
    assert [click["first"] for click in world.clicks()] == [True, False]
    assert clicked_count(world) == 1


def test_a_burst_makes_earlier_clicks_a_machines(world: World) -> None:
    """The first two links of a sweep count until the third comes: then nothing does, and Clicked is taken back."""
    number = world.send()
    world.keep(world.fact(number), world.fact(number, 1, after=0.3))
    assert (world.message(number)["click_count"], world.message(number)["status"]) == (2, "Clicked")
    assert kinds(world, number) == ["clicked", "clicked"]
    world.keep(world.fact(number, 2, after=0.6))
    assert verdicts(world) == ["machine"] * 3
    assert (world.message(number)["click_count"], world.message(number)["status"]) == (0, "Delivered")
    assert whole(world) == (0, 3, 0, 0, 0)
    assert kinds(world, number) == ["machine_click"] * 3
    assert clicked_count(world) == 0
    assert [click["first"] for click in world.clicks()] == [False] * 3


def test_clicked_falls_back_to_opened(world: World) -> None:
    """A message that was opened is Opened again when its clicks turn out to be a machine's."""
    number = world.send()
    pixel: dict[str, Any] = {"position": -1, "kind": "open", "destination": None}
    world.keep(world.fact(number, **pixel), world.fact(number, after=1))
    world.keep(world.fact(number, 1, after=1.1), world.fact(number, 2, after=1.2))
    row = world.message(number)
    assert (row["status"], row["click_count"], row["open_count"]) == ("Opened", 0, 1)


def test_other_statuses_stay(world: World) -> None:
    """A click on a bounced message counts and leaves it bounced."""
    number = world.send(sandbox_result="bounce")
    world.keep(world.fact(number))
    assert (world.message(number)["status"], world.message(number)["click_count"]) == ("Sandbox Delivered", 1)
    assert world.sums() == {}


@pytest.mark.parametrize("privacy", ["full", "pseudonymous"])
def test_an_objection_does_not_make_the_sandbox_count(world: World, privacy: str) -> None:
    """A click in the sandbox whose reader objected is tied to no message, and counts nowhere all the same; the same
    click on a message that was sent counts under its campaign.
    """
    bare: dict[str, Any] = {"privacy": "anonymous", "objected": True, "destination": None, "message_ref": None}
    bare |= {"ip": None, "user_agent": None}
    tried, sent = (world.send("spring", sandbox_result=result, privacy=privacy) for result in ("deliver", None))
    world.keep(world.fact(tried, **bare))
    assert (world.sums(), [row["message_id"] for row in world.clicks()]) == ({}, [None])
    world.keep(world.fact(sent, **bare))
    sums = world.sums()
    whole = {key[1]: sum(row[:-1]) for key, row in sums.items() if key[2] == ""}
    assert whole == {"": 1, "tag:spring": 1}
    rebuild_all(world.store, START, lambda _what, _done: True)
    assert world.sums() == sums


@pytest.mark.parametrize(
    ("destination", "stays"),
    [
        ("https://example.com/?u=ada@example.org", False),
        ("https://example.com/?u=ada.l%40mail.example.org&x=1", False),
        ("https://example.com/?to=https%3A%2F%2Fx.example%2F%3Fu%3Dada%2540example.org", False),
        ("https://social.example/@ada/1", True),
        ("https://example.com/a?b=40@", True),
    ],
)
def test_a_sum_outlives_its_message_unless_it_names_a_reader(world: World, destination: str, stays: bool) -> None:
    """When a message's time is over its clicks go on counting under their destination, but not under one that holds an
    e-mail address, which would say who clicked for ever; in all other sums they stay.
    """
    number = world.send("spring")
    world.keep(world.fact(number, destination=destination))
    world.retire(number)
    dimensions = {key[2] for key in world.sums()}
    assert dimensions >= {"", "tag", "device"}
    assert ("destination" in dimensions, "link" in dimensions) == (stays, stays)
    sums = world.sums()
    rebuild_all(world.store, START, lambda _what, _done: True)
    assert world.sums() == sums


def test_the_one_who_comes_next_becomes_the_first(world: World) -> None:
    """When the first click turns out to be a machine's, the next person is the first, hours later if need be."""
    number = world.send()
    late = world.fact(number, 5, after=7200)
    world.keep(world.fact(number), world.fact(number, 1, after=0.3), late)
    world.keep(world.fact(number, 2, after=0.6))
    assert [(row["id"] == late.id, row["first"]) for row in world.clicks()] == [(False, False)] * 3 + [(True, True)]
    hours = {key[4]: row for key, row in world.sums().items() if key[1:4] == ("", "", "")}
    assert {hour: row[4] for hour, row in hours.items()} == {START // HOUR: 0, late.at // HOUR: 1}
    assert world.links()[world.messages[number], 5][4] == late.at


def test_a_late_fact_takes_its_place(world: World) -> None:
    """A fact that the journal held back for hours is the first click if its time was."""
    number = world.send()
    world.keep(world.fact(number, after=3600))
    world.keep(world.fact(number, after=0))
    assert [row["first"] for row in world.clicks()] == [True, False]
    assert [key[4] for key, row in world.sums().items() if key[1:4] == ("", "", "") and row[4]] == [START // HOUR]
    assert world.links()[world.messages[number], 0][4] == START


def test_a_fact_counts_once(world: World) -> None:
    """The same facts again, in one batch and in a later one, change nothing."""
    number = world.send("spring")
    facts = [world.fact(number, place, after=place / 10) for place in range(4)]
    world.keep(*facts, facts[0])
    before = world.state()
    world.keep(*facts[::-1])
    assert world.state() == before
    assert len(world.clicks()) == 4


def test_head_is_never_a_person(world: World) -> None:
    """Even a judge that is not sure of a HEAD cannot make it count."""
    number = world.send()
    world.understand = replace(world.understand, judge=lambda hits, _: [_unsure(hit.id) for hit in hits])
    world.keep(world.fact(number, method="HEAD"))
    assert verdicts(world) == ["machine"]
    assert world.message(number)["click_count"] == 0
    assert kinds(world, number) == []


def _unsure(key: uuid.UUID) -> Judgement:
    return Judgement(key, "unsure", 0.5, ())


def test_who_objects_is_counted_for_the_campaign_only(world: World) -> None:
    """Such a click is stored under its message's first tag and tied to nothing else; the message does not move."""
    number = world.send("spring", "news")
    hidden: dict[str, Any] = {"privacy": "anonymous", "objected": True, "destination": None, "message_ref": None}
    world.keep(world.fact(number, 3, ip=None, user_agent=None, device="phone", **hidden))
    (row,) = world.clicks()
    assert (row["message_id"], row["message_ref"], row["campaign"], row["destination"]) == (None, None, "spring", None)
    assert (world.message(number)["click_count"], world.message(number)["status"]) == (0, "Delivered")
    assert kinds(world, number) == []
    assert whole(world, "tag:spring", "link", "3") == (1, 0, 0, 0, 0)
    assert whole(world, "tag:spring", "device", "phone") == (1, 0, 0, 0, 0)
    assert whole(world) == (1, 0, 0, 0, 0)


def test_who_objects_can_be_a_machine(world: World) -> None:
    """A scanner that says so is still seen in the burst that it is part of."""
    number = world.send("spring")
    hidden: dict[str, Any] = {"privacy": "anonymous", "objected": True, "destination": None, "message_ref": None}
    world.keep(*(world.fact(number, place, after=place / 10, **hidden) for place in range(3)))
    assert verdicts(world) == ["machine"] * 3


def test_nothing_personal_is_kept_of_clicks_on_messages_that_are_gone(world: World) -> None:
    """When a message has expired, a click on its link is a number: no address, no program, no destination."""
    number = world.send("spring")
    world.retire(number)
    world.keep(world.fact(number, ip="10.1.2.3", user_agent="Library", signals="no-accept"))
    (row,) = world.clicks()
    assert row["signals"] == "no-accept agent-library"  # the class only, for the verdict
    personal = ("message_id", "message_ref", "ip", "user_agent", "client", "system", "destination")
    assert [row[name] for name in personal] == [None] * len(personal)
    assert (row["country"], row["privacy"]) == ("DE", "anonymous")
    assert whole(world) == (1, 0, 0, 0, 0)


def test_links_minted_elsewhere_are_understood_too(world: World) -> None:
    """Hits on links of messages that this store does not know are judged together and counted for the key's owner."""
    swept = [world.fact(None, place, after=place / 10, message_ref="letter-1") for place in range(3)]
    world.keep(*swept[:2], world.fact(None, 0, after=1, message_ref="letter-2"))
    assert whole(world) == (3, 0, 0, 0, 2)
    world.keep(swept[2])
    assert whole(world) == (1, 3, 0, 0, 1)
    assert whole(world, "", "destination", "https://example.com/0") == (1, 1, 0, 0, 1)


def test_sums_outlive_their_messages(world: World) -> None:
    """When retention has removed a message, its sums are the same, also after a rebuild; what was said of its recipient
    is gone from them.
    """
    kept, gone = (world.send("spring", attributes={"plan": plan}) for plan in ("pro", "free"))
    world.keep(*(world.fact(number, place, after=40 * place) for number in (kept, gone) for place in range(2)))
    assert whole(world, "", "attribute:plan", "free") == (2, 0, 0, 0, 1)
    before = {key: row for key, row in world.sums().items() if key[3] != "free"}
    world.retire(gone)
    assert world.sums() == before
    rebuild_all(world.store, START, lambda _what, _done: True)
    assert world.sums() == before
    assert {message for message, _ in world.links()} == {world.messages[kept]}


def test_a_rebuild_sets_right_what_is_wrong(world: World) -> None:
    """Sums, links, counts and flags that something has spoilt are as they were; the mark is gone."""
    number = world.send("spring")
    world.keep(world.fact(number), world.fact(number, 1, after=60), world.fact(number, 1, after=90))
    before = world.state()
    with world.store.write() as connection:
        for spoil in (
            "UPDATE rollups SET human = human + 7, clickers = 9",
            "DELETE FROM message_links",
            "UPDATE clicks SET first = 1, firsts = 31",
            "UPDATE messages SET click_count = 77, status = 'Delivered'",
            "INSERT INTO words (text) VALUES ('x')",
            "INSERT INTO rollups (axis, hours, hour, word) SELECT a.id, 1, 1, w.id FROM axes a, words w",
        ):
            connection.exec_driver_sql(spoil)
    rebuild_all(world.store, START, lambda _what, _done: True)
    assert world.state() == before


def test_a_rebuild_that_was_interrupted_is_wanted_again(world: World) -> None:
    """Whoever stops half-way leaves a mark."""
    with world.store.read() as connection:
        assert not rebuild_store.wanted(connection)
    rebuild_all(world.store, START, lambda _what, _done: False)
    with world.store.read() as connection:
        assert rebuild_store.wanted(connection)
    rebuild_all(world.store, START, lambda _what, _done: True)
    with world.store.read() as connection:
        assert not rebuild_store.wanted(connection)


@pytest.mark.parametrize(("links", "verdict"), [(12, "machine"), (30, "unsure"), (None, "unsure")])
def test_a_message_says_how_many_links_it_has(world: World, links: int | None, verdict: str) -> None:
    """Twelve links, followed once each from four networks within two minutes: whether these are all decides, also when
    they come one by one, and a rebuild changes nothing.
    """
    number = world.send(tracked_links=links)
    world.understand = replace(world.understand, judge=judge, window=WINDOW)
    for place in range(12):
        seat = {"ip": f"10.0.{place % 4}.1", "user_agent": f"Browser {place % 3}"}
        world.keep(world.fact(number, place, after=30 + 9 * place + place % 3 * 4, **seat))
    assert {row["verdict"] for row in world.clicks()} == {verdict}
    before = world.state()
    rebuild_all(world.store, START, lambda _what, _done: True)
    assert world.state() == before


def test_a_flood_on_one_link_costs_the_same_for_each(world: World) -> None:
    """What a batch costs the database, in its own steps, does not grow with what its message has seen."""
    number = world.send()
    world.understand = replace(world.understand, judge=judge, window=WINDOW)
    costs = [
        world.cost_of([world.fact(number, place % 3, after=turn * 10 + place / 20) for place in range(200)])
        for turn in range(8)
    ]
    assert max(costs[4:]) < 1.2 * min(costs[2:4]), costs

"""What counts, what follows from it, and what becomes of that when a verdict changes or a fact comes late."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linkweir.clicks.classify import WINDOW_US, Classification, HitId, classify_hits
from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.clock import HOUR_US
from linkweir.db import aggregate_rebuild as rebuild_database
from linkweir.db import delivery_statistics, events_table
from tests.clicks.ingest.click_database import START_US, ClickDatabase


@pytest.fixture
def click_database(dialect: str, tmp_path: Path) -> Iterator[ClickDatabase]:
    """A database whose judge takes three or more links within two seconds for a machine's."""
    made = ClickDatabase(tmp_path)
    yield made
    made.database.close()


def list_verdicts(click_database: ClickDatabase) -> list[str]:
    """Of all hits, oldest first."""
    return [row["verdict"] for row in click_database.clicks()]


def aggregate_row(
    click_database: ClickDatabase, scope: str = "", dimension: str = "", value: str = ""
) -> tuple[int, ...]:
    """One row of the sums, over all hours: human, machine, prefetch, unsure, clickers."""
    rows = [row for key, row in click_database.aggregates().items() if key[1:4] == (scope, dimension, value)]
    human, machine, prefetch, unsure, _, clickers = tuple(map(sum, zip(*rows, strict=True)))[:6]
    return human, machine, prefetch, unsure, clickers


def clicked_count(click_database: ClickDatabase) -> int:
    """Deliverability's."""
    with click_database.database.read() as connection:
        return delivery_statistics.count_events_by_period(
            connection, click_database.account, [(START_US - HOUR_US, START_US + 9 * HOUR_US)]
        )[0]["clicked"]


def list_event_kinds(click_database: ClickDatabase, number: int) -> list[str]:
    """The kinds of a message's events that are hits."""
    with click_database.database.read() as connection:
        result = [item["kind"] for item in events_table.list_for_message(connection, click_database.messages[number])]
    return [kind for kind in result if kind in ("clicked", "machine_click", "opened")]


def test_a_person_counts_once_for_each_click(click_database: ClickDatabase) -> None:
    """Two clicks are two in click_count and one clicker; the status is Clicked."""
    number = click_database.send("spring")
    click_database.ingest(click_database.make_event(number), click_database.make_event(number, 1, after=30))
    row = click_database.message(number)
    assert (row["click_count"], row["status"]) == (2, "Clicked")
    assert aggregate_row(click_database) == (2, 0, 0, 0, 1)
    assert aggregate_row(click_database, "tag:spring", "link", "1\thttps://example.com/1") == (1, 0, 0, 0, 1)
    assert [click["first"] for click in click_database.clicks()] == [True, False]
    assert clicked_count(click_database) == 1


def test_a_burst_makes_earlier_clicks_a_machines(click_database: ClickDatabase) -> None:
    """The first two links of a sweep count until the third comes: then nothing does, and Clicked is taken back."""
    number = click_database.send()
    click_database.ingest(click_database.make_event(number), click_database.make_event(number, 1, after=0.3))
    assert (click_database.message(number)["click_count"], click_database.message(number)["status"]) == (2, "Clicked")
    assert list_event_kinds(click_database, number) == ["clicked", "clicked"]
    click_database.ingest(click_database.make_event(number, 2, after=0.6))
    assert list_verdicts(click_database) == ["machine"] * 3
    assert (click_database.message(number)["click_count"], click_database.message(number)["status"]) == (0, "Delivered")
    assert aggregate_row(click_database) == (0, 3, 0, 0, 0)
    assert list_event_kinds(click_database, number) == ["machine_click"] * 3
    assert clicked_count(click_database) == 0
    assert [click["first"] for click in click_database.clicks()] == [False] * 3


def test_clicked_falls_back_to_opened(click_database: ClickDatabase) -> None:
    """A message that was opened is Opened again when its clicks turn out to be a machine's."""
    number = click_database.send()
    pixel: dict[str, Any] = {"position": -1, "kind": "open", "destination": None}
    click_database.ingest(click_database.make_event(number, **pixel), click_database.make_event(number, after=1))
    click_database.ingest(
        click_database.make_event(number, 1, after=1.1), click_database.make_event(number, 2, after=1.2)
    )
    row = click_database.message(number)
    assert (row["status"], row["click_count"], row["open_count"]) == ("Opened", 0, 1)


def test_other_statuses_stay(click_database: ClickDatabase) -> None:
    """A click on a bounced message counts and leaves it bounced."""
    number = click_database.send(sandbox_result="bounce")
    click_database.ingest(click_database.make_event(number))
    assert (click_database.message(number)["status"], click_database.message(number)["click_count"]) == (
        "Sandbox Delivered",
        1,
    )
    assert click_database.aggregates() == {}


@pytest.mark.parametrize("privacy", ["full", "pseudonymous"])
def test_an_objection_does_not_make_the_sandbox_count(click_database: ClickDatabase, privacy: str) -> None:
    """A click in the sandbox whose reader objected is tied to no message, and counts nowhere all the same; the same
    click on a message that was sent counts under its campaign.
    """
    bare: dict[str, Any] = {"privacy": "anonymous", "objected": True, "destination": None, "message_ref": None}
    bare |= {"ip": None, "user_agent": None}
    tried, sent = (
        click_database.send("spring", sandbox_result=result, privacy=privacy) for result in ("deliver", None)
    )
    click_database.ingest(click_database.make_event(tried, **bare))
    assert (click_database.aggregates(), [row["message_id"] for row in click_database.clicks()]) == ({}, [None])
    click_database.ingest(click_database.make_event(sent, **bare))
    sums = click_database.aggregates()
    whole = {key[1]: sum(row[:4]) for key, row in sums.items() if key[2] == ""}
    assert whole == {"": 1, "tag:spring": 1}
    rebuild_aggregates(click_database.database, START_US, lambda _what, _done: True)
    assert click_database.aggregates() == sums


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
def test_a_sum_outlives_its_message_unless_it_names_a_reader(
    click_database: ClickDatabase, destination: str, stays: bool
) -> None:
    """When a message's time is over its clicks go on counting under their destination, but not under one that holds an
    e-mail address, which would say who clicked for ever; in all other sums they stay.
    """
    number = click_database.send("spring")
    click_database.ingest(click_database.make_event(number, destination=destination))
    click_database.expire_message(number)
    dimensions = {key[2] for key in click_database.aggregates()}
    assert dimensions >= {"", "tag", "device"}
    assert ("destination" in dimensions, "link" in dimensions) == (stays, stays)
    sums = click_database.aggregates()
    rebuild_aggregates(click_database.database, START_US, lambda _what, _done: True)
    assert click_database.aggregates() == sums


def test_the_one_who_comes_next_becomes_the_first(click_database: ClickDatabase) -> None:
    """When the first click turns out to be a machine's, the next person is the first, hours later if need be."""
    number = click_database.send()
    late = click_database.make_event(number, 5, after=7200)
    click_database.ingest(click_database.make_event(number), click_database.make_event(number, 1, after=0.3), late)
    click_database.ingest(click_database.make_event(number, 2, after=0.6))
    assert [(row["id"] == late.id, row["first"]) for row in click_database.clicks()] == [(False, False)] * 3 + [
        (True, True)
    ]
    hours = {key[4]: row for key, row in click_database.aggregates().items() if key[1:4] == ("", "", "")}
    assert {hour: row[5] for hour, row in hours.items()} == {START_US // HOUR_US: 0, late.at // HOUR_US: 1}
    assert click_database.link_aggregates()[click_database.messages[number], 5][-2] == late.at


def test_a_late_event_is_counted_in_time_order(click_database: ClickDatabase) -> None:
    """A fact that the journal held back for hours is the first click if its time was."""
    number = click_database.send()
    click_database.ingest(click_database.make_event(number, after=3600))
    click_database.ingest(click_database.make_event(number, after=0))
    assert [row["first"] for row in click_database.clicks()] == [True, False]
    assert [key[4] for key, row in click_database.aggregates().items() if key[1:4] == ("", "", "") and row[5]] == [
        START_US // HOUR_US
    ]
    assert click_database.link_aggregates()[click_database.messages[number], 0][-2] == START_US


def test_a_fact_counts_once(click_database: ClickDatabase) -> None:
    """The same facts again, in one batch and in a later one, change nothing."""
    number = click_database.send("spring")
    facts = [click_database.make_event(number, index, after=index / 10) for index in range(4)]
    click_database.ingest(*facts, facts[0])
    before = click_database.state()
    click_database.ingest(*facts[::-1])
    assert click_database.state() == before
    assert len(click_database.clicks()) == 4


def test_head_is_never_a_person(click_database: ClickDatabase) -> None:
    """Even a judge that is not sure of a HEAD cannot make it count."""
    number = click_database.send()
    click_database.classifier = replace(
        click_database.classifier, classify_hits=lambda hits, _: [_make_unsure(hit.id) for hit in hits]
    )
    click_database.ingest(click_database.make_event(number, method="HEAD"))
    assert list_verdicts(click_database) == ["machine"]
    assert click_database.message(number)["click_count"] == 0
    assert list_event_kinds(click_database, number) == []


def _make_unsure(key: HitId) -> Classification:
    return Classification(key, "unsure", 0.5, ())


def test_who_objects_is_counted_for_the_campaign_only(click_database: ClickDatabase) -> None:
    """Such a click is stored under its message's first tag and tied to nothing else; the message does not move."""
    number = click_database.send("spring", "news")
    hidden: dict[str, Any] = {"privacy": "anonymous", "objected": True, "destination": None, "message_ref": None}
    click_database.ingest(click_database.make_event(number, 3, ip=None, user_agent=None, device="phone", **hidden))
    (row,) = click_database.clicks()
    assert (row["message_id"], row["message_ref"], row["campaign"], row["destination"]) == (None, None, "spring", None)
    assert (click_database.message(number)["click_count"], click_database.message(number)["status"]) == (0, "Delivered")
    assert list_event_kinds(click_database, number) == []
    assert aggregate_row(click_database, "tag:spring", "link", "3") == (1, 0, 0, 0, 0)
    assert aggregate_row(click_database, "tag:spring", "device", "phone") == (1, 0, 0, 0, 0)
    assert aggregate_row(click_database) == (1, 0, 0, 0, 0)


def test_who_objects_can_be_a_machine(click_database: ClickDatabase) -> None:
    """A scanner that says so is still seen in the burst that it is part of."""
    number = click_database.send("spring")
    hidden: dict[str, Any] = {"privacy": "anonymous", "objected": True, "destination": None, "message_ref": None}
    click_database.ingest(*(click_database.make_event(number, index, after=index / 10, **hidden) for index in range(3)))
    assert list_verdicts(click_database) == ["machine"] * 3


@pytest.mark.parametrize("together", [True, False])
def test_who_objects_changes_no_other_verdict(click_database: ClickDatabase, together: bool) -> None:
    """Clicks that are stored without their message do not count as neighbours of others, also if they arrive with
    them.
    """
    number = click_database.send("spring")
    hidden: dict[str, Any] = {"privacy": "anonymous", "objected": True, "destination": None, "message_ref": None}
    hits = [click_database.make_event(number, index, after=index / 10, **hidden) for index in range(2)]
    hits.append(click_database.make_event(number, 2, after=0.3))
    for some in [hits] if together else [[hit] for hit in hits]:
        click_database.ingest(*some)
    assert list_verdicts(click_database) == ["human"] * 3


def test_nothing_personal_is_stored_of_clicks_on_deleted_messages(click_database: ClickDatabase) -> None:
    """When a message has expired, a click on its link is a number: no address, no program, no destination."""
    number = click_database.send("spring")
    click_database.expire_message(number)
    click_database.ingest(click_database.make_event(number, ip="10.1.2.3", user_agent="Library", signals="no-accept"))
    (row,) = click_database.clicks()
    assert row["signals"] == "no-accept agent-library"  # the class only, for the verdict
    personal = ("message_id", "message_ref", "ip", "user_agent", "client", "system", "destination")
    assert [row[name] for name in personal] == [None] * len(personal)
    assert (row["country"], row["privacy"]) == ("DE", "anonymous")
    assert aggregate_row(click_database) == (1, 0, 0, 0, 0)


def test_links_minted_elsewhere_are_understood_too(click_database: ClickDatabase) -> None:
    """Clicks on links of messages unknown to this database are judged together and counted for the key's owner."""
    swept = [click_database.make_event(None, index, after=index / 10, message_ref="letter-1") for index in range(3)]
    click_database.ingest(*swept[:2], click_database.make_event(None, 0, after=1, message_ref="letter-2"))
    assert aggregate_row(click_database) == (3, 0, 0, 0, 2)
    click_database.ingest(swept[2])
    assert aggregate_row(click_database) == (1, 3, 0, 0, 1)
    assert aggregate_row(click_database, "", "destination", "https://example.com/0") == (1, 1, 0, 0, 1)


def test_sums_outlive_their_messages(click_database: ClickDatabase) -> None:
    """When retention has removed a message, its sums are the same, also after a rebuild; what was said of its recipient
    is gone from them.
    """
    kept, gone = (click_database.send("spring", attributes={"plan": plan}) for plan in ("pro", "free"))
    click_database.ingest(
        *(click_database.make_event(number, index, after=40 * index) for number in (kept, gone) for index in range(2))
    )
    assert aggregate_row(click_database, "", "attribute:plan", "free") == (2, 0, 0, 0, 1)
    before = {key: row for key, row in click_database.aggregates().items() if key[3] != "free"}
    click_database.expire_message(gone)
    assert click_database.aggregates() == before
    rebuild_aggregates(click_database.database, START_US, lambda _what, _done: True)
    assert click_database.aggregates() == before
    assert {message for message, _ in click_database.link_aggregates()} == {click_database.messages[kept]}


def test_a_rebuild_sets_right_what_is_wrong(click_database: ClickDatabase) -> None:
    """Sums, links, counts and flags that something has spoilt are as they were; the mark is gone."""
    number = click_database.send("spring")
    click_database.ingest(
        click_database.make_event(number),
        click_database.make_event(number, 1, after=60),
        click_database.make_event(number, 1, after=90),
    )
    before = click_database.state()
    with click_database.database.write() as connection:
        for spoil in (
            "UPDATE rollups SET human = human + 7, clickers = 9",
            "DELETE FROM message_link_rows",
            "UPDATE click_rows SET first = TRUE, firsts = 31",
            "UPDATE messages SET click_count = 77, status = 'Delivered'",
            "INSERT INTO words (text) VALUES ('x')",
            "INSERT INTO rollups (axis, hours, hour, word) SELECT a.id, 1, 1, w.id FROM axes a, words w",
        ):
            connection.exec_driver_sql(spoil)
    rebuild_aggregates(click_database.database, START_US, lambda _what, _done: True)
    assert click_database.state() == before


def test_a_rebuild_that_was_interrupted_is_wanted_again(click_database: ClickDatabase) -> None:
    """Whoever stops half-way leaves a mark."""
    with click_database.database.read() as connection:
        assert not rebuild_database.is_pending(connection)
    rebuild_aggregates(click_database.database, START_US, lambda _what, _done: False)
    with click_database.database.read() as connection:
        assert rebuild_database.is_pending(connection)
    rebuild_aggregates(click_database.database, START_US, lambda _what, _done: True)
    with click_database.database.read() as connection:
        assert not rebuild_database.is_pending(connection)


@pytest.mark.parametrize(("links", "verdict"), [(12, "machine"), (30, "unsure"), (None, "unsure")])
def test_a_message_records_its_link_count(click_database: ClickDatabase, links: int | None, verdict: str) -> None:
    """Twelve links, followed once each from four networks within two minutes: whether these are all decides, also when
    they come one by one, and a rebuild changes nothing.
    """
    number = click_database.send(tracked_links=links)
    click_database.classifier = replace(click_database.classifier, classify_hits=classify_hits, window_us=WINDOW_US)
    for index in range(12):
        seat = {"ip": f"10.0.{index % 4}.1", "user_agent": f"Browser {index % 3}"}
        click_database.ingest(click_database.make_event(number, index, after=30 + 9 * index + index % 3 * 4, **seat))
    assert {row["verdict"] for row in click_database.clicks()} == {verdict}
    before = click_database.state()
    rebuild_aggregates(click_database.database, START_US, lambda _what, _done: True)
    assert click_database.state() == before


@pytest.mark.sqlite_only(reason="it counts the steps of SQLite's machine")
def test_a_flood_on_one_link_costs_the_same_for_each(click_database: ClickDatabase) -> None:
    """What a batch costs the database, in its own steps, does not grow with what its message has seen."""
    number = click_database.send()
    click_database.classifier = replace(click_database.classifier, classify_hits=classify_hits, window_us=WINDOW_US)
    costs = [
        click_database.ingest_cost(
            [click_database.make_event(number, index % 3, after=turn * 10 + index / 20) for index in range(200)]
        )
        for turn in range(8)
    ]
    assert max(costs[4:]) < 1.2 * min(costs[2:4]), costs

"""Expected numbers of clicks and clickers do not depend on how the clicks came, nor on what became of messages."""

import copy
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.clock import DAY_US, SECOND_US
from linkweir.db import person_data, retention_queries
from linkweir.db.click_probabilities import MAX_HITS_PER_MESSAGE
from linkweir.db.schema import messages
from tests.clicks.ingest.click_database import MACHINE_PROBABILITIES, START_US, ClickDatabase, recount
from tests.clicks.ingest.test_aggregate_deltas import MEMORY_FOLDER, MESSAGES, generate_hit, make_event
from tests.databases import copy_database

FIRST_EXPECTED_COLUMN = 6  # after the verdicts and clickers
HITS = st.lists(generate_hit(), min_size=1, max_size=24)
ACTIONS = st.sampled_from(
    ["erase 0", "erase 1", "expire 0", "expire 2", "rebuild", *(f"forget {n}" for n in (1, 30, 90))]
)


def make_world(folder: Path) -> ClickDatabase:
    """A database with messages."""
    world = ClickDatabase(folder)
    for fields in MESSAGES:
        world.send(*fields["tags"], **{name: value for name, value in fields.items() if name != "tags"})
    return world


def copy_world(world: ClickDatabase, folder: Path) -> ClickDatabase:
    """Another database with the same messages."""
    other = copy.copy(world)
    other.database, other.expired_aggregates = copy_database(world.database, folder), {}
    return other


def expected_sums(world: ClickDatabase) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """The sums by hour, of expected clicks and clickers only."""
    sums = {key: row[FIRST_EXPECTED_COLUMN:] for key, row in world.aggregates().items()}
    return {key: row for key, row in sums.items() if any(row)}


@given(HITS, st.lists(st.integers(1, 9), min_size=1), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.both_databases
def test_the_order_of_ingest_changes_nothing(hits: list[dict[str, Any]], sizes: list[int], random: Any) -> None:
    """The same clicks in another order, in other batches and some of them twice come to the same in every table. Those
    of readers who object are left out: they are judged beside those alone that are stored with them.
    """
    with tempfile.TemporaryDirectory(dir=MEMORY_FOLDER) as one, tempfile.TemporaryDirectory(dir=MEMORY_FOLDER) as two:
        world = make_world(Path(one))
        other = copy_world(world, Path(two))
        facts = [make_event(world, {**hit, "objected": False}) for hit in hits]
        world.ingest(*facts)
        shuffled = random.sample(facts, len(facts))
        while shuffled:
            size = random.choice(sizes)
            other.ingest(*shuffled[:size], *random.sample(facts, 1))
            del shuffled[:size]
        assert other.state() == world.state()
        world.database.close()
        other.database.close()


def act(world: ClickDatabase, action: str) -> None:
    """Do what happens beside counting: erasure, retention of messages and of links minted elsewhere, a rebuild."""
    name, _, number = action.partition(" ")
    with world.database.write() as connection:
        if name == "erase":
            here = messages.c.number == world.numbers[int(number)]
            person_data.erase(connection, list(connection.execute(select(messages).where(here)).mappings()), START_US)
        elif name == "forget":  # what is older than so many seconds after the start
            at = START_US + 30 * DAY_US + int(number) * SECOND_US
            retention_queries.anonymize_unattributed_clicks(connection, at, 1000)
    if name == "rebuild":
        rebuild_aggregates(world.database, START_US, lambda _what, _done: True)
    if name == "expire" and world.numbers[int(number)] in {row["number"] for row in world.rows(messages)}:
        world.expire_message(world.numbers[int(number)])


@given(st.lists(st.tuples(st.lists(generate_hit(), max_size=12), ACTIONS), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.both_databases
def test_erasure_and_retention_leave_sums_that_can_be_rebuilt(steps: list[tuple[list[dict[str, Any]], str]]) -> None:
    """Whatever is erased, expires or is forgotten in between, the sums are those of a rebuild."""
    with tempfile.TemporaryDirectory(dir=MEMORY_FOLDER) as folder:
        world = make_world(Path(folder))
        for hits, action in steps:
            world.ingest(*(make_event(world, hit) for hit in hits))
            act(world, action)
        counted = expected_sums(world)
        rebuild_aggregates(world.database, START_US, lambda _what, _done: True)
        assert expected_sums(world) == counted
        world.database.close()


@pytest.mark.both_databases
def test_a_corrected_verdict_moves_what_was_expected(tmp_path: Path) -> None:
    """When later clicks change what is thought of a click, figures and sums are those of a recount."""
    world = ClickDatabase(tmp_path)
    number = world.send("spring")
    world.ingest(world.make_event(number, 0))
    before = world.message(number)
    assert before["expected_clicks"] == round((1 - MACHINE_PROBABILITIES[1]) * 10_000)
    world.ingest(world.make_event(number, 1, after=1), world.make_event(number, 2, after=1))
    row, hits = world.message(number), world.clicks()
    assert world.aggregates() == recount(world)
    assert row["expected_clicks"] == sum(10_000 - hit["machine_basis_points"] for hit in hits)
    assert row["expected_clicks"] != before["expected_clicks"]
    assert (row["hit_count"], row["likely_count"]) == (3, sum(hit["machine_basis_points"] <= 5_000 for hit in hits))
    world.database.close()


def test_a_flood_on_one_message_costs_no_more_and_counts_once(tmp_path: Path) -> None:
    """Of a message with more clicks than are looked at only the first ones count, also for those that come late."""
    world = ClickDatabase(tmp_path, window=0)
    number = world.send()
    flood = [world.make_event(number, 0, after=10 * place) for place in range(MAX_HITS_PER_MESSAGE + 40)]
    world.ingest(*flood[30:])
    late = world.ingest_cost(flood[:30])
    counted = world.state()
    rebuild_aggregates(world.database, START_US, lambda _what, _done: True)
    assert world.state() == counted
    assert world.message(number)["hit_count"] == len(flood)
    (tmp_path / "quiet").mkdir()
    quiet = ClickDatabase(tmp_path / "quiet", window=0)
    other = quiet.send()
    quiet.ingest(*(quiet.make_event(other, 0, after=10 * place) for place in range(30, MAX_HITS_PER_MESSAGE)))
    assert late <= 3 * quiet.ingest_cost([quiet.make_event(other, 0, after=10 * place) for place in range(30)])
    world.database.close()
    quiet.database.close()

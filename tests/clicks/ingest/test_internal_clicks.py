"""Tests of clicks by the sender's own people: stored and counted apart, in every privacy mode."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from linkweir.clicks.classify import classify_hits
from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.tokens.campaign_tags import INTERNAL_TAG
from tests.clicks.ingest.click_database import START_US, ClickDatabase

HIDDEN: dict[str, Any] = {"ip": None, "user_agent": None, "device": "desktop"}
PRIVACY_MODES: dict[str, dict[str, Any]] = {
    "full": {},
    "pseudonymous": {"privacy": "pseudonymous", **HIDDEN},
    "objected": {"privacy": "anonymous", "objected": True, "destination": None, "message_ref": None, **HIDDEN},
}


@pytest.fixture
def click_database(dialect: str, tmp_path: Path) -> ClickDatabase:
    """A database that judges by the real rules."""
    return ClickDatabase(tmp_path, classify=classify_hits)


def overall_counts(click_database: ClickDatabase) -> tuple[int, ...]:
    """What all clicks of the account come to: verdicts, clickers and expected numbers."""
    rows = [row for key, row in click_database.aggregates().items() if key[1:4] == ("", "", "")]
    return tuple(map(sum, zip(*rows, strict=True)))


@pytest.mark.parametrize("mode", PRIVACY_MODES)
@pytest.mark.parametrize("origin", ["network", "recipient"])
def test_an_internal_click_marks_and_counts_nothing(click_database: ClickDatabase, mode: str, origin: str) -> None:
    """It is stored and counted as internal; message, clickers and expected numbers stay as if it had not been."""
    number = click_database.send("spring", internal=origin == "recipient")
    own = click_database.account.hex if origin == "network" else ""
    click_database.ingest(click_database.make_event(number, after=600, internal_accounts=own, **PRIVACY_MODES[mode]))
    (click,) = click_database.clicks()
    assert (click["verdict"], click["reasons"], click["first"]) == ("internal", f"internal-{origin}", False)
    row = click_database.message(number)
    assert (row["status"], row["click_count"], row["likely_count"], row["clicked_basis_points"]) == (
        "Delivered",
        0,
        0,
        0,
    )
    assert overall_counts(click_database) == (0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("internal", [True, False])
def test_an_anonymous_link_says_itself_that_it_is_internal(click_database: ClickDatabase, internal: bool) -> None:
    """A click on one that went to the sender's own people counts for no campaign, and as internal."""
    campaign = INTERNAL_TAG if internal else "spring"
    click_database.ingest(
        click_database.make_event(None, privacy="anonymous", campaign=campaign, destination=None, **HIDDEN)
    )
    (click,) = click_database.clicks()
    assert (click["verdict"] == "internal", click["campaign"]) == (internal, None if internal else "spring")


def test_another_accounts_network_means_nothing(click_database: ClickDatabase) -> None:
    """Only the account whose message was followed decides whose clicks are its own."""
    number = click_database.send()
    click_database.ingest(click_database.make_event(number, after=600, internal_accounts=uuid.uuid4().hex))
    assert [row["verdict"] for row in click_database.clicks()] != ["internal"]


def test_a_later_hit_does_not_change_an_internal_verdict(click_database: ClickDatabase) -> None:
    """Internal clicks stay so when hits around them are judged anew, and the first click is a reader's."""
    number = click_database.send()
    click_database.ingest(click_database.make_event(number, after=3600, internal_accounts=click_database.account.hex))
    click_database.ingest(
        *(click_database.make_event(number, index, after=3605 + index / 10, ip="198.51.100.7") for index in range(4))
    )
    click_database.ingest(
        click_database.make_event(number, after=3700, ip="203.0.113.9", user_agent="Phone", device="phone")
    )
    first, *others = click_database.clicks()
    assert (first["verdict"], first["first"]) == ("internal", False)
    assert "internal" not in {row["verdict"] for row in others}
    assert click_database.message(number)["status"] == "Clicked"


def test_a_rebuild_keeps_internal_clicks_apart(click_database: ClickDatabase) -> None:
    """Sums that are made anew are those that were counted."""
    one, other = click_database.send("spring", internal=True), click_database.send("spring")
    click_database.ingest(*(click_database.make_event(number, after=600) for number in (one, other)))
    click_database.ingest(click_database.make_event(other, 1, after=700, internal_accounts=click_database.account.hex))
    counted = click_database.state()
    rebuild_aggregates(click_database.database, START_US, lambda _what, _done: True)
    assert click_database.state() == counted
    assert overall_counts(click_database)[4] == 2

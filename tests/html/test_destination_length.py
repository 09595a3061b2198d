"""Link rules, section 2, `too-long-destination`: one outcome for a link that nobody can carry, wherever judged."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

import linkweir
from linkweir.html.outcome import Outcome
from linkweir.html.plan import Plan
from linkweir.html.rewriter import Rewriter
from linkweir.html.switches import Switches
from linkweir.tokens.keyring import KeyRing
from linkweir.tokens.tracker import Tracker

MAX_LINK_CHARACTERS = 8000
BASE_URL = "https://t.example.com"
TRACKER = Tracker(KeyRing.generate(datetime(2026, 1, 1, tzinfo=UTC)), BASE_URL, message=7)


def make_incompressible(size: int) -> str:
    """A destination of this length that does not become shorter in a link."""
    chance = random.Random(3)  # noqa: S311 - no secret: the seed makes a failure repeatable
    return "https://x.example/?" + "".join(chance.choice("~!$'()*;,.") for _ in range(size - 19)).replace("'", "~")


def longest_destination() -> int:
    """The longest such destination whose link is within the limit."""
    low, high = 1000, MAX_LINK_CHARACTERS
    while low + 1 < high:
        middle = (low + high) // 2
        result = TRACKER.mint_many([make_incompressible(middle).encode()], [0])[0]
        low, high = (middle, high) if result else (low, middle)
    return low


def list_outcomes(html: str, switches: Switches | None = None) -> set[Outcome]:
    """What `scan`, `check`, `rewrite` and a stream say of the only link."""
    rules = switches or Switches()
    told: list[linkweir.Link] = []
    linkweir.rewrite(html, TRACKER, switches=rules, on_link=told.append)
    stream = Rewriter(TRACKER, switches=rules)
    stream.feed(html.encode())
    stream.close()
    said = [*linkweir.scan(html, links=TRACKER, switches=rules), *told]
    said += [finding.link for finding in linkweir.check(html, links=TRACKER, switches=rules)]
    return {link.outcome for link in said} | set(stream.counts)


def test_the_link_made_of_a_destination_counts_with_its_base_url() -> None:
    """A link of 8,000 characters is made, and the next longer destination is left alone by every entry."""
    fits = longest_destination()
    for size, outcome in [(fits, Outcome.TRACKED), (fits + 1, Outcome.TOO_LONG_DESTINATION)]:
        html = f'<a href="{make_incompressible(size)}">x</a>'
        assert list_outcomes(html) == {outcome}
        assert (linkweir.rewrite(html, TRACKER) == html) == (outcome is not Outcome.TRACKED)
        assert Plan(html).render(TRACKER) == linkweir.rewrite(html, TRACKER)
    created = TRACKER.mint_many([make_incompressible(fits).encode()], [0])[0]
    assert created is not None
    assert MAX_LINK_CHARACTERS - 8 <= len(created) <= MAX_LINK_CHARACTERS


@pytest.mark.parametrize("size", [longest_destination() + 1, MAX_LINK_CHARACTERS + 1])
def test_it_comes_before_a_skip_pattern(size: int) -> None:
    """Of two rows that apply the first names the outcome."""
    html = f'<a href="{make_incompressible(size)}">x</a>'
    assert list_outcomes(html, Switches(skip=("x.example",))) == {Outcome.TOO_LONG_DESTINATION}
    short = '<a href="https://x.example/">x</a>'
    assert list_outcomes(short, Switches(skip=("x.example",))) == {Outcome.SKIPPED}


def test_a_tracking_link_is_never_too_long() -> None:
    """Of a link that is tracked already no link is made: rewriting twice equals rewriting once."""
    once = linkweir.rewrite(f'<a href="{make_incompressible(longest_destination())}">x</a>', TRACKER)
    assert list_outcomes(once) == {Outcome.ALREADY_TRACKED}


@pytest.mark.external
def test_the_long_link_of_the_cases(shared_folder: Path) -> None:
    """It is `too-long-destination` with and without keys, and comes back as it was."""
    html = (shared_folder / "cases/long-link.html").read_text()
    assert list_outcomes(html) == {Outcome.TOO_LONG_DESTINATION}
    (finding,) = linkweir.check(html)
    assert (finding.link.outcome, finding.looks_trackable) == (Outcome.TOO_LONG_DESTINATION, True)
    assert linkweir.rewrite(html, TRACKER) == html

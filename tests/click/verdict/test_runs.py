"""Windows and runs, against slow and obvious ways to find them."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from linkweir.click.verdict.hit import Hit
from linkweir.click.verdict.runs import REACH, Run, densest, run_between, run_limits
from tests.click.verdict.scenes import SECOND, hit, sweep

MOMENTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 6)), min_size=1, max_size=30)


@given(MOMENTS, st.integers(0, 30))
def test_the_densest_window_is_found(moments: list[tuple[int, int]], span: int) -> None:
    """No window of this length with the hit in it has more distinct links than is said, and one has as many."""
    hits = sorted((hit(at / 10, link) for at, link in moments), key=lambda one: (one.at, one.id))
    span *= SECOND // 10
    assert densest(hits, span) == [_slow(hits, one, span) for one in hits]


def _slow(hits: list[Hit], wanted: Hit, span: int) -> int:
    windows = [[one for one in hits if first.at <= one.at <= first.at + span] for first in hits]
    return max(len({one.position for one in window}) for window in windows if wanted in window)


def run_at(hits: list[Hit], index: int, sources: dict[uuid.UUID, str]) -> Run:
    """The run around a hit, with pauses of up to a minute."""
    return run_between(hits, run_limits(hits, index, 60 * SECOND), sources)


def test_a_run_ends_at_its_pauses() -> None:
    """A pause that is too long parts two runs, and each knows its own links, pauses and order only."""
    hits = sweep([0, 2, 4, 6, 100, 101])
    sources = {one.id: one.ip or "" for one in hits}
    first, second = (run_at(hits, index, sources) for index in (2, 5))
    assert (first.links, first.seconds, first.evenness, first.ascending) == (4, 6.0, 0.0, True)
    assert (second.links, second.seconds, second.began_at) == (2, 1.0, hits[4].at)


def test_a_run_reaches_no_further_than_it_may() -> None:
    """Of an endless run only what lies within reach of the hit is looked at."""
    hits = [hit(30 * number, number) for number in range(60)]
    run = run_at(hits, 30, {one.id: "" for one in hits})
    assert run.seconds * SECOND == 2 * REACH


def test_going_back_is_no_order() -> None:
    """Links from the bottom to the top do not ascend, and one followed twice is a repeat."""
    hits = [hit(0, 3), hit(5, 1), hit(9, 3)]
    run = run_at(hits, 0, {one.id: "" for one in hits})
    assert (run.ascending, run.repeats, run.links) == (False, 1, 2)

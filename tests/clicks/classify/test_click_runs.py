"""Windows and runs of the reference, against slower ways to find them."""

from hypothesis import given
from hypothesis import strategies as st

from linkweir.clicks.classify.classification import Hit
from linkweir.clicks.classify.click_runs import RUN_REACH_US, ClickRun
from linkweir.clock import SECOND_US
from tests.clicks.classify.hit_factory import make_hit, make_scan
from tests.reference.hit_features import describe_run, max_links_in_window, run_limits

TIMES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 6)), min_size=1, max_size=30)


@given(TIMES, st.integers(0, 30))
def test_the_densest_window_is_selected(moments: list[tuple[int, int]], span: int) -> None:
    """No window of this length with the hit in it has more distinct links than is said, and one has as many."""
    hits = sorted((make_hit(at / 10, link) for at, link in moments), key=lambda one: (one.at, one.id))
    span *= SECOND_US // 10
    assert max_links_in_window(hits, span) == [_find_densest_window(hits, one, span) for one in hits]


def _find_densest_window(hits: list[Hit], count: Hit, span: int) -> int:
    windows = [[one for one in hits if first.at <= one.at <= first.at + span] for first in hits]
    return max(len({one.position for one in window}) for window in windows if count in window)


def find_run(hits: list[Hit], index: int, sources: list[str]) -> ClickRun:
    """The run around a hit, with pauses of up to a minute."""
    return describe_run(hits, run_limits(hits, index, 60 * SECOND_US), sources)


def test_a_run_ends_at_its_pauses() -> None:
    """A pause that is too long parts two runs, and each knows its own links, pauses and order only."""
    hits = make_scan([0, 2, 4, 6, 100, 101])
    sources = [one.ip or "" for one in hits]
    first, second = (find_run(hits, index, sources) for index in (2, 5))
    assert (first.links, first.duration_seconds, first.pace_variation, first.ascending) == (4, 6.0, 0.0, True)
    assert (second.links, second.duration_seconds, second.started_at) == (2, 1.0, hits[4].at)


def test_a_run_reaches_no_further_than_it_may() -> None:
    """Of an endless run only what lies within reach of the hit is looked at."""
    hits = [make_hit(30 * number, number) for number in range(60)]
    run = find_run(hits, 30, [""] * len(hits))
    assert run.duration_seconds * SECOND_US == 2 * RUN_REACH_US


def test_going_back_is_no_order() -> None:
    """Links from the bottom to the top do not ascend, and one followed twice is a repeat."""
    hits = [make_hit(0, 3), make_hit(5, 1), make_hit(9, 3)]
    run = find_run(hits, 0, [""] * len(hits))
    assert (run.ascending, run.repeats, run.links) == (False, 1, 2)

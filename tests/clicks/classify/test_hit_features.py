"""Features by the extension, against the reference."""

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir._clicks import FeatureReach, HitContexts, RuleBounds
from linkweir.clicks.classify import Evidence, Hit
from linkweir.clicks.classify.click_runs import MAX_NEIGHBOURS, ClickRun
from linkweir.clicks.classify.features import REACH, FeatureExtractor, HitFeatures
from linkweir.clock import SECOND_US
from tests.clicks.classify.hit_factory import make_hit
from tests.clicks.classify.test_rule_properties import CONTEXTS, HIT_LISTS
from tests.reference.hit_features import ReferenceExtractor

NAMES = [each.name for each in fields(HitFeatures) if each.name not in ("hit", "evidence")]
BOUNDS = RuleBounds(ages=(0.0,), pauses=(3.0,), variations=(), click_check=0)


def compare(hits: list[Hit], evidence: Evidence) -> None:
    """Compare everything but the last digits of what is computed with fractions."""
    found, right = FeatureExtractor(hits, evidence), ReferenceExtractor(hits, evidence)
    for hit in hits:
        ours, theirs = found.extract(hit), right.extract(hit)
        for name in NAMES:
            one, other = getattr(ours, name), getattr(theirs, name)
            if isinstance(one, ClickRun):
                assert one.pace_variation == pytest.approx(other.pace_variation)
                one, other = _without_variation(one), _without_variation(other)
            assert one == other, name


def _without_variation(run: ClickRun) -> list[object]:
    return [getattr(run, each.name) for each in fields(run) if each.name != "pace_variation"]


@settings(max_examples=300)
@given(HIT_LISTS, CONTEXTS)
def test_features_are_those_of_the_reference(hits: list[Hit], evidence: Evidence) -> None:
    """Whatever hits a message has, the extension finds what the reference finds."""
    compare(hits, evidence)


@pytest.mark.parametrize("step_us", [1, SECOND_US // 3, 10 * SECOND_US])
def test_features_of_a_flood_are_those_of_the_reference(step_us: int) -> None:
    """Where more hits come than are looked at around each, both look at the same ones."""
    addresses = [f"192.0.{number % 7}.{number % 5}" for number in range(3 * MAX_NEIGHBOURS)]
    hits = [
        make_hit(
            number * step_us / SECOND_US,
            number * number % 11,
            ip=address,
            method="HEAD" if number % 9 == 4 else "GET",
            user_agent=None if number % 4 == 0 else f"agent {number % 3}",
        )
        for number, address in enumerate(addresses)
    ]
    compare(hits, Evidence(delivered_at=hits[0].at, link_count=11))


@given(HIT_LISTS, st.data())
def test_alike_hits_have_equal_keys(hits: list[Hit], data: st.DataObject) -> None:
    """A key says nothing of when its hit was made, only of what surrounds it."""
    later = data.draw(st.integers(0, 10**12))
    moved = [_move(hit, later) for hit in hits]
    keys = [_list_keys(some) for some in (hits, moved)]
    assert keys[0] == keys[1]


def _move(hit: Hit, later: int) -> Hit:
    values = {each.name: getattr(hit, each.name) for each in fields(hit)}
    return Hit(**{**values, "at": hit.at + later})


def _list_keys(hits: list[Hit]) -> list[bytes | None]:
    extractor = FeatureExtractor(hits, Evidence())
    return [extractor.context_key(hit, BOUNDS) for hit in hits]


def test_wrong_arguments_are_refused() -> None:
    """Lists of different lengths, hits out of order, places that are none and too many bounds raise, and no more."""
    early, late = make_hit(0, 1), make_hit(1, 2)
    with pytest.raises(ValueError, match="as long as each other"):
        HitContexts(REACH, [early], [], [0], [], None, knows_links=False)
    with pytest.raises(ValueError, match="in order of time"):
        HitContexts(REACH, [late, early], ["a", "a"], [0, 0], [], None, knows_links=False)
    contexts = HitContexts(REACH, [early], ["a"], [0], [], None, knows_links=False)
    for index in (-1, 1):
        with pytest.raises(IndexError):
            contexts.features(index)
        with pytest.raises(IndexError):
            contexts.key(index, BOUNDS)
    with pytest.raises(ValueError, match="at most"):
        RuleBounds(ages=(1.0,) * 99, pauses=(), variations=(), click_check=0)


def test_a_reach_without_windows_is_refused() -> None:
    """There are as many windows as the extension has room for, and no more neighbours than it looks at."""
    names = ("run_reach", "drip_reach", "echo_reach", "single_link_reach", "sweep_pause", "scatter_pause", "drip_pause")
    numbers = dict.fromkeys((*names, "head_gap", "double_click_gap", "second", "step", "min_drip_hits"), 1)
    for windows, neighbours in (((1,), 64), ((1, 2, 3, 4), 1000)):
        with pytest.raises(ValueError, match="windows"):
            FeatureReach(**numbers, windows=windows, reader_density_factor=1.0, max_neighbours=neighbours)

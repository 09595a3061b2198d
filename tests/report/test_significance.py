"""Tests of linkweir.report.significance, judged by scipy and by a published example."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir.report.significance import Group, compare, wilson

stats = pytest.importorskip("scipy.stats")


@st.composite
def groups(draw: st.DrawFn, name: str) -> Group:
    """So many of so many."""
    messages = draw(st.integers(1, 5000))
    return Group(name, draw(st.integers(0, messages)), messages)


@given(base=groups("A"), other=groups("B"))
def test_the_p_value_is_that_of_the_chi_square_test(base: Group, other: Group) -> None:
    """Squared, the pooled z is Pearson's chi-square without correction, so both give one p-value."""
    found = compare(base, other)
    assert found is not None
    if found.p_value is None:
        return
    table = [[one.clickers, one.messages - one.clickers] for one in (base, other)]
    expected = stats.chi2_contingency(table, correction=False).pvalue
    assert found.p_value == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert found.significant == (expected < 0.05)


@given(group=groups("A"), level=st.floats(0.5, 0.999))
def test_the_interval_of_one_group_is_wilsons(group: Group, level: float) -> None:
    """The interval of one rate is the one that scipy gives."""
    expected = stats.binomtest(group.clickers, group.messages).proportion_ci(level, method="wilson")
    assert wilson(group, level) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80: the difference 0.2 is between 0.0524 and 0.3339 (Newcombe 1998, table II)."""
    found = compare(Group("A", 48, 80), Group("B", 56, 70))
    assert found is not None
    assert (found.difference, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert found.significant


@given(base=groups("A"), other=groups("B"))
def test_the_interval_holds_the_difference(base: Group, other: Group) -> None:
    """The difference lies in its interval, and turned around everything has the other sign."""
    found, turned = compare(base, other), compare(other, base)
    assert found is not None
    assert turned is not None
    assert -1 <= found.low <= found.difference <= found.high <= 1
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_what_it_says_in_words() -> None:
    """The words fit the figures: clear, perhaps chance, too few; and an empty group is not compared."""
    clear, chance, few = (
        compare(Group("A", 100, 1000), Group("B", clickers, messages))
        for clickers, messages in ((160, 1000), (105, 1000), (1, 9))
    )
    assert clear is not None
    assert chance is not None
    assert few is not None
    assert clear.meaning.startswith("16.0% of B clicked, 10.0% of A: B is clicked more, and hardly by chance")
    assert "may well be chance" in chance.meaning
    assert (few.significant, few.p_value) == (None, None)
    assert "too few" in few.meaning
    assert compare(Group("A", 0, 0), Group("B", 1, 2)) is None


def test_many_comparisons_ask_for_more() -> None:
    """A difference that is clear alone is not clear as one of twenty."""
    one, twenty = (compare(Group("A", 100, 1000), Group("B", 130, 1000), count) for count in (1, 20))
    assert one is not None
    assert twenty is not None
    assert one.significant
    assert not twenty.significant
    assert twenty.low < one.low

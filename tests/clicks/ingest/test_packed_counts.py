"""Counts in one number are added up as each by itself."""

from hypothesis import given
from hypothesis import strategies as st

from linkweir.clicks.ingest.packed_counts import pack_counts, unpack_counts

ROWS = st.lists(st.lists(st.integers(-(2**58), 2**58), min_size=3, max_size=3), min_size=1, max_size=8)


@given(ROWS)
def test_sums_of_packed_counts_are_the_sums_of_the_counts(rows: list[list[int]]) -> None:
    """The sum of packed rows is the row of sums, whichever of them are negative."""
    assert unpack_counts(sum(map(pack_counts, rows)), 3) == tuple(map(sum, zip(*rows, strict=True)))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=11), st.sampled_from([-1, 1]))
def test_packed_counts_are_given_back(counts: list[int], factor: int) -> None:
    """A row of numbers of 64 bits comes back as it was, and so does its negative."""
    multiplied = [count * factor if count != -(2**63) else 0 for count in counts]
    assert unpack_counts(pack_counts(multiplied), len(counts)) == tuple(multiplied)

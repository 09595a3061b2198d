"""Verdicts as values."""

import uuid

import pytest

from linkweir.clicks.classify import Classification, Verdict


@pytest.mark.parametrize(
    ("verdict", "method", "expected"),
    [
        ("human", "GET", ("human", 0.25)),
        ("unsure", "GET", ("unsure", 0.25)),
        ("machine", "GET", ("machine", 0.25)),
        ("prefetch", "GET", ("prefetch", 1.0)),
        ("human", "HEAD", ("machine", 1.0)),
        ("unsure", "POST", ("machine", 1.0)),
        ("machine", "HEAD", ("machine", 1.0)),
        ("prefetch", "HEAD", ("prefetch", 1.0)),
    ],
)
def test_only_get_counts_as_a_person(verdict: Verdict, method: str, expected: tuple[str, float]) -> None:
    """Whatever the rules say of it, a request that brings nothing to read is a machine's, for certain."""
    classification = Classification(uuid.uuid4(), verdict, 0.75, ("head",), machine_probability=0.25)
    assert classification.for_method(method) == expected

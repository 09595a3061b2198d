"""Patterns of customers: as useful as Python's own, and never a way to stop the service."""

import pytest

from linkweir.accounts.skip_patterns import compile_skip_pattern
from linkweir.errors import BadSwitch
from linkweir.html import Switches, scan


@pytest.mark.parametrize(
    ("pattern", "destination", "skipped"),
    [
        ("/reset", "https://example.com/RESET?x", True),
        (r"^https://a\.example/", "https://b.example/https://a.example/", False),
        ("ü", "https://example.com/Ü", True),
        ("one-time", "https://example.com/reset-password", True),
        ("(a+)+$", "https://example.com/" + "a" * 5000 + "!", False),  # Python's engine would take years
        ("(x|x)*y.*(x|x)*y", "https://example.com/" + "x" * 5000, False),
    ],
)
def test_a_pattern_skips_what_it_finds(pattern: str, destination: str, skipped: bool) -> None:
    """Letter case aside, anywhere in the destination, and in a time that grows with the text only."""
    (link,) = scan(f'<a href="{destination}">x</a>', switches=Switches(skip=(compile_skip_pattern(pattern),)))
    assert (link.outcome == "skipped") == skipped


@pytest.mark.parametrize("pattern", ["(", "(" * 2000, "(?=a)b", r"(a)\1", "a{1000}{1000}{1000}", "x" * 1_000_000])
def test_a_pattern_that_cannot_be_used_is_named(pattern: str) -> None:
    """What is no pattern, or one that could take for ever, is an error with a short text."""
    with pytest.raises(BadSwitch, match="skip: ") as refused:
        compile_skip_pattern(pattern)
    assert len(str(refused.value)) < 400

"""Link rules, section 7: the cases of the click-tracking documentation, literally."""

import pytest

from tests.html.implementations import Scanner

CASES = [
    ('<a href="https://example.com">Click here</a>', "tracked"),
    ('<a href="http://www.example.com/page">Visit page</a>', "tracked"),
    ('<a target="_blank" href="https://example.com">Open in new tab</a>', "tracked"),
    ('<a href="example.com">Link</a>', "not-http"),
    ('<a href="www.example.com">Link</a>', "not-http"),
    ('<a href= "https://example.com">Link</a>', "spaced-equals"),
    ('<a href = "https://example.com">Link</a>', "spaced-equals"),
    ('<a href="{{ url_variable }}">Link</a>', "placeholder"),
    ('<a href="https://example.com/unsubscribe" data-as-no-track>Unsubscribe</a>', "opted-out"),
]


@pytest.mark.parametrize(("tag", "outcome"), CASES)
def test_the_documented_cases(scanner: Scanner, tag: str, outcome: str) -> None:
    """Each example of the documentation has the outcome that the documentation promises."""
    assert [link.outcome for link in scanner.scan(tag.encode())] == [outcome]


@pytest.mark.parametrize(("tag", "outcome"), CASES)
def test_only_the_tracked_ones_change(scanner: Scanner, tag: str, outcome: str) -> None:
    """Rewriting replaces the value of the tracked examples and leaves the others as they are."""
    new = scanner.rewrite(tag.encode(), lambda destination, index: "https://t.example/x").decode()
    old = tag.split('"')
    quoted = old.index("_blank") + 2 if "_blank" in old else 1
    expected = tag.replace(old[quoted], "https://t.example/x") if outcome == "tracked" else tag
    assert new == expected

"""`check`: a linter for links, which tells what looks trackable and is not."""

import pytest

import linkweir
from linkweir.html.outcome import REASONS, Outcome

TRACKABLE_TAGS = [
    '<a href="www.example.com">',
    '<a href="example.com/page">',
    '<a href="example.com">',
    '<a href="//example.com/x">',
    '<a href="hhttp://example.com/">',
    '<a href="https:/example.com/">',
    "<a href=https://example.com/>",
    '<a href = "https://example.com/">',
    '<a href="https://example.com/<br>">',
    '<a href="https://">',
    '<a href="https:///example.com">',
    '<a href="\u00a0https://example.com/">',
    '<a href="\u200bhttps://example.com/">',
    '<a href="\ufeff\u2060 HTTP://example.com/">',
    '<a href="&zwnj;&shy;&ensp;&#8294;https://example.com/">',
    '<a href="\u2028https://example.com/">',
    '<a href="\u3000www.example.com">',
    '<a href="http://[UNSUBSCRIBEURL]">',
    '<a href="http://h.example: 1/">',
    '<a href="https://example.com/' + "a" * 8000 + '">',
    '<a href="https://example.com/',
]
UNTRACKABLE_TAGS = [
    '<a href="https://example.com/">',
    '<a href="#top">',
    '<a href="/path">',
    '<a href="mailto:a@example.com">',
    '<a href="tel:+1">',
    '<a href="{{ url }}">',
    '<a href="https://example.com/" data-as-no-track>',
    '<a name="x">',
    "<a href=#top>",
    "<a href>",
    '<a href = "mailto:a@example.com">',
    '<a href="index.html">',
    '<a href="\u200b">',
    '<a href="\u00a0#top">',
    '<a href="\u200bmailto:a@example.com">',
    '<a href="[unsubscribe]">',
]


@pytest.mark.parametrize("tag", TRACKABLE_TAGS)
def test_what_its_author_wanted_tracked(tag: str) -> None:
    """A web address that a mistake keeps from being tracked is pointed out."""
    (finding,) = linkweir.check(tag)
    assert finding.looks_trackable
    assert finding.link.outcome is not Outcome.TRACKED


@pytest.mark.parametrize("tag", UNTRACKABLE_TAGS)
def test_what_nobody_misses(tag: str) -> None:
    """A tracked link, and one that is meant to stay as it is, is nothing to point out."""
    (finding,) = linkweir.check(tag)
    assert not finding.looks_trackable


def test_a_tag_over_the_limit_is_pointed_out() -> None:
    """A web address in a tag that is too long."""
    switches = linkweir.Switches(tag_limit=50)
    (finding,) = linkweir.check('<a href="https://example.com/" title="' + "x" * 50 + '">', switches=switches)
    assert (finding.link.outcome, finding.looks_trackable) == (Outcome.TOO_LONG, True)


def test_a_destination_that_is_no_text_is_pointed_out() -> None:
    """A web address with a byte that its encoding lacks is left alone, and its author hears of it."""
    broken = b'<a href="https://example.com/\xff"><a href="www.example.com/\xff"><a href="/\xff">'
    findings = linkweir.check(broken)
    assert [finding.link.outcome for finding in findings] == [Outcome.ENCODING, Outcome.NOT_HTTP, Outcome.NOT_HTTP]
    assert [finding.looks_trackable for finding in findings] == [True, True, False]


def test_findings_are_the_links_of_scan_with_their_reasons() -> None:
    """One finding for each link, in order, with the plain sentence of its outcome."""
    document = "\n".join(TRACKABLE_TAGS[:-1] + UNTRACKABLE_TAGS + TRACKABLE_TAGS[-1:])
    findings = linkweir.check(document)
    assert [finding.link for finding in findings] == list(linkweir.scan(document))
    assert [finding.reason for finding in findings] == [REASONS[finding.link.outcome] for finding in findings]


def test_every_outcome_has_a_reason() -> None:
    """No outcome is left without a sentence."""
    assert REASONS.keys() == set(Outcome)
    assert all(REASONS.values())


@pytest.mark.parametrize(
    ("text", "href", "shown"),
    [
        ("https://bank.example/login", "https://evil.example/login", "bank.example"),
        ("www.bank.example", "http://evil.example", "bank.example"),
        ("bank.com", "https://evil.example/?to=bank.com", "bank.com"),
        ("https://bank.example", "https://bank.example.evil.com/", "bank.example"),
        ("https://b\u00fccher.example/", "https://evil.example/", "xn--bcher-kva.example"),
        ("(https://bank.example)", "https:\\\\evil.example", "bank.example"),
        ("https://bank.example", "https://www.bank.example/en?x=1", None),
        ("bank.com", "https://login.bank.com/", None),
        ("https://www.b\u00fccher.example/", "https://xn--bcher-kva.example/a", None),
        ("https://bank.example/a b", "https://evil.example/", None),
        ("Node.js", "https://nodejs.org/", None),
        ("https://bank.example", "mailto:ada@bank.example", None),
        ("https://[bank", "https://evil.example/", None),
        ("https://bank.example", "{{ url }}", None),
    ],
)
def test_a_text_that_is_another_address_is_pointed_out(text: str, href: str, shown: str | None) -> None:
    """A warning names both hosts, whether the link is tracked or not; no host, or one within the other, is no cause."""
    for attribute in ("", " data-as-no-track"):
        (finding,) = linkweir.check(f'<a href="{href}"{attribute}>{text}</a>')
        warning = finding.warning or ""
        assert (f"is the address {shown}, but the link leads to " in warning) is (shown is not None), warning
        assert ("but the link leads to" in warning) is (shown is not None)

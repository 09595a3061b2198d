"""Tests of linkweir.clicks.location_header against an independent implementation of the URL standard (ada).

Deliberate differences, none of which changes where a browser ends up: letter case of scheme and host, default ports,
`.` and `..` segments, an empty path or user, percent-encoded letters in a host and the spelling of an IP address stay
as the sender wrote them. So both are compared after one more parsing, and the host once more as RFC 3986 reads it.
"""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from ada_url import URL
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linkweir.clicks.location_header import to_location
from linkweir.html.document import scan
from tests.oracle.corpus import load_documents

# characters that mean something in a URL, or that are mapped to such ones in a host
ODD_CHARACTERS = (
    "/\\?#@:;=&%|^`{}[]<>\"' \t\n\r\x00\x7f.-_~+*,!$()"
    + "\uff0f\uff3c\uff1f\uff03\uff20\uff1a\uff05。\uff0e\uff1c﹤\u00ad\u200d\u2060\ufeff\ud800"
)
# without what no character stands at yet: two libraries know it from different versions of Unicode on
ASSIGNED_CHARACTERS = st.characters(exclude_categories=("Cn", "Cs"))
TEXT = st.text(
    st.one_of(st.sampled_from(ODD_CHARACTERS), st.sampled_from("abzAZ09äßΣ例💩"), ASSIGNED_CHARACTERS), max_size=12
)


def parse_with_ada(text: str) -> str | None:
    """The URL as the judge serialises it; None when it refuses."""
    try:
        return str(URL(re.sub("[\ud800-\udfff]", "\ufffd", text)).href)
    except ValueError:
        return None


def check_agreement(destination: str) -> None:
    """Say whether the Location of a destination is the destination to a browser, and has its host to everybody."""
    location = to_location(destination)
    expected = parse_with_ada(destination)
    if location is None:  # stricter on purpose: no host, or one slash
        assert expected is None or not re.match(r"\s*https?://[^/\\?#]*[^/\\?#@:\s]", destination, re.IGNORECASE)
        return
    assert re.fullmatch(r"[!-~]+", location)
    assert parse_with_ada(location) == expected
    if expected is not None:
        theirs, ours = urlsplit(expected), urlsplit(location)
        if "[" not in ours.netloc:
            assert parse_with_ada(f"https://{unquote(ours.hostname or '')}/") == f"https://{theirs.hostname}/"
        assert (ours.query, ours.fragment) == (theirs.query, theirs.fragment)
        if "." not in ours.path.replace("%2e", ".").replace("%2E", "."):  # no segments to resolve
            assert (ours.path or "/") == theirs.path


@pytest.mark.parametrize(
    "destination",
    [
        "https://a\\@b/",
        "https://a\\.evil.example/",
        "https://a\\\\evil.example\\x?y\\z#\\",
        "https://example.com\t@evil.example/",
        "https://exam\nple.com/a\r\nSet-Cookie: x",
        "https://good.example@evil.example/",
        "https://good.example:80@evil.example/",
        "https://good.example\uff0f.evil.example/",
        "https://evil.example\uff3c.good.example/",
        "https://good.example\uff20evil.example/",
        "https://good.example\uff1f.evil.example/",
        "https://good.example\uff03.evil.example/",
        "https://good.example\uff1a81/",
        "https://good.example\uff052fx/",
        "https://\u00ad/evil.example",
        "https://\u2060\u00ad@x/",
        "https://u:p;q=r@h/",
        "https://a:b@c:d@h/",
        "https://[::1]:8080\\x",
        "https://h:99999/",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://0x7f.1/",
        "https://ex%61mple.com/",
        "https://b%C3%BCcher.example/",
        "https://a\ud800b/\ud800?\ud800#\udfff",
        "https://xn--a/",
        "https://xn--\u00e4/",
        "https://\u0644\u200d\u0627.example/",
        "https://a..b.\u00e4/",
        "https://example.com/%zz%%",
        "https://example.com/..\\..\\x",
    ],
)
def test_what_attackers_write(destination: str) -> None:
    """Backslashes, tabs, users, and characters that become a delimiter lead where a browser would have gone."""
    check_agreement(destination)


@settings(deadline=None, max_examples=400)
@given(TEXT, TEXT, TEXT, TEXT)
@example("a", "\\@b", "", "")
@example("a\uff0f", "", "", "")
def test_generated_addresses(host: str, path: str, query: str, fragment: str) -> None:
    """Whatever stands in its parts, a Location is read as the destination is."""
    check_agreement(f"https://{host}/{path}?{query}#{fragment}")


@settings(deadline=None, max_examples=400)
@given(TEXT)
def test_generated_authorities(rest: str) -> None:
    """Whatever follows the two slashes, a Location is read as the destination is."""
    check_agreement(f"http://{rest}")


@pytest.mark.external
def test_the_destinations_of_the_corpus(shared_folder: Path) -> None:
    """Every destination of the corpus that can be tracked has a Location that is read as the destination is."""
    seen = {
        link.destination
        for _, html, charset in load_documents(shared_folder)
        for link in scan(html, charset=charset)
        if link.outcome == "tracked" and link.destination
    }
    assert len(seen) > 1000
    for destination in seen:
        check_agreement(destination)

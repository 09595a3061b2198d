"""Tests of linkweir.clicks.location_header against what the URL standard says of each part."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir.clicks.location_header import to_location


@pytest.mark.parametrize(
    "same",
    [
        "https://example.com",
        "http://example.com?q",
        "HTTPS://Example.COM/Path/../x;y,z?A=b&c=%2f%2F%20+~#Frag%41",
        "https://u:p@example.com:8080/a%zz%",
        "https://[2001:db8::1]:443/",
        "https://example.com/?next=https://evil.example/&x='".removesuffix("'"),
        "https://example.com/a|b[d]!$&'()*?c\\d#e\\f",
        "https://xn--bcher-kva.example/",
        "https://example.com/?a=^`{}|[]",
        "https://example.com//double//slash?",
        "https://example.com/#",
    ],
)
def test_ascii_that_needs_nothing_stays(same: str) -> None:
    """Existing %XX, letter case, dots, empty parts and every character outside the encode sets are untouched."""
    assert to_location(same) == same


@pytest.mark.parametrize(
    ("destination", "location"),
    [
        ("https://example.com/a b", "https://example.com/a%20b"),
        ('https://example.com/"<>`{}^', "https://example.com/%22%3C%3E%60%7B%7D%5E"),
        ("https://example.com/?a b\"<>'", "https://example.com/?a%20b%22%3C%3E%27"),
        ('https://example.com/#a b"<>`', "https://example.com/#a%20b%22%3C%3E%60"),
        ("https://example.com/ü?ü#ü", "https://example.com/%C3%BC?%C3%BC#%C3%BC"),
        ("https://example.com/%C3%BC/ü", "https://example.com/%C3%BC/%C3%BC"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://BÜCHER.example:81/x", "https://xn--bcher-kva.example:81/x"),
        ("https://faß.example", "https://xn--fa-hia.example"),
        ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://💩.example/", "https://xn--ls8h.example/"),
        ("https://ü ser:pä@example.com/", "https://%C3%BC%20ser:p%C3%A4@example.com/"),
        ("https://example.com/\x7f\x80", "https://example.com/%7F%C2%80"),
        ("https://example.com/a\r\nSet-Cookie: x", "https://example.com/aSet-Cookie:%20x"),
        ("https://example.com\\@evil.example/", "https://example.com/@evil.example/"),
        ("https://example.com\\a\\b", "https://example.com/a/b"),
        ("https://good.example\uff0f.evil.example/", "https://good.example%EF%BC%8F.evil.example/"),
        ("https://\u00ad/evil.example", "https://%C2%AD/evil.example"),
    ],
)
def test_what_the_standard_encodes(destination: str, location: str) -> None:
    """Each part encodes its own set of characters as UTF-8, the host goes through IDNA."""
    assert to_location(destination) == location


@pytest.mark.parametrize(
    "destination",
    [
        "",
        "example.com",
        "//example.com",
        "javascript:alert(1)",
        "https:/example.com",
        "https://",
        "https:///x",
        "https://u@",
    ],
)
def test_what_is_no_web_address_has_no_location(destination: str) -> None:
    """Only http and https with a host can be followed."""
    assert to_location(destination) is None


@settings(deadline=None)
@given(st.text())
def test_nothing_can_be_injected(rest: str) -> None:
    """Whatever follows the host, a Location is printable ASCII without spaces: no header can follow it."""
    location = to_location("https://example.com/" + rest)
    assert location is not None
    assert re.fullmatch(r"[!-~]+", location)


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_serialising_twice_is_serialising_once(path: str, query: str, fragment: str) -> None:
    """A Location is its own Location: nothing is encoded twice."""
    location = to_location(f"https://example.com/{path}?{query}#{fragment}")
    assert location is not None
    assert to_location(location) == location


@settings(deadline=None)
@given(st.text(min_size=1))
def test_any_host_is_safe(host: str) -> None:
    """A host of any characters gives a printable Location or none, and never an exception."""
    location = to_location(f"https://{host}/")
    assert location is None or re.fullmatch(r"[!-~]+", location)

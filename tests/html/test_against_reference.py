"""The real scanner against the twin on generated hostile markup: every field of every link, every byte of output."""

from __future__ import annotations  # the extension has no types at run time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir import _html
from linkweir.html.outcome import Outcome
from tests.html import generated_markup
from tests.html.generated_markup import THEMES
from tests.html.implementations import CoreScanner, ReferenceScanner
from tests.reference import ReferenceSwitches

SWITCHES = st.builds(
    ReferenceSwitches,
    opt_out=st.sampled_from([(), ("vendors",), ("data-x", "clicktracking=on")]),
    outlook=st.booleans(),
    skip=st.sampled_from([(), ("reset",), ("x.example", "^http:")]),
    track_placeholders=st.booleans(),
    tag_limit=st.sampled_from([65536, 65536, 16, 40, 100]),
)
CHARSETS = st.sampled_from(["utf-8", "utf-8", "windows-1252", "shift_jis", "gb18030", "no such charset"])


def make_link(destination: str, index: int) -> str | None:
    """A value that depends on both, with one link in three declined."""
    return None if index % 3 == 2 else f"https://t.example/{index}?{len(destination)}&x"


@pytest.mark.parametrize("theme", THEMES)
@settings(max_examples=400, deadline=None)
@given(data=st.data(), switches=SWITCHES, charset=CHARSETS)
def test_scan_and_rewrite_agree(theme: str, data: st.DataObject, switches: ReferenceSwitches, charset: str) -> None:
    """Both find the same links with the same outcomes, destinations and offsets, and write the same bytes."""
    document = data.draw(THEMES[theme].documents())
    if charset == "no such charset" and generated_markup.has_unsupported_encoding(document):
        charset = "utf-8"  # nothing is judged there: tested by itself
    assert CoreScanner().scan(document, switches, charset) == ReferenceScanner().scan(document, switches, charset)
    written = CoreScanner().rewrite(document, make_link, switches, charset)
    assert written == ReferenceScanner().rewrite(document, make_link, switches, charset)


SWITCH_COMBINATIONS = [
    ReferenceSwitches(),
    ReferenceSwitches(outlook=True),
    ReferenceSwitches(opt_out=("vendors", "data-x"), outlook=True, track_placeholders=True),
    ReferenceSwitches(skip=("reset",), tag_limit=40),
]


@pytest.mark.parametrize("theme", THEMES)
def test_scan_agrees_on_many(theme: str) -> None:
    """The same links on thousands of documents of each theme, made without Hypothesis because that is faster."""
    core, twin = CoreScanner(), ReferenceScanner()
    for number, document in enumerate(THEMES[theme].generate_many(3000, seed=theme_seed(theme))):
        switches = SWITCH_COMBINATIONS[number % len(SWITCH_COMBINATIONS)]
        assert core.scan(document, switches) == twin.scan(document, switches), (document, switches)


def theme_seed(theme: str) -> int:
    """A seed for each theme."""
    return list(THEMES).index(theme)


@pytest.mark.parametrize("theme", THEMES)
@settings(max_examples=100, deadline=None)
@given(data=st.data(), outlook=st.booleans())
def test_every_sweep_agrees(theme: str, data: st.DataObject, outlook: bool) -> None:
    """Each instruction set that this machine has finds what the portable loop finds, whatever the alignment."""
    document = b"x" * data.draw(st.integers(0, 70)) + data.draw(THEMES[theme].documents())
    assert "portable" in _html.simd_variants()
    result = {name: core_rows(document, name, outlook) for name in _html.simd_variants()}
    assert all(item == result["portable"] for item in result.values()), result


def core_rows(document: bytes, sweep: str, outlook: bool) -> list[_html.RawLink]:
    """What the core reports with one of its sweeps."""
    result: list[_html.RawLink] = []
    tracked = list(Outcome).index(Outcome.TRACKED)
    splice = _html.LinkRewriter(
        _html.NativeOptions(outlook=outlook, simd=sweep),
        lambda destinations, indexes: [tracked] * len(indexes),
        lambda raw: (raw, True),
        result.extend,
    )
    splice.feed(document)
    splice.close()
    return result

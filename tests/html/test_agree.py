"""The real scanner against the twin on generated hostile markup: every field of every link, every byte of output."""

from __future__ import annotations  # the extension has no types at run time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir import Outcome, _core
from tests.html import hostile
from tests.html.hostile import pieces
from tests.html.scanners import Core, Twin
from tests.twin import TwinSwitches

THEMES = {
    "tags and attributes": pieces(hostile.TAGS, hostile.HREFS, hostile.ATOMS),
    "attributes": pieces(hostile.HREFS, hostile.ATOMS).map(lambda inside: b"<a " + inside + hostile.LINK),
    "values": pieces(hostile.VALUES, hostile.ATOMS).map(lambda value: b'<a href="https://' + value + b'">'),
    "text modes": pieces(hostile.TEXT_MODES, hostile.ATOMS),
    "scripts": pieces(hostile.SCRIPTS).map(lambda inside: b"<script>" + inside),
    "namespaces": pieces(hostile.FOREIGN),
    "namespaces, deep": pieces(hostile.FOREIGN).map(lambda inside: b"<svg>" + b"<g>" * 28 + inside),
    "namespaces and text modes": pieces(hostile.FOREIGN, hostile.TEXT_MODES),
    "conditional comments": pieces(hostile.CONDITIONAL, hostile.TAGS, hostile.HREFS),
    "all": pieces(
        hostile.TAGS,
        hostile.HREFS,
        hostile.VALUES,
        hostile.ATOMS,
        hostile.TEXT_MODES,
        hostile.SCRIPTS,
        hostile.FOREIGN,
        hostile.CONDITIONAL,
    ),
    "long runs": pieces(hostile.FILLER, hostile.TAGS, hostile.HREFS, hostile.CONDITIONAL),
    "any bytes": st.binary(max_size=200),
}
SWITCHES = st.builds(
    TwinSwitches,
    opt_out=st.sampled_from([(), ("vendors",), ("data-x", "clicktracking=on")]),
    outlook=st.booleans(),
    skip=st.sampled_from([(), ("reset",), ("x.example", "^http:")]),
    track_placeholders=st.booleans(),
    tag_limit=st.sampled_from([65536, 65536, 16, 40, 100]),
)
CHARSETS = st.sampled_from(["utf-8", "utf-8", "windows-1252", "shift_jis", "gb18030", "no such charset"])


def link(destination: str, index: int) -> str | None:
    """A value that depends on both, with one link in three declined."""
    return None if index % 3 == 2 else f"https://t.example/{index}?{len(destination)}&x"


@pytest.mark.parametrize("theme", THEMES)
@settings(max_examples=400, deadline=None)
@given(data=st.data(), switches=SWITCHES, charset=CHARSETS)
def test_scan_and_rewrite_agree(theme: str, data: st.DataObject, switches: TwinSwitches, charset: str) -> None:
    """Both find the same links with the same outcomes, destinations and offsets, and write the same bytes."""
    document = data.draw(THEMES[theme])
    if charset == "no such charset" and hostile.suspicious(document):
        charset = "utf-8"  # nothing is judged there: tested by itself
    assert Core().scan(document, switches, charset) == Twin().scan(document, switches, charset)
    written = Core().rewrite(document, link, switches, charset)
    assert written == Twin().rewrite(document, link, switches, charset)


@pytest.mark.parametrize("theme", THEMES)
@settings(max_examples=100, deadline=None)
@given(data=st.data(), outlook=st.booleans())
def test_every_sweep_agrees(theme: str, data: st.DataObject, outlook: bool) -> None:
    """Each instruction set that this machine has finds what the portable loop finds, whatever the alignment."""
    document = b"x" * data.draw(st.integers(0, 70)) + data.draw(THEMES[theme])
    assert "portable" in _core.sweeps()
    found = {name: rows(document, name, outlook) for name in _core.sweeps()}
    assert all(one == found["portable"] for one in found.values()), found


def rows(document: bytes, sweep: str, outlook: bool) -> list[_core.Row]:
    """What the core reports with one of its sweeps."""
    found: list[_core.Row] = []
    tracked = list(Outcome).index(Outcome.TRACKED)
    splice = _core.Splice(
        _core.Rules(outlook=outlook, sweep=sweep),
        lambda destinations, indexes: [tracked] * len(indexes),
        lambda raw: raw,
        found.extend,
    )
    splice.feed(document)
    splice.close()
    return found

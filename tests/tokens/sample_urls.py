"""Generated destinations for tests: pieces of URLs in any order, and anything else."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from tests.tokens.reference_codec import DICTIONARY_CODES, PART_CODES

_DICTIONARY_ENTRIES = st.sampled_from(sorted(text.decode() for text in DICTIONARY_CODES))
_PIECES = st.one_of(
    _DICTIONARY_ENTRIES,
    _DICTIONARY_ENTRIES.map(str.capitalize),
    _DICTIONARY_ENTRIES.map(str.upper),
    st.sampled_from(sorted(text.decode() for text in PART_CODES)),
    st.sampled_from(["/", ".", "-", "_", "?", "&", "=", "%", "#", " ", "é", "日本", "\U0001f600", "\x00"]),
    st.text(string.ascii_letters + string.digits + "-_", max_size=90),
    st.text("0123456789abcdef", min_size=5, max_size=80),
    st.text("0123456789ABCDEF", min_size=5, max_size=40),
    st.text(string.digits, max_size=20),
    st.uuids().map(str),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
_SCHEMES = st.sampled_from(["https://", "https://www.", "http://", "http://www.", "", "HTTP://", "h"])
DESTINATIONS = st.builds(lambda scheme, rest: scheme + "".join(rest), _SCHEMES, st.lists(_PIECES, max_size=12))

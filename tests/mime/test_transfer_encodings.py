"""The transfer encodings in C against their twins: the same text, the same refusals, the same spliced parts."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linkweir import _mime
from linkweir.html.replacements import LinkReplacements
from linkweir.mime.base64_body import Base64Body
from linkweir.mime.html_parts import HtmlPartFinder
from linkweir.mime.notes import UnrewritablePart
from linkweir.mime.quoted_printable_body import QuotedPrintableBody
from tests.reference.base64_body import ReferenceBase64
from tests.reference.quoted_printable_body import Change, ReferenceMalformedError, ReferenceQuotedPrintable

IMPLEMENTATIONS: dict[
    str,
    tuple[
        Callable[[bytes, bool], QuotedPrintableBody | Base64Body],
        Callable[[bytes, bool], ReferenceQuotedPrintable | ReferenceBase64],
    ],
] = {
    "quoted-printable": (QuotedPrintableBody, ReferenceQuotedPrintable),
    "base64": (Base64Body, ReferenceBase64),
}
QUOTED_PRINTABLE_PIECES = st.one_of(
    st.sampled_from(
        [b"=\r\n", b"=\n", b"\r\n", b"\n", b"\r", b"=3D", b"=e9", b"=00", b" ", b"\t", b"a", b"<", b"\xff"]
    ),
    st.integers(1, 90).map(lambda size: b"x" * size),
    st.sampled_from([b"=", b"=4", b"=\r", b"==", b"=G0"]),
)
BASE64_PIECES = st.one_of(
    st.binary(max_size=60).map(lambda data: base64.b64encode(data).rstrip(b"=")),
    st.sampled_from([b"\r\n", b"\n", b" ", b"\t", b"\r", b"AAAA", b"AA", b"A", b"==", b"=", b"-", b"\xff", b"Zg=="]),
)
PARTS = st.one_of(
    *(st.lists(piece, max_size=30).map(b"".join) for piece in (QUOTED_PRINTABLE_PIECES, BASE64_PIECES)),
    st.lists(
        QUOTED_PRINTABLE_PIECES.filter(lambda piece: piece not in (b"=", b"=4", b"=\r", b"==", b"=G0")), max_size=40
    ).map(b"".join),
    st.tuples(st.binary(max_size=400), st.sampled_from((4, 8, 60, 76, 1000)), st.sampled_from((b"\n", b"\r\n"))).map(
        lambda one: one[2].join(
            base64.b64encode(one[0])[at : at + one[1]] for at in range(0, len(one[0]) * 4 // 3 + 4, one[1])
        )
    ),
)
VALUES = st.one_of(st.binary(max_size=8), st.binary(max_size=200), st.just(b"https://t.example.com/" + b"k" * 60))


@st.composite
def generate_changes(draw: st.DrawFn, size: int) -> list[Change]:
    """Some ascending changes of a text of so many bytes."""
    cuts = sorted(draw(st.lists(st.integers(0, size), max_size=8)))
    return [(start, end, draw(VALUES)) for start, end in zip(cuts[::2], cuts[1::2], strict=False)]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(IMPLEMENTATIONS)), PARTS, st.booleans(), st.data())
@example("quoted-printable", b"a=\n", False, None)
@example("quoted-printable", b"a=", True, None)
def test_any_part_matches_the_reference(kind: str, part: bytes, crlf: bool, data: st.DataObject | None) -> None:
    """A part is refused for the same reason, or has the same text and is the same after any changes."""
    fast, slow = IMPLEMENTATIONS[kind]
    try:
        twin = slow(part, crlf)
    except ReferenceMalformedError as reason:
        with pytest.raises(UnrewritablePart, match=f"^{reason}$"):
            fast(part, crlf)
        return
    ours = fast(part, crlf)
    assert ours.decoded == twin.decoded
    size = len(twin.decoded)
    some = data.draw(generate_changes(size)) if data else [(0, 1, b"y"), (size, size, b"z" * 90)]
    assert ours.splice(some) == twin.splice(some)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(_mime.base64_variants()), st.binary(max_size=700), st.integers(1, 60), st.booleans(), st.data())
def test_every_base64_variant_gives_the_same(
    name: str, content: bytes, groups: int, crlf: bool, data: st.DataObject
) -> None:
    """Vector or not, what is encoded is the standard library's text in lines, and what is decoded its content."""
    text, width = base64.b64encode(content), 4 * groups
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    encoded = _mime.Base64Codec(name).encode(content, width, crlf)
    assert encoded == (b"\r\n" if crlf else b"\n").join(lines)
    assert _mime.Base64Codec(name).decode(encoded) == content
    if encoded:
        at = data.draw(st.integers(0, len(encoded) - 1))
        for wrong in (b"-", b"\x00", b"\xc1", b"="):
            damaged = encoded[:at] + wrong + encoded[at + 1 :]
            assert decode_or_none(name, damaged) == decode_or_none("portable", damaged)


def decode_or_none(name: str, encoded: bytes) -> bytes | None:
    """None when it does, else the content."""
    try:
        return _mime.Base64Codec(name).decode(encoded)
    except _mime.MalformedEncoding:
        return None


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([b"-", b"--", b"=_", b"x", b"ab", b"\n", b"y" * 70]), max_size=60).map(b"".join),
    st.lists(st.sampled_from([b"-", b"=_", b"x", b"ab"]), max_size=20).map(b"".join),
    st.data(),
)
def test_find_is_find(data: bytes, needle: bytes, draws: st.DataObject) -> None:
    """A needle is found where the standard library finds it, whatever the window, or nowhere."""
    start = draws.draw(st.integers(0, len(data)))
    end = draws.draw(st.integers(start, len(data)))
    assert _mime.find(data, needle, start, end) == data.find(needle, start, end)


@pytest.mark.external
def test_the_corpus_matches_the_reference(shared_folder: Path) -> None:
    """Every encoded HTML body of the 812 mails is spliced to the byte as the slow twin does it."""
    compared = 0
    for path in sorted((shared_folder / "corpus" / "eml").glob("*.eml")):
        raw = path.read_bytes()
        for part in HtmlPartFinder(raw).parts:
            if part.encoding not in IMPLEMENTATIONS:
                continue
            fast, slow = IMPLEMENTATIONS[part.encoding]
            encoded = raw[part.start : part.end]
            try:
                twin = slow(encoded, True)
            except ReferenceMalformedError:
                with pytest.raises(UnrewritablePart):
                    fast(encoded, True)
                continue
            ours = fast(encoded, True)
            assert ours.decoded == twin.decoded, path.name
            result = LinkReplacements(
                ours.decoded, lambda _destination, index: f"https://t.example.com/{'t' * (index % 90)}"
            )
            assert ours.splice(result.replacements) == twin.splice(result.replacements), path.name
            compared += len(result.replacements)
    assert compared > 400


@pytest.mark.parametrize("wrong", [[(2, 1, b"")], [(0, 9, b"")], [(3, 4, b""), (2, 3, b"")], [(-1, 0, b"")]])
def test_changes_that_do_not_ascend_are_refused(wrong: list[Change]) -> None:
    """What lies outside the text or before the last change raises, and touches no memory."""
    with pytest.raises((ValueError, OverflowError)):
        _mime.splice(b"abcdef", wrong)
    with pytest.raises((ValueError, OverflowError)):
        QuotedPrintableBody(b"abcdef", False).splice(wrong)

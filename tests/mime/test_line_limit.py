"""Lines of a mail that has none of more than 998 octets, and quoted-printable text on which readers differ."""

import email
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linkweir import _mime
from linkweir.html import Outcome
from linkweir.html.outcome import REASONS
from linkweir.mime.identity_body import MAX_LINE_OCTETS, find_overlong
from linkweir.mime.message import check_message, rewrite_message
from linkweir.tokens.keyring import KeyRing
from linkweir.tokens.tracker import Tracker
from tests.mime.assertions import LINK_PATTERN
from tests.reference.line_limit import reference_over_limit
from tests.reference.quoted_printable_body import Change

RING = KeyRing.generate(datetime.now(UTC)).with_host("https://t.example.com/")
TRACKER = Tracker(RING, "https://t.example.com/", message=7)
HTML_HEADERS = b"Content-Type: text/html\r\n\r\n"
LONG_URL = "https://t.example.com/" + "k" * 78  # 100 octets
URL = "https://example.com/"


def dry_run_outcomes(raw: bytes, links: Tracker | None = TRACKER) -> list[str]:
    """Of the links in a dry run."""
    return [str(item.link.outcome) for item in check_message(raw, links=links)[0]]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (MAX_LINE_OCTETS - 80, ["tracked"]),
        (MAX_LINE_OCTETS - 79, ["line-too-long"]),
        (MAX_LINE_OCTETS + 1, ["tracked"]),
    ],
)
@pytest.mark.parametrize("newline", [b"\r\n", b"\n", b""])
def test_a_line_within_the_limit_stays_within_it(size: int, expected: list[str], newline: bytes) -> None:
    """A link that makes the line one octet too long stays, with a note; in a line that was too long it is tracked."""
    tag = b'<a href="' + URL.encode() + b'">x</a>'
    line = tag + b"y" * (size - len(tag))
    raw = HTML_HEADERS + line + newline
    done = rewrite_message(raw, lambda _destination, _index: LONG_URL, report=True)
    assert [str(link.link.outcome) for link in done.links] == expected
    fits = expected == ["tracked"]
    assert done.raw == (raw.replace(URL.encode(), LONG_URL.encode()) if fits else raw)
    assert [note.code for note in done.notes] == ([] if fits else ["line-too-long"])
    assert done.replaced == fits


def test_first_come_first_served() -> None:
    """Of three links on one line two fit: the first two, or the first and a shorter one."""
    tag = b'<a href="' + URL.encode() + b'">x</a>'
    raw = HTML_HEADERS + tag * 3 + b"y" * (MAX_LINE_OCTETS - 2 * 80 - 3 * len(tag)) + b"\r\n" + tag + b"\r\n"
    done = rewrite_message(raw, lambda _destination, _index: LONG_URL, report=True)
    assert [str(link.link.outcome) for link in done.links] == ["tracked", "tracked", "line-too-long", "tracked"]
    assert done.counts == {Outcome.TRACKED: 3, Outcome.LINE_TOO_LONG: 1}
    done = rewrite_message(raw, lambda _destination, i: LONG_URL * 2 if i == 1 else LONG_URL, report=True)
    assert [str(link.link.outcome) for link in done.links] == ["tracked", "line-too-long", "tracked", "tracked"]
    assert max(map(len, done.raw.split(b"\r\n"))) == MAX_LINE_OCTETS
    assert (done.replaced, done.links[1].link.replacement) == (3, None)


TEXTS = st.lists(
    st.one_of(st.sampled_from([b"\r\n", b"\n", b"\r", b"x"]), st.integers(0, 30).map(lambda n: b"y" * n)), max_size=25
).map(b"".join)


@st.composite
def generate_changes(draw: st.DrawFn) -> tuple[bytes, list[Change]]:
    """A text and ascending changes of it."""
    text = draw(TEXTS)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=10)))
    values = st.integers(0, 60).map(lambda n: b"z" * n)
    return text, [(a, b, draw(values)) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]


@settings(max_examples=1000, deadline=None)
@given(generate_changes(), st.integers(1, 80))
@example((b"a\nb\nc", [(0, 3, b"z" * 3)]), 3)
@example((b"\r\r\r\n", [(0, 0, b""), (3, 3, b"")]), 2)
@example((b"a\rb\n", [(2, 3, b"")]), 1)
def test_the_limit_is_what_trying_each_in_turn_gives(one: tuple[bytes, list[Change]], limit: int) -> None:
    """Those left out are the ones after which, tried one by one, some line is too long and none that went in was."""
    text, changes = one
    overlong = reference_over_limit(text, changes, limit)
    assert find_overlong(text, changes, limit) == overlong
    assert not overlong or _mime.splice_within_lines(text, changes, limit) is None


@pytest.mark.parametrize("length", [60, 200, 860, 960])
def test_the_unseen_tags_obey_the_limit(length: int) -> None:
    """Pixel and hidden link are put in as far as they fit, each one on its own, and a note says what did not."""
    pixel, trap = "https://t.example.com/p/" + "p" * 30, "https://t.example.com/t/" + "t" * 150
    raw = HTML_HEADERS + b"<p>" + b"x" * length + b"</body>\r\n"
    done = rewrite_message(raw, None, pixel=pixel, honeypot=trap)
    assert max(map(len, done.raw.split(b"\r\n"))) <= MAX_LINE_OCTETS
    result = (pixel.encode() in done.raw, trap.encode() in done.raw)
    assert result == (length < 900, length < 600)
    assert [note.code for note in done.notes] == ([] if all(result) else ["line-too-long"])


def test_the_next_body_takes_what_did_not_fit() -> None:
    """A pixel that the first HTML body cannot take goes into the second one."""
    part = b"--b\r\nContent-Type: text/html\r\n\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part + b"x" * 990 + b"\r\n" + part + b"y\r\n--b--\r\n"
    done = rewrite_message(raw, None, pixel=URL)
    assert re.search(rb"y<img [^>]+>\r\n--b--", done.raw)


def test_a_dry_run_reports_the_same() -> None:
    """With the tracker, `check_message` names the outcome that rewriting has, and changes nothing."""
    tag = b'<a href="' + URL.encode() + b'">x</a>'
    raw = HTML_HEADERS + tag * 3 + b"y" * (MAX_LINE_OCTETS - 3 * len(tag)) + b"\r\n"
    done = rewrite_message(raw, TRACKER, report=True)
    result, notes = check_message(raw, links=TRACKER)
    assert [link.link.outcome for link in result] == [link.link.outcome for link in done.links]
    assert Outcome.LINE_TOO_LONG in [link.link.outcome for link in result]
    assert notes == done.notes
    assert all(link.link.replacement is None for link in result)
    assert dry_run_outcomes(raw, None) == ["tracked"] * 3


@pytest.mark.parametrize("space", [b" ", b"\t", b"  \t"])
@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
def test_a_value_that_readers_decode_differently_is_left_and_named(space: bytes, newline: bytes) -> None:
    """White space before a line end inside a quoted-printable value: the link is `encoding`, the one beside tracked."""
    head = b"Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n".replace(b"\n", newline)
    odd = b'<a href=3D"https://example.com/a' + space + newline + b'b">x</a>' + newline
    good = b'<a href=3D"https://example.com/c">y</a>' + newline
    raw = head + odd + good
    done = rewrite_message(raw, TRACKER, report=True)
    assert [str(link.link.outcome) for link in done.links] == ["encoding", "tracked"]
    assert [note.code for note in done.notes] == ["encoding"]
    assert done.notes[0].text == "1 link left out: white space stands there before a line end, which some readers drop"
    assert "white space before a line end" in REASONS[done.links[0].link.outcome]
    assert LINK_PATTERN.sub(b"https://example.com/c", done.raw) == raw
    assert done.replaced == 1
    for links in (None, TRACKER):
        assert dry_run_outcomes(raw, links) == ["encoding", "tracked"]


def test_without_links_nothing_is_emptied() -> None:
    """A mail that only gets a pixel keeps its links, whatever its encoding."""
    raw = HTML_HEADERS + b'<a href="' + URL.encode() + b'">x</a>\r\n'
    assert URL.encode() in rewrite_message(raw, None, pixel=LONG_URL).raw


@pytest.mark.external
def test_the_long_line_stays(shared_folder: Path) -> None:
    """The mail whose line became 1,029 octets long keeps it, and check names the outcome."""
    raw = (shared_folder / "cases" / "long-line-in.eml").read_bytes()
    done = rewrite_message(raw, TRACKER, report=True)
    assert done.raw == raw
    assert [link.link.outcome for link in done.links] == [Outcome.LINE_TOO_LONG]
    assert dry_run_outcomes(raw) == ["line-too-long"]


@pytest.mark.external
def test_no_line_of_the_corpus_passes_the_limit(shared_folder: Path) -> None:
    """In all mails, with a pixel and a hidden link, no line is over 998 octets that was not before."""
    for path in sorted((shared_folder / "corpus" / "eml").glob("*.eml")):
        raw = path.read_bytes()
        done = rewrite_message(raw, TRACKER, pixel=LONG_URL, honeypot=LONG_URL).raw
        before = {line for line in raw.split(b"\n") if len(line.rstrip(b"\r")) > MAX_LINE_OCTETS}
        after = [line for line in done.split(b"\n") if len(line.rstrip(b"\r")) > MAX_LINE_OCTETS]
        new = [line for line in after if line not in before]
        assert len(new) <= len(before), path.name
        assert len(email.message_from_bytes(raw).keys()) == len(email.message_from_bytes(done).keys())

"""A raw mail's headers as the most lenient reader finds them: what must not leave goes, or the mail is refused."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linkweir.errors import RejectedContent
from linkweir.mail.raw_submission import ParsedMail, RawMail
from tests.mail.header_readers import READERS

NOW_US = 1_700_000_000_000_000
SECRET = b"secret"  # stands in every header that must not leave, and nowhere else
HIDDEN_HEADERS = (
    *(b"Bcc: secret@example.net", b"BCC : secret@example.net", b"bcc\t:secret@example.net", b"Bcc\r\n : secret"),
    *(b"Resent-Bcc: a@example.net,\r\n secret@example.net", b"ahasend-tags: secret", b"AhaSend-X \t : secret"),
)
HEADERS = (
    *(b"From: News <news@example.com>", b"To: reader@example.org", b"Subject: a long\r\n subject", b"X-Long:"),
    *(b"MIME-Version: 1.0", b"Content-Type : text/html", b"Received: from a\r\n\tby b; Mon, 1 Jan 2024 10:00:00 +0000"),
)
ODD_LINES = (
    *(b"that was wrapped badly", b"name with a space: x", b"\xc3\x9cber: x", b"\xa0Bcc: x", b">From a@b Mon 10:00:00"),
    *(b"From a@b Mon 10:00:00", b"\xef\xbb\xbfX: y", b":", b": x", b" ", b"\t", b" folded", b"--boundary", b"x@y.z,"),
    *(b"Bcc", b"B cc: secret", b"\x01Bcc: secret", b"X: y\x0bBcc: secret", b"\x00Bcc: secret", b"Bcc\x00: secret"),
    *(
        b"X: y\xe2\x80\xa8Bcc: secret",
        b"X: y\xe2\x80\xa9Bcc: secret",
        b"X: y\xc2\x85Bcc: secret",
        b"X: y\x85Bcc: secret",
        b"X: y\xe2\x80\xa8Bcc\x85: secret",
        b"X: y\x0bBcc\x01: secret",
    ),
    *(b"Bcc secret@example.net", b"-Bcc: secret", b"\xef\xbb\xbfresent-bcc=secret", b"\x00ahasend-tags=secret"),
    *(b"\x01ahasend-tags", b"\xef\xbb\xbfahasend-x\xef\xbc\x9asecret", b"\x1cahasend-tags\r:: secret"),
    *(b"From a@b Mon\r\n Bcc: secret", b">From a@b\r\n\tahasend-tags: secret", b"From x\r\n folded\r\n Bcc: secret"),
    *(b"X: y\rBcc: secret\rZ: a", b"X: y\r\rBcc: secret", b"X: y\nBcc: secret", b"=", b"<a href=https:x>", b"\x7f:"),
)


def make_mail(lines: list[bytes]) -> bytes:
    """A mail with these lines as its header block."""
    return b"".join(line + b"\r\n" for line in lines) + b"\r\n<p>Hello\r\n"


def deliver(raw: bytes, source: str) -> bytes | None:
    """What would be delivered; None: it is refused."""
    try:
        opened = ParsedMail(RawMail("a@example.com", ("b@example.org",), raw, "smtp" if source == "smtp" else "filter"))
        return opened.without_private_headers("id@example.com", NOW_US)
    except RejectedContent:
        return None


def find_hidden_headers(raw: bytes, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """What any reader finds of the headers with these beginnings."""
    return [(reader.__name__, name) for reader in READERS for name, _ in reader(raw) if name.startswith(names)]


LINES = st.lists(st.sampled_from(HIDDEN_HEADERS + HEADERS), min_size=1, max_size=8).flatmap(st.permutations)


@settings(max_examples=1500, deadline=None)
@given(LINES, st.lists(st.tuples(st.integers(0, 8), st.sampled_from(ODD_LINES)), min_size=1, max_size=3))
@example([b"Bcc: a@example.net,", b"To: x"], [(1, b"secret@example.net")])
@example([b"Bcc: a@example.net,", b"To: x"], [(1, b": x\r\n secret@example.net")])
@example([b"Bcc: a@example.net,", b"To: x"], [(1, b"From x\r\n secret@example.net")])
@example([b"To: x", b"Bcc: secret"], [(0, b"\xef\xbb\xbfFrom: a@example.com")])
@example([b"To: x"], [(0, b" Bcc: secret")])
def test_no_odd_line_lets_a_hidden_header_through(lines: list[bytes], odd: list[tuple[int, bytes]]) -> None:
    """With odd lines anywhere, no reader finds Bcc or ahasend-* in what is delivered, or the mail is refused."""
    for at, line in odd:
        lines.insert(at, line)
    raw = make_mail(lines)
    done = deliver(raw, "smtp")
    if done is not None:
        assert find_hidden_headers(done, ("bcc", "resent-bcc", "ahasend-")) == []
        assert SECRET not in done
        assert done.endswith(b"\n\r\n<p>Hello\r\n")
    passed = deliver(raw, "filter")
    assert passed is not None  # a mail server's mail is never refused
    assert find_hidden_headers(passed, ("ahasend-",)) == []
    assert passed.endswith(b"<p>Hello\r\n")


@pytest.mark.parametrize("envelope", [b"From a@b Mon\r\n", b">From a@b Mon 10:00:00\r\n", b"From a\r\n>From b\r\n"])
@pytest.mark.parametrize("indent", [b" ", b"\t", b" \r\n "])
@pytest.mark.parametrize("hidden", HIDDEN_HEADERS)
def test_an_indented_header_behind_an_envelope_line_is_removed(envelope: bytes, indent: bytes, hidden: bytes) -> None:
    """No reader that takes the line below "From " for a header, indented or not, finds what is hidden there."""
    raw = envelope + indent + make_mail([hidden, *HEADERS[:3]])
    done = deliver(raw, "smtp")
    assert done is not None
    assert SECRET not in done
    assert find_hidden_headers(done, ("bcc", "resent-bcc", "ahasend-")) == []
    passed = deliver(raw, "filter") or b""
    assert find_hidden_headers(passed, ("ahasend-",)) == []
    assert passed.endswith(b"<p>Hello\r\n")


@pytest.mark.parametrize(
    "line",
    [
        *(b"Bcc secret@example.net", b"\x01resent-BCC=secret", b"-Bcc: secret", b"\xef\xbb\xbfahasend-tags secret"),
        *(b"X: y\xe2\x80\xa8Bcc: secret", b"X: y\xc2\x85Bcc: secret", b"X: y\x85ahasend-x: secret"),
        *(b"From x\r\n Bcc: secret", b"odd\r\n folded\r\n\tahasend-x: secret"),
    ],
)
def test_a_line_that_may_have_been_meant_for_a_hidden_header_is_refused(line: bytes) -> None:
    """What no rule finds as a header, but begins like one or stands behind a line break of Unicode, never leaves."""
    assert deliver(make_mail([b"From: a@example.com", line, b"To: b"]), "smtp") is None
    assert (
        deliver(make_mail([b"From: a@example.com", b"Subject: bcc\xc3\x85 y", b"Bccx y", b"To: b"]), "smtp") is not None
    )


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"\x00ahasend-tags=secret",
            b"\x1cahasend-tags\r:: secret",
            b"\xef\xbb\xbfahasend-tags",
            b"\x01ahasend-x secret",
        ),
        *(b"\xef\xbb\xbfAhaSend-x\xef\xbc\x9asecret\r\n secret",),
    ],
)
def test_the_filter_removes_a_private_header_without_a_colon(line: bytes) -> None:
    """A line that begins with ahasend- behind what no name can hold goes, whatever stands for its colon."""
    above, below = [b"Date: x", b"Message-ID: <x@y>", b"From: a@example.com"], [b"To: b"]
    assert deliver(make_mail([*above, line, *below]), "filter") == make_mail([*above, *below])


@pytest.mark.parametrize("line", [b"that was wrapped badly", b"name with a space: x", b"\xc3\x9cber: x", b"> From x"])
@pytest.mark.parametrize("hidden", HIDDEN_HEADERS[:3])
def test_headers_below_an_odd_line_are_removed(line: bytes, hidden: bytes) -> None:
    """A mail with one odd line above Bcc is taken: Bcc and the wish go, every other byte stays, and it is noted."""
    raw = make_mail(
        [b"Date: x", b"Message-ID: <x@y>", b"Subject: a", line, hidden, b"ahasend-track-clicks: true", b"To: b"]
    )
    opened = ParsedMail(RawMail("a@example.com", ("b@example.org",), raw, "smtp"))
    assert opened.preferences.track_clicks is True
    assert opened.without_private_headers("x@y", NOW_US) == raw.replace(
        hidden + b"\r\nahasend-track-clicks: true\r\n", b""
    )
    assert [note.code for note in opened.notes] == ["odd-header"]
    assert "line 4" in opened.notes[0].text


@pytest.mark.parametrize("first", [b"\r\n", b"\r\n\r\n", b"\xef\xbb\xbf\r\n", b"From a@b Mon\r\n\r\n"])
def test_headers_below_an_empty_line_are_refused(first: bytes) -> None:
    """What a sender meant for headers would be text for all to read; a mail server's mail passes as it came."""
    headers = make_mail([b"From: a@example.com", b"ahasend-track-clicks: true", b"Bcc: secret@example.net"])
    assert deliver(first + headers, "smtp") is None
    assert (deliver(first + headers, "filter") or b"").endswith(b"\r\n\r\n" + headers)
    assert deliver(first + b"Hello,\r\nNote: not a header\r\n", "smtp") is not None


@pytest.mark.parametrize(
    "first",
    [
        b"\r\n",
        b" \r\n\r\n",
        b"\x0c\r\n\r\n",
        b"\xef\xbb\xbf\t\r\n\r\n",
        b"From x y\r\n \r\n\r\n",
        b"odd\r\n\r\n",
        b"\r\n \r\n\r\n",
        b"\xef\xbb\xbf\r\n",
        b"From a@b Mon\r\n\r\n",
    ],
)
@pytest.mark.parametrize(
    "above",
    [b"", b"\xef\xbb\xbf", b"From x\r\n", b">From x\r\n ", b"odd line\r\n", b"\xef\xbb\xbf\r\n", b"From x\r\n\r\n"],
)
@pytest.mark.parametrize("hidden", [b"Bcc: secret@example.net", b"\x01ahasend-tags secret", b"Bcc secret"])
def test_a_hidden_header_below_an_empty_line_is_refused(first: bytes, above: bytes, hidden: bytes) -> None:
    """What may have been meant for a hidden header below an empty line at the top never leaves, wherever it stands."""
    assert deliver(first + above + make_mail([hidden, b"To: b"]), "smtp") is None
    assert (deliver(first + above + make_mail([hidden, b"To: b"]), "filter") or b"").endswith(b"\r\n<p>Hello\r\n")


def test_what_is_added_stands_behind_what_an_mbox_left_at_the_top() -> None:
    """A byte order mark goes, "From " lines stay first, and the new headers stand behind them."""
    raw = b"\xef\xbb\xbfFrom a@b Mon\r\n>From c remote\r\nSubject: x\r\nahasend-tags: y\r\n\r\nz"
    done = deliver(raw, "smtp")
    assert done is not None
    assert re.fullmatch(
        rb"From a@b Mon\r\n>From c remote\r\nMessage-ID: <id@example\.com>\r\nDate: [^\r]+\r\nSubject: x\r\n\r\nz", done
    )


@pytest.mark.parametrize("body", [b"\0", b"\r\n\0.\r\nMAIL FROM:<evil@example.com>\r\n"])
def test_a_nul_is_refused_from_a_sender_and_passed_from_a_mail_server(body: bytes) -> None:
    """A NUL anywhere refuses a submitted mail; the filter passes it on as it is."""
    raw = make_mail([b"Date: x", b"Message-ID: <x@y>"]) + body
    assert deliver(raw, "smtp") is None
    assert deliver(raw, "filter") == raw


@pytest.mark.external
@pytest.mark.parametrize("name", ["bcc-obsolete-colon", "bcc-after-unfolded-subject", "bom-smtp"])
def test_the_cases_that_leaked(shared_folder: Path, name: str) -> None:
    """Each mail that was passed on unread is tracked, and no reader finds what it hides."""
    raw = (shared_folder / "cases" / f"{name}.eml").read_bytes()
    opened = ParsedMail(RawMail("a@example.com", ("b@example.org",), raw, "smtp"))
    assert opened.preferences.track_clicks is True
    done = opened.without_private_headers("id@example.com", NOW_US)
    assert find_hidden_headers(done, ("bcc", "ahasend-")) == []
    assert SECRET not in done


@pytest.mark.parametrize(
    "line",
    [
        b"a:\r\n",
        b"\x01ahasend-x: y\r\n",
        b"\x01ahasend-x\r\n",
        b"From x\r\n",
        b"ahasend-x\r\n",
        b"a\r\n",
        b": \r\n",
        b"ahasend-x: y\r\n",
    ],
)
def test_a_mail_of_headers_only_is_read_soon(line: bytes) -> None:
    """Ten megabytes of header lines are refused from a sender, and passed on without what is hidden, in seconds."""
    raw = b"Subject: x\r\n" + line * (10_000_000 // len(line)) + b"ahasend-tags: secret\r\n\r\nhello\r\n"
    started = time.process_time()
    passed = deliver(raw, "filter")
    assert deliver(raw, "smtp") is None
    assert time.process_time() - started < 20
    assert passed is not None
    assert b"ahasend" not in passed
    assert passed.endswith(b"\r\n\r\nhello\r\n")

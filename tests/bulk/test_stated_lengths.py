"""Lengths that are stated beside a mail are right after rewriting where they were right before, and else untouched."""

import contextlib
import mailbox
import re
from pathlib import Path

import pytest

from linkweir.bulk.length_fields import update_length_headers, update_maildir_name
from linkweir.mime.message import rewrite_message
from tests.bulk.test_mailboxes import rewrite

HEAD = b"From a@example.com Thu Jan  1 00:00:00 1970\nSubject: x\nContent-Type: text/html\n"
BODY = b'<a href="https://example.com/">x</a>\n'
LONG = "https://t.example.com/" + "k" * 100


def rewrite_longer(raw: bytes) -> bytes:
    """With a longer link."""
    done = rewrite_message(raw, lambda _destination, _index: LONG).raw
    assert done != raw
    return done


@pytest.mark.parametrize("separator", [b"", b"\n"])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_headers_state_the_body_s_length(separator: bytes, counted: bool, newline: bytes) -> None:
    """Content-Length grows by what the body grows, whether or not the separating line was counted."""
    body = (BODY + separator).replace(b"\n", newline)
    size = len(body) - (0 if counted or not separator else len(newline))
    lines = body.count(b"\n") - (0 if counted or not separator else 1)
    head = (HEAD + b"Content-Length: %d\nLines : %d\nX: y\n\n" % (size, lines)).replace(b"\n", newline)
    raw = head + body
    done = update_length_headers(raw, rewrite_longer(raw))
    grown = size + len(LONG) - len("https://example.com/")
    expected = raw.replace(b"https://example.com/", LONG.encode())
    assert done == expected.replace(b"Content-Length: %d" % size, b"Content-Length: %d" % grown)


def test_lines_are_counted_anew() -> None:
    """A quoted-printable part that needs more lines has its Lines header right again."""
    head = HEAD + b"Content-Transfer-Encoding: quoted-printable\n"
    body = BODY.replace(b"=", b"=3D")
    raw = head + b"Lines: 1\n\n" + body
    done = update_length_headers(raw, rewrite_longer(raw))
    count = done.partition(b"\n\n")[2].count(b"\n")
    assert count > 1
    assert b"\nLines: %d\n\n" % count in done


@pytest.mark.parametrize(
    "stated", [b"Content-Length: 5", b"Content-Length: x", b"Lines: 99", b"Content-Length:", b"X: 00"]
)
def test_what_was_wrong_stays(stated: bytes) -> None:
    """A number that was not right, and what is none, is not touched."""
    raw = HEAD + stated + b"\n\n" + BODY
    assert update_length_headers(raw, rewrite_longer(raw)) == rewrite_longer(raw)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1.M2.host,S={S},W={W}:2,S", "1.M2.host,S={s},W={w}:2,S"),
        ("1.M2.host,S={S}:2,", "1.M2.host,S={s}:2,"),
        ("1.M2.host,W={W}", "1.M2.host,W={w}"),
        ("1.M2.host,S=1,W={W}:2,S", "1.M2.host,S=1,W={w}:2,S"),
        ("1.M2.host,S={S}0:2,S", "1.M2.host,S={S}0:2,S"),
        ("1.M2.host:2,S", "1.M2.host:2,S"),
    ],
)
def test_a_maildir_name_states_the_mail_s_length(name: str, expected: str) -> None:
    """Size and size with CRLF follow the mail; a number that was wrong stays."""
    raw = HEAD + b"\n" + BODY
    done = rewrite_longer(raw)
    sizes = {"S": len(raw), "W": len(raw) + raw.count(b"\n"), "s": len(done), "w": len(done) + done.count(b"\n")}
    path = update_maildir_name("cur/" + name.format(**sizes), raw, done)
    assert path == "cur/" + expected.format(**sizes)


@pytest.mark.parametrize("in_place", [False, True])
def test_a_rewritten_maildir_states_its_lengths(tmp_path: Path, in_place: bool) -> None:
    """By command, each mail lies there once, under a name with its size, and a mail without a link keeps its name."""
    raw = b"Content-Type: text/html\n\n" + BODY
    plain = b"Subject: x\n\ny\n"
    for folder in ("cur", "new", "tmp"):
        (tmp_path / "box" / folder).mkdir(parents=True)
    (tmp_path / "box" / "cur" / f"1.host,S={len(raw)},W={len(raw) + 3}:2,S").write_bytes(raw)
    (tmp_path / "box" / "new" / f"2.host,S={len(plain)}").write_bytes(plain)
    target = tmp_path / "box" if in_place else tmp_path / "out"
    for _ in range(2):  # a second run finds its mails, or what the first one left
        rewrite(tmp_path / "box", *(["--in-place"] if in_place else ["-o", target]), keys=tmp_path / "keys")
    (mail,) = (target / "cur").glob("*")
    size = mail.stat().st_size
    assert size > len(raw)
    assert mail.name == f"1.host,S={size},W={size + 3}:2,S"
    assert [path.name for path in (target / "new").glob("*")] == [f"2.host,S={len(plain)}"]


def test_a_mailbox_with_lengths_is_read_as_before(tmp_path: Path) -> None:
    """Every mail of a rewritten mailbox has a Content-Length that leads to the next "From " line."""
    mails = [HEAD + b"Content-Length: %d\n\n" % len(BODY) + BODY for _ in range(3)]
    (tmp_path / "a.mbox").write_bytes(b"\n".join(mails) + b"\n")
    rewrite(tmp_path / "a.mbox", "-o", tmp_path / "b.mbox", keys=tmp_path / "keys")
    done = (tmp_path / "b.mbox").read_bytes()
    with contextlib.closing(mailbox.mbox(tmp_path / "b.mbox")) as box:
        assert len(box) == 3
    at = 0
    for _ in range(3):
        assert done.startswith(b"From ", at)
        body = done.index(b"\n\n", at) + 2
        size = re.search(rb"Content-Length: (\d+)\n", done[at:body])
        assert size is not None
        at = body + int(size[1]) + 1
    assert at == len(done)

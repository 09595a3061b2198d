"""Mails, Maildirs and mailboxes by command: the same links, and no other byte, however they are stored."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir.bulk.mbox import split_mbox
from tests.preloaded_command import run_command
from tests.web.running_service import WAIT_SECONDS

MAIL = b"From: a@example.com\nContent-Type: text/html\n\n>From here <a href='https://example.com/%d'>x</a>\n"
LINK = re.compile(rb"https://t\.example\.com/[A-Za-z0-9_-]+")


def run_linkweir(*words: str | Path, code: int = 0, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command, run as a user would."""
    done = run_command(words, data, WAIT_SECONDS)
    assert done.returncode == code, done.stderr.decode()
    return done


def rewrite(*words: str | Path, keys: Path, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """`linkweir rewrite` with one key file."""
    return run_linkweir("rewrite", *words, "--base-url", "https://t.example.com", "--key-file", keys, data=data)


def test_a_mailbox_is_rewritten_mail_by_mail(tmp_path: Path) -> None:
    """Every mail of an mbox has its own link, and separators and quoted "From " lines stay as they were."""
    separator = b"From a@example.com Thu Jan  1 00:00:00 1970\n"
    box = b"\n".join(separator + MAIL % number for number in range(3))
    (tmp_path / "in.mbox").write_bytes(box)
    out, report = tmp_path / "out.mbox", tmp_path / "report"
    rewrite(tmp_path / "in.mbox", "-o", out, "--message-id", "{stem}.{n}", "--report", report, keys=tmp_path / "keys")
    done = out.read_bytes()
    assert len(set(LINK.findall(done))) == 3
    numbers = iter(range(3))
    assert LINK.sub(lambda _: b"https://example.com/%d" % next(numbers), done) == box
    assert [line.count('"message":') for line in report.read_text().splitlines()] == [1, 1, 1]


def test_a_maildir_preserves_its_names(tmp_path: Path) -> None:
    """Mails in `cur` and `new` are rewritten under their own names; `tmp` is left alone."""
    for folder in ("cur", "new", "tmp"):
        (tmp_path / "box" / folder).mkdir(parents=True)
        (tmp_path / "box" / folder / "1.x:2,S").write_bytes(MAIL % 1)
    rewrite(tmp_path / "box", "--in-place", keys=tmp_path / "keys")
    for folder, changed in (("cur", True), ("new", True), ("tmp", False)):
        data = (tmp_path / "box" / folder / "1.x:2,S").read_bytes()
        assert (LINK.search(data) is not None) is changed


def test_a_mail_comes_through_a_pipe(tmp_path: Path) -> None:
    """`--kind eml` takes a mail from standard input."""
    done = rewrite("-", "--kind", "eml", keys=tmp_path / "keys", data=MAIL % 1).stdout
    assert LINK.sub(b"https://example.com/1", done) == MAIL % 1


def test_check_names_the_part(tmp_path: Path) -> None:
    """`linkweir check` shows the link of a mail with its part, and line and column inside it."""
    (tmp_path / "a.eml").write_bytes(MAIL % 1)
    shown = run_linkweir("check", tmp_path / "a.eml").stdout.decode()
    assert "a.eml[1]:1:12" in shown


@pytest.mark.external
def test_the_corpus_is_the_same_however_it_is_stored(tmp_path: Path, shared_folder: Path) -> None:
    """All 812 mails, as files with two processes and as a Maildir, give the same bytes, and none fails."""
    source, keys = shared_folder / "corpus" / "eml", tmp_path / "keys"
    done = rewrite(source, "-o", tmp_path / "files", "--jobs", "2", keys=keys)
    assert b"812 files done, 0 failed" in done.stderr
    for folder in ("cur", "new", "tmp"):
        (tmp_path / "box" / folder).mkdir(parents=True)
    names = sorted(path.name for path in source.glob("*.eml"))
    for name in names:
        (tmp_path / "box" / "cur" / name.removesuffix(".eml")).write_bytes((source / name).read_bytes())
    rewrite(tmp_path / "box", "-o", tmp_path / "out", keys=keys)
    for name in names:
        assert (tmp_path / "out" / "cur" / name.removesuffix(".eml")).read_bytes() == (
            tmp_path / "files" / name
        ).read_bytes()


@pytest.mark.parametrize(
    ("line", "mails"),
    [
        (b"From now on you can read it in any browser by\n<p>the link", 1),
        (b"From now on\n\nanother paragraph", 1),
        (b"From 10:30 to 12:00 the office is closed\n- Ada", 1),
        (b"From 2019 on it is\r\n\r\nclosed", 1),
        (b"From a@b.example Mon Jan  1 00:00:00 2024\nSubject: x", 2),
        (b"From - Thu Feb 05 22:34:43 2009\n\nno headers", 2),
        (b"From a@b.example Mon, 1 Jan 2024 00:00:00 +0100\r\nno header: at first", 2),
        (b"From ???@???\nSubject : x", 2),
        (b"From a@b.example\n>From c@d.example\nSubject: x", 2),
        (b"From a@b.example", 1),
    ],
)
def test_a_sentence_is_no_separator(line: bytes, mails: int) -> None:
    """What begins with "From " behind an empty line begins a mail when it has time and year, or a header follows."""
    box = b"From x Mon Jan  1 00:00:00 2024\nContent-Type: text/html\n\n<p>\n\n" + line
    for chunks in ([box], [box[n : n + 1] for n in range(len(box))]):
        assert [piece.number for piece in split_mbox(chunks)] == [1, 2][:mails]
        assert b"".join(piece.data for piece in split_mbox(chunks)) == box


@given(
    st.lists(
        st.sampled_from(
            [
                b"From x\n",
                b"X: y\n",
                b"From 1:00 2000\n",
                b"From " + b"z" * 2000 + b"\n",
                b"\n",
                b"\r\n",
                b">From y\n",
                b"text\n",
                b"From",
                b" z",
            ]
        ),
        max_size=30,
    ),
    st.data(),
)
def test_the_pieces_are_the_mailbox(lines: list[bytes], data: st.DataObject) -> None:
    """However a mailbox arrives, its pieces are the same and together are its bytes."""
    box = b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(box)), max_size=6)))
    chunks = [box[start:end] for start, end in zip([0, *cuts], [*cuts, len(box)], strict=True)]
    result = [piece.data for piece in split_mbox(chunks)]
    assert b"".join(result) == box
    assert result == [piece.data for piece in split_mbox([box])]

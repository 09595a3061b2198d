"""A large mailbox is shared by the workers: the same bytes, report and words as with one, whatever happens to them."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from linkweir.bulk.mailbox_run import MIN_SHARED_BYTES
from tests.cli.command_runner import BASE_URL, HTML_LINE, CommandRunner, list_temporary_files
from tests.web.running_service import WAIT_SECONDS

MAIL_COUNT = 300
FILLER = b"<!--" + b"filler " * (MIN_SHARED_BYTES // MAIL_COUNT // 6) + b"-->\n"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")


def make_mail(subject: str) -> bytes:
    """A mail with one link that is tracked, and right lengths of its body."""
    body = HTML_LINE + FILLER
    head = f"From a@example.com Thu Jan  1 00:00:00 1970\nContent-Type: text/html\nSubject: {subject}\n"
    lengths = f"Content-Length: {len(body)}\nLines: {body.count(bytes([10]))}\n\n"
    return (head + lengths).encode() + body


def make_mailbox(special: dict[int, str] | None = None) -> bytes:
    """A mailbox that is large enough to be shared; `special`: subjects of some mails by number."""
    subjects = {number: str(number) for number in range(1, MAIL_COUNT + 1)} | (special or {})
    return b"\n".join(make_mail(subjects[number]) for number in sorted(subjects))


def test_any_number_of_jobs_gives_the_same(
    linkweir: CommandRunner, work: Path, crashing_environment: dict[str, Any]
) -> None:
    """With one, two and five jobs: the same mailbox, report and words, when mails kill their process or raise, and
    beside other files; each bad mail costs itself only, all other mails have links, and their lengths are right.
    """
    box = make_mailbox({2: "DEADLY", 150: "WRONG", 151: "DEADLY", MAIL_COUNT: "DEADLY"})
    (work / "in").mkdir()
    (work / "in" / "b.mbox").write_bytes(box)
    for name in ("a", "c"):
        (work / "in" / f"{name}.html").write_bytes(HTML_LINE)
    linkweir.rewrite(stdin=b"")  # makes the keys
    seen = []
    for jobs in ("1", "2", "5"):
        words = (
            "rewrite",
            "in",
            "-o",
            f"out{jobs}",
            "--base-url",
            BASE_URL,
            "--jobs",
            jobs,
            "--message-id",
            "{stem}.{n}",
        )
        run = linkweir(*words, "--report", f"report{jobs}", **crashing_environment)
        assert run.code == 1
        assert "3 files done, 0 failed" in run.err
        words_about_mails = [line for line in run.err.splitlines() if "mail " in line]
        done = (work / f"out{jobs}" / "b.mbox").read_bytes()
        assert done.count(BASE_URL.encode()) == MAIL_COUNT - 4
        seen.append((done, (work / f"report{jobs}").read_bytes(), words_about_mails))
        assert list_temporary_files(work) == []
    assert seen[0] == seen[1] == seen[2]
    assert [line.split(": ")[2] for line in seen[0][2]] == ["mail 2", "mail 150", "mail 151", f"mail {MAIL_COUNT}"]
    mails = seen[0][0].split(b"From a@example.com")[1:]
    for mail in mails:
        head, _, body = (
            mail.removesuffix(b"\n").partition(b"\n\n") if mail is not mails[-1] else mail.partition(b"\n\n")
        )
        assert b"Content-Length: %d\n" % len(body) in head


def test_standard_output_gets_a_shared_mailbox_in_order(linkweir: CommandRunner, work: Path) -> None:
    """`-o -` with three jobs writes what a file would hold, and ends quietly when nobody reads on."""
    (work / "a.mbox").write_bytes(make_mailbox())
    assert linkweir.rewrite("a.mbox", "-o", "out.mbox", "--jobs", "1").code == 0
    run = linkweir.rewrite("a.mbox", "-o", "-", "--jobs", "3")
    assert run.code == 0
    assert run.out == (work / "out.mbox").read_bytes()
    process = linkweir.start(
        "rewrite", "a.mbox", "--base-url", BASE_URL, "--quiet", "--jobs", "3", stdout=-1, stderr=-1
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(timeout=WAIT_SECONDS) != 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_leaves_the_old_mailbox(linkweir: CommandRunner, work: Path, number: int) -> None:
    """Ended in the middle, the mailbox is the old one, and no temporary file stays."""
    linkweir.rewrite(stdin=b"")
    box = make_mailbox()
    (work / "a.mbox").write_bytes(box)
    words = ("rewrite", "a.mbox", "--in-place", "--base-url", BASE_URL, "--jobs", "2", "--message-id", "{sha}.{n}")
    process = linkweir.start(*words, stderr=-1)  # {sha} reads the mailbox for each mail, so that there is a middle
    assert process.stderr is not None
    with process.stderr:
        ends_at = time.monotonic() + WAIT_SECONDS
        while not Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            assert time.monotonic() < ends_at
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(timeout=WAIT_SECONDS) != 0
        process.stderr.read()
    assert (work / "a.mbox").read_bytes() == box
    assert list_temporary_files(work) == []

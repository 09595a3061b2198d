"""Outputs are whole or absent, however the command ends."""

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_runner import BASE_URL, HTML_LINE, CommandRunner, list_temporary_files, make_newsletter
from tests.web.running_service import WAIT_SECONDS

FILE_COUNT = 24
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")


@pytest.fixture
def tree(linkweir: CommandRunner, work: Path) -> Path:
    """A folder of newsletters, and in `whole` what they become."""
    (work / "in").mkdir()
    for n in range(FILE_COUNT):
        (work / "in" / f"{n:02}.html").write_bytes(make_newsletter(60_000 + 20_000 * (n % 5), n))
    assert linkweir.rewrite("in", "-o", "whole").code == 0
    return work / "in"


def list_children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def list_finished(folder: Path) -> int:
    return sum(path.stat().st_size > len(b"old") for path in folder.glob("*.html"))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_run_leaves_whole_files_or_none(linkweir: CommandRunner, work: Path, tree: Path, jobs: str) -> None:
    """After SIGKILL at twelve random moments, every output is absent, or complete, or still the old one."""
    chance = random.Random(7)  # noqa: S311 -- moments, not secrets
    out = work / "out"
    seen = {"old": 0, "new": 0}
    for _ in range(12):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        for n in range(0, FILE_COUNT, 2):
            (out / f"{n:02}.html").write_bytes(b"old")
        process = linkweir.start("rewrite", "in", "-o", "out", "--jobs", jobs, stderr=-1)
        enough = chance.randrange(FILE_COUNT // 2)
        while list_finished(out) < enough:
            time.sleep(0.0005)
        time.sleep(chance.uniform(0, 0.005))
        workers = list_children(process.pid)
        process.kill()
        process.communicate(timeout=WAIT_SECONDS)
        deadline = time.monotonic() + 20
        while not all(is_gone(pid) for pid in workers):
            assert time.monotonic() < deadline, "a worker outlived its parent"
            time.sleep(0.01)
        for path in out.glob("*.html"):
            data = path.read_bytes()
            if data == b"old":
                seen["old"] += 1
            else:
                assert data == (work / "whole" / path.name).read_bytes()
                seen["new"] += 1
    assert seen["new"]
    assert seen["old"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_leaves_no_temporary_file(
    linkweir: CommandRunner, work: Path, tree: Path, jobs: str, number: signal.Signals
) -> None:
    """Ctrl-C or SIGTERM to the process group ends with 128 + its number, whole outputs, and no rests."""
    os.mkfifo(work / "slow.html")  # keeps the run alive until the signal comes
    process = linkweir.start(
        *("rewrite", "in", "slow.html", "-o", "out", "--jobs", jobs), stderr=-1, start_new_session=True
    )
    with open(work / "slow.html", "wb") as pipe:
        pipe.write(make_newsletter(20_000))
        pipe.flush()
        while len(list((work / "out" / "in").glob("*.html"))) < FILE_COUNT:
            time.sleep(0.005)
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 128 + number
    assert b"Traceback" not in errors
    assert list_temporary_files(work) == []
    assert not (work / "out" / "slow.html").exists()
    for path in (work / "out" / "in").glob("*.html"):
        assert path.read_bytes() == (work / "whole" / path.name).read_bytes()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_worker_that_dies_costs_one_file(linkweir: CommandRunner, work: Path, jobs: str) -> None:
    """When a worker is killed inside a file, that file is named with the signal, all others are done, and no temporary
    file stays.
    """
    for name in ("a", "b", "c"):
        (work / f"{name}.html").write_bytes(HTML_LINE)
    os.mkfifo(work / "stuck.html")
    files = ["stuck.html", "a.html", "b.html", "c.html"]
    process = linkweir.start("rewrite", "--base-url", BASE_URL, *files, "-o", "out", "--jobs", jobs, stderr=-1)
    with open(work / "stuck.html", "wb") as pipe:  # opens when a worker reads it
        while len(stuck := [pid for pid in list_children(process.pid) if has_open(pid, work / "stuck.html")]) != 1:
            time.sleep(0.01)
        os.kill(stuck[0], signal.SIGKILL)
        _, errors = process.communicate(timeout=WAIT_SECONDS)
        pipe.close()
    assert process.returncode == 1
    assert b"linkweir: stuck.html: the process working on it ended (SIGKILL)" in errors
    assert b"3 files done, 1 failed" in errors
    assert sorted(path.name for path in (work / "out").iterdir()) == ["a.html", "b.html", "c.html"]


def make_mailbox(*subjects: str) -> bytes:
    """An mbox of mails with a link each."""
    head = "From a@example.com Thu Jan  1 00:00:00 1970\nContent-Type: text/html\nSubject: "
    return b"\n".join(f"{head}{subject}\n\n".encode() + HTML_LINE for subject in subjects)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_bad_mail_costs_itself_only(
    linkweir: CommandRunner, work: Path, crashing_environment: dict[str, Any], jobs: str
) -> None:
    """Mails of a mailbox that end the process or raise stay as they were and are named; all others have their links."""
    box = make_mailbox("1", "DEADLY", "3", "WRONG", "5", "DEADLY")
    (work / "a.mbox").write_bytes(box)
    (work / "b.mbox").write_bytes(make_mailbox("1"))
    run = linkweir(
        "rewrite", "a.mbox", "b.mbox", "-o", "out", "--base-url", BASE_URL, "--jobs", jobs, **crashing_environment
    )
    assert run.code == 1
    for words in (
        "a.mbox: mail 2: the process working on it ended; left as it was",
        "a.mbox: mail 4: LookupError: nobody knows why; left as it was",
        "a.mbox: mail 6: the process working on it ended; left as it was",
        "2 files done, 0 failed; 8 links",
    ):
        assert words in run.err
    done = (work / "out" / "a.mbox").read_bytes()
    assert done.count(BASE_URL.encode()) == 3
    assert split_mailbox(done)[1::2] == split_mailbox(box)[1::2]
    assert (work / "out" / "b.mbox").read_bytes().count(BASE_URL.encode()) == 1
    assert sorted(path.name for path in (work / "out").iterdir()) == ["a.mbox", "b.mbox"]


def split_mailbox(box: bytes) -> list[bytes]:
    return [mail.strip() for mail in box.split(b"From a@")[1:]]


@pytest.mark.parametrize("subject", ["DEADLY", "WRONG"])
def test_a_single_bad_mail_is_named(
    linkweir: CommandRunner, work: Path, crashing_environment: dict[str, Any], subject: str
) -> None:
    """One file alone that ends the process or raises is named with an error and exit code 1, and stays as it was."""
    mail = f"Content-Type: text/html\nSubject: {subject}\n\n".encode() + HTML_LINE
    (work / "bad.eml").write_bytes(mail)
    run = linkweir("rewrite", "bad.eml", "--in-place", "--base-url", BASE_URL, **crashing_environment)
    assert run.code == 1
    reason = "the process working on it ended (SIGSEGV)" if subject == "DEADLY" else "LookupError: nobody knows why"
    assert f"linkweir: bad.eml: {reason}" in run.err
    assert "Traceback" not in run.err
    assert (work / "bad.eml").read_bytes() == mail
    assert list_temporary_files(work) == []


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_mail_that_ends_its_process_costs_no_other_file_of_the_batch(
    linkweir: CommandRunner, work: Path, crashing_environment: dict[str, Any], jobs: str
) -> None:
    """When a worker dies of one mail of many, that one is named, and those of its batch, which had no names yet, are
    done by another: each once, counted once, without a temporary file.
    """
    (work / "in").mkdir()
    for number in range(30):
        subject = "DEADLY" if number in (11, 29) else str(number)
        mail = f"Content-Type: text/html\nSubject: {subject}\n\n".encode() + HTML_LINE
        (work / "in" / f"{number:02}.eml").write_bytes(mail)
    run = linkweir("rewrite", "in", "-o", "out", "--base-url", BASE_URL, "--jobs", jobs, **crashing_environment)
    assert run.code == 1
    assert run.err.count("the process working on it ended (SIGSEGV)") == 2
    assert "linkweir: in/11.eml: the process" in run.err
    assert "28 files done, 2 failed; 56 links" in run.err
    done = sorted(path.name for path in (work / "out").iterdir())
    assert done == [f"{number:02}.eml" for number in range(30) if number not in (11, 29)]
    assert all((work / "out" / name).read_bytes().count(BASE_URL.encode()) == 1 for name in done)


FAILING_SCRIPT = """
import os, signal
replace = os.replace
def fail_and_die(source, target, **named):
    if target.endswith("1.html"):
        raise PermissionError(1, "Operation not permitted")
    if target.endswith("3.html") and not os.path.exists("died"):
        open("died", "x").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(source, target, **named)
os.replace = fail_and_die
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_failure_is_known_after_its_worker_has_died(linkweir: CommandRunner, work: Path, jobs: str) -> None:
    """A file that could not be replaced is an error, also when its worker dies before the batch is finished."""
    (work / "custom").mkdir()
    (work / "custom" / "sitecustomize.py").write_text(FAILING_SCRIPT)
    (work / "in").mkdir()
    for number in range(5):
        (work / "in" / f"{number}.html").write_bytes(HTML_LINE)
    words = ("rewrite", "in", "--in-place", "--base-url", BASE_URL, "--jobs", jobs)
    run = linkweir(*words, PYTHONPATH=str(work / "custom"))
    assert (work / "died").exists()
    assert run.code == 1
    assert "in/1.html: can't write in/1.html: Operation not permitted" in run.err
    assert "4 files done, 1 failed; 8 links" in run.err
    assert (work / "in" / "1.html").read_bytes() == HTML_LINE
    assert all(BASE_URL in (work / "in" / f"{number}.html").read_text() for number in (0, 2, 3, 4))
    assert list_temporary_files(work) == []


def test_output_that_nobody_reads_ends_quietly(linkweir: CommandRunner, work: Path) -> None:
    """A worker whose standard output is closed ends the command as any program ends then, without a word."""
    (work / "a.html").write_bytes(make_newsletter(3_000_000))
    assert linkweir.rewrite(stdin=b"").code == 0  # makes the keys, which is said
    process = linkweir.start("rewrite", "a.html", "--base-url", BASE_URL, "--quiet", stdout=-1, stderr=-1)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(timeout=WAIT_SECONDS) != 0


def has_open(pid: int, path: Path) -> bool:
    try:
        return any(os.path.realpath(handle) == str(path) for handle in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


@pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="root reads everything, and there is no setpriv"
)
def test_permissions_are_respected(linkweir: CommandRunner, work: Path) -> None:
    """Files and folders that may not be read or written are named with the reason, and the rest is done."""
    for name in ("in/good.html", "in/secret.html", "in/closed/x.html"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(HTML_LINE)
    linkweir.rewrite(stdin=b"")
    (work / "in" / "secret.html").chmod(0)
    (work / "in" / "closed").chmod(0)
    (work / "locked").mkdir(mode=0o500)
    # Root may do everything; without these two capabilities it is like anybody else.
    lesser = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    try:
        run = linkweir.run_under(lesser, "rewrite", "in", "-o", "out")
        assert run.code == 1
        assert "linkweir: in/closed: Permission denied" in run.err
        assert "linkweir: in/secret.html: can't read: Permission denied" in run.err
        assert [path.name for path in (work / "out").iterdir()] == ["good.html"]
        run = linkweir.run_under(lesser, "rewrite", "in/good.html", "-o", "locked/x.html")
        assert run.code == 1
        assert "in/good.html: can't write locked/x.html: Permission denied" in run.err
    finally:
        (work / "in" / "closed").chmod(0o700)

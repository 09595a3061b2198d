"""A mailbox whose mails are rewritten elsewhere, in any order: what is written, and what its errors cost."""

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from linkweir.bulk import mailbox_run, mbox, worker_pool, worker_process
from linkweir.bulk.document_io import UnreadableInput
from linkweir.bulk.file_list import FileJob, plan_rewrite
from linkweir.bulk.file_rewriter import FileResult, FileRewriter, RewriteConfig
from linkweir.bulk.mailbox_run import MailboxRun
from linkweir.bulk.mbox import MailRange
from linkweir.bulk.pool_worker import RangeOutput
from linkweir.tokens import KeyRing
from tests.cli.command_runner import BASE_URL, HTML_LINE

FROM_LINE = b"From a@example.com Thu Jan  1 00:00:00 1970\n"
MAIL = FROM_LINE + b"Content-Type: text/html\n\n" + HTML_LINE + b"\n"
MAIL_COUNT = 40


@pytest.fixture
def rewriter() -> FileRewriter:
    """A rewriter in place."""
    ring = KeyRing.generate(datetime.now(UTC))
    return FileRewriter(RewriteConfig(keyring=ring, base_url=BASE_URL, in_place=True))


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileJob:
    """A mailbox of many ranges."""
    monkeypatch.setattr(mailbox_run, "_RANGE_BYTES", 2 * len(MAIL))
    (tmp_path / "a.mbox").write_bytes(MAIL * MAIL_COUNT)
    (found,) = plan_rewrite([str(tmp_path / "a.mbox")], in_place=True).jobs
    return found


def take_all(run: MailboxRun) -> list[MailRange]:
    """All ranges that can be had now."""
    ranges = []
    while mails := run.next_range():
        ranges.append(mails)
    return ranges


def rewrite(rewriter: FileRewriter, job: FileJob, mails: MailRange) -> tuple[FileResult, bytes]:
    """What a worker does."""
    sink = RangeOutput(memoryview(bytearray(1 << 16)))
    job = replace(job, excluded_mails=mails.excluded_mails)
    result = rewriter.rewrite_mails(job, mails, sink, lambda _: None)
    assert sink.take_overflow() is None
    return result, bytes(sink.memory[: sink.size])


def test_ranges_come_back_in_any_order(rewriter: FileRewriter, job: FileJob) -> None:
    """Every mail is in one range, and the last range first or not, the file is what one worker makes of it."""
    run = MailboxRun(0, job, rewriter)
    ranges = take_all(run)
    numbers = [mails.first_number + i for mails in ranges for i in range(len(mails.sizes))]
    assert numbers == list(range(1, MAIL_COUNT + 1))
    for mails in reversed(ranges):
        assert not run.is_done
        run.accept(mails, *rewrite(rewriter, job, mails))
    assert run.is_done
    result = run.finish()
    assert result.error is None
    done = Path(job.source).read_bytes()
    Path(job.source).write_bytes(MAIL * MAIL_COUNT)
    again = rewriter.rewrite(job, lambda _: None)
    assert done == Path(job.source).read_bytes() != MAIL * MAIL_COUNT
    assert (result.counts, result.size) == (again.counts, again.size)


def test_memory_is_bounded(rewriter: FileRewriter, job: FileJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first range is not back, no more is handed out than the bound; then it goes on."""
    monkeypatch.setattr(mailbox_run, "_MAX_AHEAD_BYTES", 10 * len(MAIL))
    run = MailboxRun(0, job, rewriter)
    first, *others = take_all(run)
    assert len(others) == 4
    for mails in others:
        run.accept(mails, *rewrite(rewriter, job, mails))
    assert run.next_range() is None
    run.accept(first, *rewrite(rewriter, job, first))
    assert len(take_all(run)) == 5
    run.abort()


def test_a_mail_over_the_limit_passes(
    rewriter: FileRewriter, job: FileJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A mail that is larger than any passes unchanged between the others, and is named."""
    large = FROM_LINE + b"Subject: large\n\n" + HTML_LINE * 9000 + b"\n"
    monkeypatch.setattr(mbox, "MAX_MAIL_BYTES", 300_000)
    (tmp_path / "a.mbox").write_bytes(MAIL * 3 + large + MAIL * 3)
    run = MailboxRun(0, job, rewriter)
    for mails in take_all(run):
        run.accept(mails, *rewrite(rewriter, job, mails))
    result = run.finish()
    assert result.error is None
    assert len(result.unchanged_mails) == 1
    done = (tmp_path / "a.mbox").read_bytes()
    assert large in done
    assert done.count(BASE_URL.encode()) == 6


def test_a_mail_that_kills_is_left_out(rewriter: FileRewriter, job: FileJob) -> None:
    """A range whose worker died of a mail comes again without it; a worker that died of none fails the file."""
    run = MailboxRun(0, job, rewriter)
    ranges = take_all(run)
    run.retry(ranges[0], 2, "it ended")
    again = run.next_range()
    assert again == replace(ranges[0], excluded_mails=frozenset({2}))
    result, output = rewrite(rewriter, job, again)
    assert result.unchanged_mails == ["mail 2: the process working on it ended"]
    assert output.endswith(MAIL)
    run.retry(ranges[1], 0, "it ended")
    assert run.is_done
    assert run.finish().error == "it ended"
    assert Path(job.source).read_bytes() == MAIL * MAIL_COUNT


def test_too_many_mails_that_kill_fail_the_file(rewriter: FileRewriter, job: FileJob) -> None:
    """Sixteen mails may kill their process; with the seventeenth the file fails and stays as it was."""
    run = MailboxRun(0, job, rewriter)
    (mails, *_) = take_all(run)
    for number in range(1, 17):
        run.retry(mails, number, "it ended")
        assert not run.is_done
    run.retry(mails, 17, "it ended")
    assert run.finish().error == "it ended"
    assert os.listdir(Path(job.source).parent) == ["a.mbox"]


def test_a_mailbox_that_became_another_fails(rewriter: FileRewriter, job: FileJob) -> None:
    """Mails are only read from the file that was split, and only whole."""
    run = MailboxRun(0, job, rewriter)
    ranges = take_all(run)
    data = Path(job.source).read_bytes()
    Path(job.source).write_bytes(data[:-1])
    with pytest.raises(UnreadableInput, match="changed meanwhile"):
        ranges[-1].read(job.source)
    (Path(job.source).parent / "new").write_bytes(data)
    (Path(job.source).parent / "new").replace(job.source)
    run.accept(ranges[0], *rewrite(rewriter, job, ranges[0]))
    assert run.is_done
    assert run.finish().error == "the file was changed meanwhile"
    assert Path(job.source).read_bytes() == data


def test_a_full_disk_leaves_the_old_file(rewriter: FileRewriter, job: FileJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails ends the run with its reason and its number; nothing is replaced or left beside it."""

    def refuse(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("linkweir.atomic_file.os.write", refuse)
    run = MailboxRun(0, job, rewriter)
    for mails in take_all(run):
        run.accept(mails, *rewrite(rewriter, job, mails))
    assert "No space left" in str(run.finish().error)
    assert run.write_error == errno.ENOSPC
    assert Path(job.source).read_bytes() == MAIL * MAIL_COUNT
    assert os.listdir(Path(job.source).parent) == ["a.mbox"]


@pytest.mark.parametrize("size", [1, len(MAIL), 3 * len(MAIL), 1 << 16])
def test_mails_come_whole_however_little_memory_is_shared(
    rewriter: FileRewriter, job: FileJob, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker makes of a range comes back whole, whether or not the memory that it shares can hold it."""
    expected = rewrite(rewriter, job, replace(take_all(MailboxRun(0, job, rewriter))[0], sizes=(len(MAIL),) * 40))[1]
    monkeypatch.setattr(worker_process, "_OUTPUT_BYTES", size)
    monkeypatch.setattr(mailbox_run, "MIN_SHARED_BYTES", 1)
    (result,) = worker_pool.rewrite_all(rewriter, [job], 2, lambda *_: None)
    assert result.error is None
    assert Path(job.source).read_bytes() == expected
    assert expected.count(BASE_URL.encode()) == MAIL_COUNT

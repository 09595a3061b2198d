"""Batches of a worker: what they cost when the disk is full, and what the parent knows in between."""

import errno
import mmap
import multiprocessing
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from linkweir import atomic_file
from linkweir.bulk import pool_worker
from linkweir.bulk.file_list import FileJob, plan_rewrite
from linkweir.bulk.file_rewriter import FileRewriter, RewriteConfig
from linkweir.bulk.pool_worker import (
    CURRENT_JOB,
    IS_READY,
    NO_JOB,
    PUBLISHED_COUNT,
    PreparedResults,
    Progress,
    PublishedBatch,
    PublishFailure,
    WorkerMemory,
    run_worker,
)
from linkweir.durable_files import flush_files
from linkweir.tokens import KeyRing
from tests.cli.command_runner import BASE_URL, HTML_LINE

FILE_COUNT = 6


@pytest.fixture
def jobs(tmp_path: Path) -> list[FileJob]:
    """Some files to be rewritten where they are."""
    for number in range(FILE_COUNT):
        (tmp_path / f"{number}.html").write_bytes(HTML_LINE)
    return plan_rewrite([str(tmp_path)], in_place=True).jobs


def run_one_task(jobs: list[FileJob], monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[int]]:
    """Let a worker do all jobs and commit; its messages, and the memory that the parent would read."""
    monkeypatch.setattr(pool_worker, "_install_signals", lambda: None)
    ours, theirs = multiprocessing.Pipe()
    state = [0, 0, 0]
    memory = WorkerMemory(state, mmap.mmap(-1, mmap.PAGESIZE))
    ring = KeyRing.generate(datetime.now(UTC))
    config = RewriteConfig(keyring=ring, base_url=BASE_URL, in_place=True)
    ours.send([(index, None) for index in range(len(jobs))])
    ours.send([])
    worker_end: Connection[Any, Any] = theirs
    messages = []

    class EndAfterCommit:
        """The worker's end of a pipe whose parent goes away after the second task."""

        def recv(self) -> Any:
            if not worker_end.poll():
                raise EOFError
            return worker_end.recv()

        def send(self, message: Any) -> None:
            messages.append(message)

        def poll(self) -> bool:
            return False

    with ours, theirs:
        run_worker(EndAfterCommit(), config, jobs, memory, [])  # type: ignore[arg-type]
    return messages, state


def test_a_batch_has_its_results_told_before_and_its_errors_meanwhile(
    jobs: list[FileJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All results come in one message before the names are given, each error of that at once, and the end last."""
    replace = os.replace

    def refuse_one(source: str, target: str) -> None:
        if target.endswith("2.html"):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse_one)
    messages, state = run_one_task(jobs, monkeypatch)
    kinds = [type(message) for message in messages if message is not IS_READY]
    assert [kind for kind in kinds if kind is not Progress] == [PreparedResults, PublishFailure, PublishedBatch]
    prepared = next(message for message in messages if isinstance(message, PreparedResults))
    failed = next(message for message in messages if isinstance(message, PublishFailure))
    assert [packed[0] for packed in prepared.results] == list(range(FILE_COUNT))
    assert failed.index == 2
    assert "Operation not permitted" in failed.error
    assert (state[CURRENT_JOB], state[PUBLISHED_COUNT]) == (NO_JOB, FILE_COUNT)
    folder = Path(jobs[0].source).parent
    tracked = [BASE_URL in (folder / f"{number}.html").read_text() for number in range(FILE_COUNT)]
    assert tracked == [number != 2 for number in range(FILE_COUNT)]
    assert len(list(folder.iterdir())) == FILE_COUNT


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EMFILE])
def test_a_full_disk_ends_the_batch_and_not_the_file(
    jobs: list[FileJob], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """When a write fails because files of the batch take up the room, the batch is committed, the file redone."""
    write = os.write
    written: list[int] = []

    def write_two_of_a_batch(descriptor: int, data: bytes) -> int:
        if len(written) == 2:
            written.clear()
            raise OSError(code, os.strerror(code))
        written.append(descriptor)
        return write(descriptor, data)

    monkeypatch.setattr("linkweir.atomic_file.os.write", write_two_of_a_batch)
    messages, _ = run_one_task(jobs, monkeypatch)
    batches = [message for message in messages if isinstance(message, PreparedResults)]
    assert len(batches) == FILE_COUNT // 2
    assert all(packed[-1] is None for batch in batches for packed in batch.results)
    assert all(BASE_URL.encode() in Path(job.source).read_bytes() for job in jobs)


def test_a_disk_that_stays_full_costs_the_files_that_do_not_fit(
    jobs: list[FileJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file that cannot be written is an error of its own, stays as it was, and leaves nothing beside it."""

    def refuse(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("linkweir.atomic_file.os.write", refuse)
    messages, _ = run_one_task(jobs, monkeypatch)
    (batch,) = [message for message in messages if isinstance(message, PreparedResults)]
    assert all("No space left on device" in str(packed[-1]) for packed in batch.results)
    assert all(Path(job.source).read_bytes() == HTML_LINE for job in jobs)
    assert len(list(Path(jobs[0].source).parent.iterdir())) == FILE_COUNT


def change_before_flush(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Let somebody else change something when the batch has been read and is about to be flushed."""

    def change_and_flush(descriptors: Iterable[int]) -> dict[int, OSError]:
        monkeypatch.setattr(atomic_file, "flush_files", flush_files)  # which flushes the names afterwards, too
        change()
        return flush_files(descriptors)

    monkeypatch.setattr(atomic_file, "flush_files", change_and_flush)


def edit_file(path: Path) -> None:
    """Change a letter, as an editor does that writes into the file."""
    path.write_bytes(HTML_LINE.replace(b"Hi", b"Ho"))


def save_file(path: Path) -> None:
    """Put a new file there, with the size and the date of the old one."""
    before = path.stat()
    new = path.with_name("new")
    new.write_bytes(HTML_LINE.replace(b"Hi", b"Ho"))
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)


@pytest.mark.parametrize("change", [edit_file, save_file])
def test_a_file_that_was_edited_meanwhile_keeps_the_edit(
    jobs: list[FileJob], monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    """A file edited between its reading and its replacement is an error and keeps the edit; the others are done."""
    edited = Path(jobs[2].source)
    change_before_flush(monkeypatch, lambda: change(edited))
    messages, _ = run_one_task(jobs, monkeypatch)
    (failed,) = [message for message in messages if isinstance(message, PublishFailure)]
    assert failed.index == 2
    assert "was changed meanwhile" in failed.error
    assert edited.read_bytes() == HTML_LINE.replace(b"Hi", b"Ho")
    assert all(BASE_URL in Path(job.source).read_text() for job in jobs if job is not jobs[2])
    assert len(list(edited.parent.iterdir())) == FILE_COUNT


def test_a_mail_that_was_renamed_meanwhile_exists_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail of a Maildir that its mail program marks as read meanwhile is an error, and there is no second one."""
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()
    mail = b"Content-Type: text/html\n\n" + HTML_LINE
    unseen, seen = tmp_path / "cur" / "1.M1P1.h:2,", tmp_path / "cur" / "1.M1P1.h:2,S"
    unseen.write_bytes(mail)
    change_before_flush(monkeypatch, lambda: unseen.rename(seen))
    messages, _ = run_one_task(plan_rewrite([str(tmp_path)], in_place=True).jobs, monkeypatch)
    (failed,) = [message for message in messages if isinstance(message, PublishFailure)]
    assert "was changed meanwhile" in failed.error
    assert list(seen.parent.iterdir()) == [seen]
    assert seen.read_bytes() == mail


def test_an_output_over_another_file_replaces_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `-o` nothing of the old output is needed, so that a change of it meanwhile is no error."""
    page, other = tmp_path / "page.html", tmp_path / "other.html"
    page.write_bytes(HTML_LINE)
    other.write_bytes(b"old")
    (job,) = plan_rewrite([str(page)], output=str(other)).jobs
    config = RewriteConfig(keyring=KeyRing.generate(datetime.now(UTC)), base_url=BASE_URL)
    change_before_flush(monkeypatch, lambda: edit_file(other))
    assert FileRewriter(config).rewrite(job, lambda _: None).error is None
    assert BASE_URL.encode() in other.read_bytes()

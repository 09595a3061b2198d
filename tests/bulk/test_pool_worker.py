"""Batches of a worker: what they cost when the disk is full, and what the parent knows in between."""

import errno
import multiprocessing
import os
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from linkweir.bulk import pool_worker
from linkweir.bulk.file_list import FileJob, plan_rewrite
from linkweir.bulk.file_rewriter import RewriteConfig
from linkweir.bulk.pool_worker import (
    CURRENT_JOB,
    IS_READY,
    NO_JOB,
    PUBLISHED_COUNT,
    PreparedResults,
    Progress,
    PublishedBatch,
    PublishFailure,
    run_worker,
)
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
        run_worker(EndAfterCommit(), config, jobs, state, [])  # type: ignore[arg-type]
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

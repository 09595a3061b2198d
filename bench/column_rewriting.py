"""`python -m bench.column_rewriting`: a column of newsletters of 10 KB against the same bytes rewritten one by one.

Four ways to do the same, interleaved, each answer compared before it counts: one call for the column, `rewrite` with
trackers made beforehand, the list comprehension that people write without columns, and the column with two threads,
which is compared with one once more, beside plain C that shows whether the second core is free.
With `--parquet MAILS`, in addition a Parquet file from end to end (read, rewrite, write with zstd), batch by batch, in
a process of its own whose memory is measured.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import linkweir
from bench.cases.newsletter import generate_newsletter
from bench.harness.sample_tracker import make_tracker
from bench.ratios import Ratio, plain_threads
from bench.thread_scaling import measure_speedups, time_call
from linkweir.arrow import rewrite_column
from linkweir.benchmark import WrongAnswerError

DOCUMENT_BYTES = 10_000
DIFFERENT_DOCUMENTS = 64
BATCH_ROWS = 2_000
GUARD_ROWS = 500
THREADS_ROWS = 2_000  # 20 MB: tens of milliseconds, beside which the start of a thread is little
FORMS = ("column", "rewrite", "list comprehension", "column, two threads")


def make_documents(rows: int) -> list[bytes]:
    """Newsletters of which every 64th is the same."""
    documents = [
        generate_newsletter(f"newsletter {seed}", DOCUMENT_BYTES, seed + 1).document
        for seed in range(DIFFERENT_DOCUMENTS)
    ]
    return [documents[row % DIFFERENT_DOCUMENTS] for row in range(rows)]


def make_threads_work(rows: int) -> Callable[[int], Any]:
    """A function of a number of threads that rewrites a column with them, after comparing two threads with one."""
    column = pa.chunked_array([pa.array([document.decode() for document in make_documents(rows)], pa.large_string())])
    tracker, ids = make_tracker(), pa.array(range(1, rows + 1), pa.uint64())

    def rewrite(threads: int) -> Any:
        return rewrite_column(column, tracker, message_ids=ids, threads=threads)

    if pa.chunked_array(rewrite(1)).to_pylist() != pa.chunked_array(rewrite(2)).to_pylist():
        raise WrongAnswerError("column, two threads")
    return rewrite


def make_works(rows: int) -> dict[str, Callable[[], list[Any]]]:
    """Each way to rewrite the column, by its name; all return the same texts, each in chunks."""
    documents = make_documents(rows)
    texts = [document.decode() for document in documents]
    tracker, ids = make_tracker(), list(range(1, rows + 1))
    column = pa.chunked_array([pa.array(texts, pa.large_string())])
    id_column = pa.chunked_array([pa.array(ids, pa.uint64())])
    trackers = [tracker.for_message(number) for number in ids]
    options = {"message_ids": id_column}

    def comprehend() -> list[Any]:
        return [
            linkweir.rewrite(html, linkweir.Tracker(tracker.ring, tracker.base_url, message=number))
            for html, number in zip(column.to_pylist(), ids, strict=True)
        ]

    return {
        "column": lambda: pa.chunked_array(rewrite_column(column, tracker, **options)),
        "rewrite": lambda: list(map(linkweir.rewrite, documents, trackers)),
        "list comprehension": comprehend,
        "column, two threads": lambda: pa.chunked_array(rewrite_column(column, tracker, threads=2, **options)),
    }


def check_answers(works: dict[str, Callable[[], Any]]) -> None:
    """Raises WrongAnswerError unless all ways give the same texts."""
    expected = [text.decode() for text in works["rewrite"]()]
    for name, work in works.items():
        done = work()
        texts = done.to_pylist() if isinstance(done, pa.ChunkedArray) else done
        if [text.decode() if isinstance(text, bytes) else text for text in texts] != expected:
            raise WrongAnswerError(name)


def measure(works: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, interleaved."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            done = work()
            taken[name].append(time.perf_counter() - start)
            del done  # not in the next one's time
    return taken


def compare_forms(above: str, below: str, rounds: int) -> Ratio:
    """Speed of one form as a multiple of another's; for the guard. Raises WrongAnswerError."""
    works = make_works(GUARD_ROWS)
    check_answers(works)
    taken = measure({name: works[name] for name in (below, above)}, rounds)
    best = min(taken[below]) / min(taken[above])
    paired = median(other / seconds for other, seconds in zip(taken[below], taken[above], strict=True))
    size = sum(map(len, make_documents(GUARD_ROWS))) / 1e6
    speeds = ", ".join(f"{name} {size / min(seconds):,.0f} MB/s" for name, seconds in taken.items())
    return Ratio(best, paired, f"{GUARD_ROWS} documents of 10 KB: {speeds}")


def print_ratio(taken: dict[str, list[float]], above: str, below: str) -> None:
    """How many times as fast the first is as the second."""
    best = min(taken[below]) / min(taken[above])
    paired = median(b / a for a, b in zip(taken[above], taken[below], strict=True))
    print(f"{above} to {below}: best rounds {best:.2f}, median of pairs {paired:.2f}")


def print_threads(rows: int, rounds: int) -> None:
    """Two threads to one, beside plain C in the same rounds."""
    works = {"column": time_call(make_threads_work(rows)), "plain C": plain_threads(4 * rows // 100 + 1)}
    for name, speedup in measure_speedups(works, "plain C", rounds=rounds).items():
        print(f"{name}, two threads to one: best rounds {speedup.best:.2f}, median of pairs {speedup.paired:.2f}")


def run_parquet(rows: int) -> None:
    """Write a file, then rewrite it in a process of its own, batch by batch."""
    with tempfile.TemporaryDirectory(prefix="linkweir-bench-") as name:
        source = Path(name) / "mails.parquet"
        writer: pq.ParquetWriter | None = None
        for first in range(0, rows, BATCH_ROWS):
            texts = [document.decode() for document in make_documents(min(BATCH_ROWS, rows - first))]
            table = pa.table({"id": pa.array(range(first, first + len(texts)), pa.uint64()), "html": texts})
            writer = writer or pq.ParquetWriter(source, table.schema, compression="zstd", use_dictionary=False)
            writer.write_table(table)
        if writer is not None:
            writer.close()
        subprocess.run([sys.executable, "-m", "bench.column_rewriting", "--rewrite-file", str(source)], check=True)  # noqa: S603


def rewrite_parquet(source: Path) -> None:
    """Rewrite a Parquet file and print rate, share of rewriting and memory."""
    file, tracker, rows, size, rewriting = pq.ParquetFile(source), make_tracker(), 0, 0, 0.0
    start, target = time.perf_counter(), source.with_suffix(".new")
    with pq.ParquetWriter(target, file.schema_arrow, compression="zstd", use_dictionary=False) as writer:
        for batch in file.iter_batches(BATCH_ROWS):
            begin = time.perf_counter()
            htmls = rewrite_column(batch["html"], tracker, message_ids=batch["id"])
            rewriting += time.perf_counter() - begin
            writer.write_batch(pa.record_batch({"id": batch["id"], "html": pa.array(htmls)}))
            rows, size = rows + len(htmls), size + batch["html"].nbytes
    seconds, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    check_file(source, target)
    print(
        f"Parquet: {rows} mails, {size / 1e6:.0f} MB in {seconds:.2f} s: {rows / seconds:.0f} mails/s, "
        f"{size / seconds / 1e6:.0f} MB/s; rewriting {100 * rewriting / seconds:.1f} % of it; peak memory {peak} MiB"
    )


def check_file(source: Path, target: Path) -> None:
    """Raises WrongAnswerError unless the first batch of both files differs by `rewrite` alone."""
    before, after = next(pq.ParquetFile(source).iter_batches(100)), next(pq.ParquetFile(target).iter_batches(100))
    tracker = make_tracker()
    for number, html, done in zip(*map(pa.Array.to_pylist, (before["id"], before["html"], after["html"])), strict=True):
        if linkweir.rewrite(html, tracker.for_message(number)) != done:
            raise WrongAnswerError(f"mail {number}")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--parquet", type=int, metavar="MAILS")
    parser.add_argument("--rewrite-file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rewrite_file:
        rewrite_parquet(args.rewrite_file)
        return
    works = make_works(args.rows)
    check_answers(works)
    taken = measure(works, args.rounds)
    size = sum(map(len, make_documents(args.rows)))
    for name in FORMS:
        print(f"{name}: {size / min(taken[name]) / 1e6:.0f} MB/s, {args.rows / min(taken[name]):.0f} mails/s")
    print_ratio(taken, "column", "rewrite")
    print_ratio(taken, "column", "list comprehension")
    print_threads(args.rows, args.rounds)
    if args.parquet:
        run_parquet(args.parquet)


if __name__ == "__main__":
    main()

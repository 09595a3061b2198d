"""`python -m bench.ray_rewriting`: newsletters of 10 KB rewritten by Ray Data with one worker, and with two.

Tasks generate their mails themselves, rewrite them through `rewrite_dataset`, and return what they have seen of them,
so that neither the disk nor the object store is measured. What comes back is checked: each mail was there once and was
rewritten, and every thousandth is what `rewrite` makes of it. Ray's start and a first small run are not timed. Beside
each pair, plain C in one thread and in two, which shows whether the second core is free.

A run of a million (`--mails 1000000`) takes some minutes on two cores. Needs linkweir[ray].
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import linkweir
from bench.cases.newsletter import generate_newsletter
from bench.ratios import plain_threads
from linkweir import KeyFile, Tracker
from linkweir.benchmark import WrongAnswerError

BASE_URL = "https://t.example.com"
DOCUMENT_BYTES = 10_000
DIFFERENT_DOCUMENTS = 64
BLOCK_MAILS = 5_000
WARM_UP_MAILS = 2_000
CHECKED_EACH = 1_000
PLAIN_DOCUMENTS = 200
MAX_STARTS = 5


@lru_cache(1)
def make_documents() -> list[str]:
    """Newsletters, the same in each process."""
    return [
        generate_newsletter(f"newsletter {seed}", DOCUMENT_BYTES, seed + 1).document.decode()
        for seed in range(DIFFERENT_DOCUMENTS)
    ]


def generate_mails(table: Any) -> Any:
    """A table of ids gets the documents of these mails."""
    import pyarrow as pa

    numbers = table["id"].to_numpy() % DIFFERENT_DOCUMENTS
    return pa.table({"id": table["id"], "html": pa.array(make_documents(), pa.large_string()).take(pa.array(numbers))})


def summarize(table: Any) -> Any:
    """One row about many mails: how many, the sum of their ids, how many were rewritten, bytes, digests of a few."""
    import pyarrow as pa
    import pyarrow.compute as pc

    checked = [row for row, number in enumerate(table["id"].to_pylist()) if number % CHECKED_EACH == 0]
    digests = {str(table["id"][row]): digest(table["html"][row].as_py()) for row in checked}
    return pa.table(
        {
            "mails": [len(table)],
            "ids": [pc.sum(table["id"]).as_py()],
            "rewritten": [pc.sum(pc.equal(table["outcome"], "rewritten")).as_py()],
            "bytes": [pc.sum(pc.binary_length(table["html"])).as_py()],
            "digests": [",".join(f"{number}={value}" for number, value in digests.items())],
        }
    )


def digest(html: str) -> str:
    """What tells a document from another."""
    return hashlib.blake2s(html.encode(), digest_size=8).hexdigest()


def rewrite_mails(tracker: Tracker, mails: int) -> list[dict[str, Any]]:
    """Rewrite so many mails in the workers that Ray has; what they have seen."""
    import ray

    from linkweir.integrations.ray import rewrite_dataset

    dataset = ray.data.range(mails, override_num_blocks=max(2, mails // BLOCK_MAILS))
    dataset = dataset.map_batches(generate_mails, batch_format="pyarrow", batch_size=None)
    dataset = rewrite_dataset(dataset, tracker, message_ids="id", outcome_column="outcome")
    rows: list[dict[str, Any]] = dataset.map_batches(summarize, batch_format="pyarrow", batch_size=None).take_all()
    return rows


def check(rows: list[dict[str, Any]], tracker: Tracker, mails: int) -> None:
    """Raises WrongAnswerError unless each mail was there once and is what `rewrite` makes of it."""
    seen = [sum(row[name] for row in rows) for name in ("mails", "ids", "rewritten")]
    if seen != [mails, mails * (mails - 1) // 2, mails]:
        raise WrongAnswerError(f"mails, sum of ids, rewritten: {seen}")
    digests = dict(item.split("=") for row in rows for item in row["digests"].split(",") if item)
    for number in range(0, mails, CHECKED_EACH):
        html = make_documents()[number % DIFFERENT_DOCUMENTS]
        if digests.pop(str(number), None) != digest(linkweir.rewrite(html, tracker.for_message(number))):
            raise WrongAnswerError(f"mail {number}")


def start_ray(workers: int) -> None:
    """Start Ray, which gives up where its processes need longer than it allows: on a busy machine, several times."""
    import ray

    for attempt in range(1, MAX_STARTS + 1):
        try:
            ray.init(
                num_cpus=workers,
                include_dashboard=False,
                logging_level="error",
                log_to_driver=False,
                _node_ip_address="127.0.0.1",
            )
        except Exception as error:  # it has no class of its own
            ray.shutdown()
            print(f"Ray did not start ({attempt} of {MAX_STARTS}): {error}", flush=True)
            if attempt == MAX_STARTS:
                raise
        else:
            return


def measure(workers: int, mails: int, tracker: Tracker) -> float:
    """Seconds that Ray needs for the mails with so many workers."""
    import ray

    start_ray(workers)
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        few = min(mails, WARM_UP_MAILS * workers)  # which starts the workers
        check(rewrite_mails(tracker, few), tracker, few)
        start = time.perf_counter()
        rows = rewrite_mails(tracker, mails)
        seconds = time.perf_counter() - start
    finally:
        ray.shutdown()
    check(rows, tracker, mails)
    size = sum(row["bytes"] for row in rows) / 1e6
    print(
        f"{workers} worker{'s' * (workers > 1)}: {mails:,} mails, {size:,.0f} MB in {seconds:.1f} s, "
        f"{mails / seconds:,.0f} mails/s, {size / seconds:,.0f} MB/s",
        flush=True,
    )
    return seconds


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=1, help="pairs of runs, of which the best count")
    args = parser.parse_args()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # on a busy machine it takes longer than it allows
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))  # workers have the same packages
    plain, taken = plain_threads(PLAIN_DOCUMENTS), {1: list[float](), 2: list[float]()}
    swept: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(prefix="linkweir-bench-") as folder:
        keys = KeyFile(Path(folder) / "keys.json")
        keys.load_or_create([BASE_URL])
        tracker = Tracker(keys, BASE_URL)
        for _ in range(args.rounds):
            for workers, seconds in taken.items():
                seconds.append(measure(workers, args.mails, tracker))
                swept.append((plain(1), plain(2)))
    idle = 2 * min(one for one, _ in swept) / min(two for _, two in swept)
    print(
        f"two workers to one: {min(taken[1]) / min(taken[2]):.2f} (goal 1.7 from a million mails on); two threads of "
        f"plain C to one: {idle:.2f}" + ("" if idle >= 1.8 else ", so a core was busy with something else")
    )


if __name__ == "__main__":
    from bench import ray_rewriting  # noqa: PLW0406 - by its name, under which workers import it

    ray_rewriting.main()

"""Rewriting files on disk beside copying them: `linkweir rewrite` and `cp -r`, each with its flush, in one run.

`python -m bench.file_rewriting [--kind folder|maildir|mbox ...] [--share S] [--rounds N] [--folder PATH]`. At full size
(share 1): a folder of 20,500 HTML files with 300 MB, a Maildir of 20,000 mails, and one mailbox file of 1 GB, all made
from generated newsletters. Measured is the time from start to end of the command, `cp -r` followed by `sync -f`; the
rounds are interleaved, the best ones compared. Every file that comes out is compared with what it should be.

The command runs from compiled bytecode, as an installed package does, also where Python is told to write none.

Each run writes under a new name, and all is removed at the end: ext4 is slow to give out inodes that were freed a few
seconds ago, which would make whoever comes second look bad.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.cases.newsletter import generate_newsletter
from bench.ratios import Ratio
from linkweir import Tracker
from linkweir.benchmark import EngineNotInstalledError, Samples, WrongAnswerError, compute_ratio
from linkweir.benchmark.case import Case
from linkweir.bulk.worker_pool import count_processors
from linkweir.durable_files import can_flush_together
from linkweir.tokens import keyring_file

BASE_URL = "https://t.example.com"
KINDS = ("folder", "maildir", "mbox")
FILE_COUNT = {"folder": 20_500, "maildir": 20_000}
MBOX_BYTES = 1_000_000_000
FILES_PER_FOLDER = 200
NEWSLETTER_COUNT = 64  # different ones; of 6 to 23 KB, 14.6 KB in the mean
COPY = "cp -r"
MAIL_HEAD = (
    b"From: News <news@example.com>\nTo: reader@example.org\nSubject: News\nMIME-Version: 1.0\n"
    b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
)
FROM_LINE = b"From news@example.com Thu Jan  1 00:00:00 2026\n"


@dataclass(frozen=True, slots=True)
class InputFiles:
    """What is rewritten: where it lies, how many bytes, and its files' newsletters by path below."""

    path: Path
    size: int
    files: dict[str, list[int]]


@cache
def list_newsletters() -> list[Case]:
    """The newsletters that all files are made of."""
    return [
        generate_newsletter(f"newsletter {number}", 6000 + number * 37 % NEWSLETTER_COUNT * 260, seed=number + 1)
        for number in range(NEWSLETTER_COUNT)
    ]


def make_input(kind: str, folder: Path, share: float) -> InputFiles:
    """Write the files of this kind into `folder`."""
    path = folder / (f"{kind}.mbox" if kind == "mbox" else kind)
    if kind == "mbox":
        files = {"": _list_mailbox_numbers(share)}
    else:
        count = max(1, round(FILE_COUNT[kind] * share))
        files = {_make_file_name(kind, number): [number % NEWSLETTER_COUNT] for number in range(count)}
    if kind == "maildir":
        for name in ("cur", "new", "tmp"):
            (path / name).mkdir(parents=True)
    size = 0
    for name, numbers in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for number in numbers:
                size += file.write(_make_content(kind, list_newsletters()[number].document))
    return InputFiles(path, size, files)


def _list_mailbox_numbers(share: float) -> list[int]:
    sizes = [len(_make_content("mbox", case.document)) for case in list_newsletters()]
    return [number % NEWSLETTER_COUNT for number in range(max(1, round(MBOX_BYTES * share * len(sizes) / sum(sizes))))]


def _make_file_name(kind: str, number: int) -> str:
    if kind == "maildir":
        return f"cur/{1_700_000_000 + number}.M{number}P1.example:2,S"
    return f"{number // FILES_PER_FOLDER:03}/{number:05}.html"


def _make_content(kind: str, page: bytes) -> bytes:
    if kind == "folder":
        return page
    return FROM_LINE + MAIL_HEAD + page + b"\n" if kind == "mbox" else MAIL_HEAD + page


def check_output(kind: str, source: InputFiles, output: Path, key_file: Path) -> None:
    """Compare every file of `output` with the right answer. Raises WrongAnswerError."""
    tracker = Tracker(keyring_file.load(key_file), BASE_URL)
    expected = [_make_content(kind, case.expected_output(tracker.mint)) for case in list_newsletters()]
    found = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()} or {""}
    if found != set(source.files):
        raise WrongAnswerError(f"{kind}: {len(found)} files came out of {len(source.files)}")
    for name, numbers in source.files.items():
        with (output / name if name else output).open("rb") as file:
            if any(file.read(len(expected[number])) != expected[number] for number in numbers) or file.read(1):
                raise WrongAnswerError(f"{kind}: {name or output.name} is not what it should be")


def measure(kind: str, share: float, rounds: int, parent: Path | None = None) -> tuple[dict[str, Samples], int]:
    """Seconds of `cp -r`, of one job and of two, by name; and the bytes of the input."""
    with tempfile.TemporaryDirectory(prefix="bench-files-", dir=parent) as name:
        folder = Path(name)
        source = make_input(kind, folder, share)
        key_file = folder / "keys.json"
        commands: dict[str, Callable[[Path], list[list[str]]]] = {
            COPY: lambda output: [["cp", "-r", str(source.path), str(output)], ["sync", "-f", str(folder)]],
            **{f"{jobs} jobs": _rewrite_command(source.path, key_file, jobs) for jobs in (1, 2)},
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
        _run([[sys.executable, "-m", "linkweir", "rewrite", "--help"]], environment)  # compiles it
        for turn, work in _iter_turns(list(commands), rounds):
            output = folder / f"{work}-{turn}{source.path.suffix}".replace(" ", "-")
            _run([["sync", "-f", str(folder)]], environment)
            start = time.perf_counter()
            _run(commands[work](output), environment)
            seconds[work].append(time.perf_counter() - start)
            if work != COPY and turn in (0, rounds - 1):
                check_output(kind, source, output, key_file)
        return {name: Samples(name, tuple(values)) for name, values in seconds.items()}, source.size


def _iter_turns(names: list[str], rounds: int) -> Iterator[tuple[int, str]]:
    for turn in range(rounds):
        at = turn % len(names)
        yield from ((turn, name) for name in names[at:] + names[:at])


def _rewrite_command(source: Path, key_file: Path, jobs: int) -> Callable[[Path], list[list[str]]]:
    words = [sys.executable, "-m", "linkweir", "rewrite", str(source), "--base-url", BASE_URL, "--quiet"]
    words += ["--key-file", str(key_file), "--jobs", str(jobs), "-o"]
    return lambda output: [[*words, str(output)]]


def _run(commands: list[list[str]], environment: dict[str, str]) -> None:
    for command in commands:
        done = subprocess.run(  # noqa: S603 - our own
            command, capture_output=True, text=True, check=False, env=environment
        )
        if done.returncode:
            raise WrongAnswerError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()}")


def compare_with_copy(kind: str, share: float, rounds: int) -> Ratio:
    """How many times the time of `cp -r` one job takes; for the guard. Raises EngineNotInstalledError on a file system
    where each file has to be flushed by itself.
    """
    with tempfile.TemporaryDirectory() as folder:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            if not can_flush_together(descriptor):
                raise EngineNotInstalledError("one flush does not serve many files on this file system")
        finally:
            os.close(descriptor)
    samples, size = _measure_for_guard(kind, share, max(3, rounds // 15))
    best, paired = compute_ratio(samples["1 jobs"], samples[COPY])
    return Ratio(best, paired, _describe(samples, size))


def compare_job_counts(kind: str, share: float, rounds: int) -> Ratio:
    """How many times as fast two jobs are as one; for the guard. Raises EngineNotInstalledError with one processor."""
    if count_processors() < 2:
        raise EngineNotInstalledError("two jobs need two processors")
    samples, size = _measure_for_guard(kind, share, max(3, rounds // 15))
    best, paired = compute_ratio(samples["1 jobs"], samples["2 jobs"])
    return Ratio(best, paired, _describe(samples, size))


@cache
def _measure_for_guard(kind: str, share: float, rounds: int) -> tuple[dict[str, Samples], int]:
    """Measure once what both comparisons need."""
    return measure(kind, share, rounds)


def _describe(samples: dict[str, Samples], size: int) -> str:
    times = ", ".join(f"{name} {each.best:.2f} s" for name, each in samples.items())
    return f"{size / 1e6:.0f} MB: {times}"


def main(arguments: list[str]) -> int:
    """Print a line for each kind."""
    parser = argparse.ArgumentParser(prog="python -m bench.file_rewriting", description=__doc__)
    parser.add_argument("--kind", choices=KINDS, action="append", help="what to rewrite (default: all)")
    parser.add_argument("--share", type=float, default=1.0, help="of the full size (default: 1)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to make the files (default: the temporary folder)")
    options = parser.parse_args(arguments)
    if shutil.which("cp") is None or shutil.which("sync") is None:
        parser.error("needs cp and sync of the GNU coreutils")
    for kind in options.kind or KINDS:
        samples, size = measure(kind, options.share, options.rounds, options.folder)
        to_copy, paired = compute_ratio(samples["1 jobs"], samples[COPY])
        speedup, paired_speedup = compute_ratio(samples["1 jobs"], samples["2 jobs"])
        print(
            f"{kind:8} {_describe(samples, size)}; one job takes {to_copy:.2f} times cp ({paired:.2f} paired), "
            f"two jobs are {speedup:.2f} times as fast ({paired_speedup:.2f} paired)",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

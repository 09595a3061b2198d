"""`python -m bench.million_readers`: `linkweir render` of a newsletter of 100 KB to many readers, from a CSV file.

Ten substitutions, one of them in the address of a link. First a few hundred readers go to a file, and each page in it
is compared with what filling and rewriting give one after the other. Then all go to a device that throws them away, so
that no disk of 100 GB is needed: the command makes each line and writes it. Every 1,000th row has no message id; the
command has to report exactly these. Prints how far it is each half minute, and at the end mails and MB a second, by
time and by processor time, and the most memory that the command had.

A run of a million (`--readers 1000000`) takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bench.newsletter_rendering import FIELDS, make_template
from linkweir import KeyFile, Switches, Tracker
from linkweir.benchmark import WrongAnswerError
from linkweir.mail.newsletter.page_template import PageTemplate

BASE_URL = "https://t.example.com"
COMPARED_READERS = 300
BROKEN_EACH = 1_000
PROGRESS_SECONDS = 30.0


def make_values(number: int) -> dict[str, str]:
    """The values of a reader, some of which need escapes."""
    return {name: f"{name} {number}" for name in FIELDS} | {"store": f"B{number} & sons"}


def write_recipients(path: Path, readers: int) -> int:
    """A CSV file, row by row; how many rows have no message id."""
    broken = 0
    with open(path, "w") as file:
        file.write(",".join(("id", "email", *FIELDS)) + "\n")
        for number in range(1, readers + 1):
            is_broken = number % BROKEN_EACH == 0
            broken += is_broken
            values = make_values(number)
            row = ("" if is_broken else str(number), f"r{number}@example.com", *(values[name] for name in FIELDS))
            file.write(",".join(row) + "\n")
    return broken


def make_command(folder: Path, recipients: str, output: str) -> list[str]:
    """The command line."""
    options = ["--recipients", recipients, "--base-url", BASE_URL, "--key-file", "keys.json", "-o", output]
    return [sys.executable, "-m", "linkweir", "render", str(folder / "page.html"), *options, "--format", "ndjson"]


def check_pages(folder: Path) -> None:
    """Raises WrongAnswerError unless the pages of a first run are those of filling and rewriting."""
    write_recipients(folder / "few.csv", COMPARED_READERS)
    subprocess.run(  # noqa: S603
        make_command(folder, "few.csv", "few.ndjson"), cwd=folder, check=True, capture_output=True
    )
    page = PageTemplate((folder / "page.html").read_text(), Switches())
    tracker = Tracker(KeyFile(folder / "keys.json"), BASE_URL)
    lines = (folder / "few.ndjson").read_bytes().splitlines()
    if len(lines) != COMPARED_READERS:
        raise WrongAnswerError(f"{len(lines)} lines")
    for number, line in enumerate(lines, 1):
        mail = json.loads(line)
        html = page.render(make_values(number), tracker.for_message(number)).html.decode()
        if mail != {"id": str(number), "html": html}:
            raise WrongAnswerError(f"reader {number}")


def run(folder: Path, readers: int) -> None:
    """Render to all of them and print what it took."""
    broken = write_recipients(folder / "readers.csv", readers)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with open(folder / "messages", "w+") as messages:
        command = make_command(folder, "readers.csv", "/dev/null")
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=messages)  # noqa: S603
        stop = start_watcher(process.pid, (folder / "page.html").stat().st_size)
        code = process.wait()
        stop()
        messages.seek(0)
        text = messages.read()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    outcomes = {name: int(count.replace(",", "")) for count, name in re.findall(r"^ +([\d,]+)  (\S+)", text, re.M)}
    expected = {"rendered": readers - broken} | ({"message-id": broken} if broken else {})
    if outcomes != expected or code != (1 if broken else 0):
        raise WrongAnswerError(f"exit code {code}, outcomes {outcomes}, expected {expected}\n{text}")
    size = readers * (folder / "page.html").stat().st_size / 1e6
    print(f"outcomes: {outcomes}")
    print(
        f"{readers:,} readers in {seconds:.1f} s: {readers / seconds:,.0f} mails/s, {size / seconds:,.0f} MB/s of the "
        f"template; {processor:.1f} s of processor time, {readers / processor:,.0f} mails/s of that; peak memory "
        f"{after.ru_maxrss // 1024} MiB"
    )


def start_watcher(pid: int, page_bytes: int) -> Callable[[], None]:
    """Print from time to time how far the command is; returns what ends that."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(PROGRESS_SECONDS):
            try:
                written = re.search(r"wchar: (\d+)", Path(f"/proc/{pid}/io").read_text())
                memory = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
            except OSError:
                return
            if written and memory:
                mails = int(written[1]) // page_bytes
                print(f"about {mails:,} mails, {int(memory[1]) // 1024} MiB of memory", flush=True)

    thread = threading.Thread(target=watch)
    thread.start()

    def stop() -> None:
        done.set()
        thread.join()

    return stop


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=2_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="linkweir-bench-") as name:
        folder = Path(name)
        (folder / "page.html").write_text(make_template())
        check_pages(folder)
        run(folder, args.readers)


if __name__ == "__main__":
    main()

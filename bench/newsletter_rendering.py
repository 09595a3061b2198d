"""`python -m bench.newsletter_rendering`: one newsletter of 100 KB with ten substitutions for many readers.

Four ways, interleaved round by round, over the same recipients: the plan of `linkweir render` (fills and replaces each
reader's links), MiniJinja filling the same template alone, without any link replaced (in the service's environment,
and with its own escaping, which calls no Python), and both steps one after the other, as the service does them. Every
page of the plan is compared with that of the last before anything is timed.

With `--command ROWS`, in addition `linkweir render` from a CSV file to each format, in processes of their own.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from minijinja import Environment

from bench.cases.newsletter import generate_newsletter
from bench.harness.sample_tracker import make_tracker
from linkweir import Switches
from linkweir.benchmark import WrongAnswerError
from linkweir.mail.newsletter.page_template import PageTemplate

PAGE_BYTES = 100_000
FIELDS = ("name", "city", "street", "salutation", "points", "offer", "code", "store", "until", "signature")
FORMS = ("plan", "MiniJinja alone", "MiniJinja alone, own escaping", "MiniJinja, then rewrite")


def make_template() -> str:
    """A newsletter in which ten words became substitutions, one of them in the address of a link."""
    page = generate_newsletter("newsletter", PAGE_BYTES, 11).document.decode()
    page = re.sub(r"\{\{ (\w+) \}\}", r"https://example.com/\1", page)  # of the page's own, to have ten
    paragraphs = page.split("<p")
    step = max(1, (len(paragraphs) - 1) // (len(FIELDS) - 1))
    for number, name in enumerate(FIELDS[:-1]):
        at = 1 + number * step
        start, end, rest = paragraphs[at].partition(">")
        paragraphs[at] = f"{start}{end}{{{{ {name} }}}} {rest}"
    body = "<p".join(paragraphs)
    link = f'<p><a href="https://shop.example.com/offer?for={{{{ {FIELDS[-1]} }}}}">Your offer</a></p>'
    return body.replace("</body>", link + "</body>") if "</body>" in body else body + link


def make_recipients(count: int) -> list[dict[str, str]]:
    """Values that differ from reader to reader, some of which need escapes."""
    return [
        {name: f"{name} {number}" for name in FIELDS} | {"store": f"B{number} & sons", "id": str(number)}
        for number in range(1, count + 1)
    ]


def make_works(recipients: list[dict[str, str]]) -> dict[str, Callable[[], int]]:
    """Each way, by its name: it makes the pages of all recipients and returns their characters."""
    source, tracker = make_template(), make_tracker()
    page = PageTemplate(source, Switches())
    plan = page.make_plan(tracker)
    if plan is None:
        raise WrongAnswerError("the template has no plan")
    numbered = list(enumerate(recipients, 1))
    service, plain = page.environment, Environment(auto_escape_callback=lambda _name: True, fuel=None)
    plain.add_template("page.html", source)

    def render_plan(number: int, values: dict[str, str]) -> Any:
        return plan.render(values, tracker.for_message(number))

    for number, values in numbered:
        if render_plan(number, values) != page.render(values, tracker.for_message(number)):
            raise WrongAnswerError(f"reader {number}")
    return {
        "plan": lambda: sum(len(render_plan(number, values).html) for number, values in numbered),
        "MiniJinja alone": lambda: sum(len(service.render_template("html_content", **values)) for values in recipients),
        "MiniJinja alone, own escaping": lambda: sum(
            len(plain.render_template("page.html", **values)) for values in recipients
        ),
        "MiniJinja, then rewrite": lambda: sum(
            len(page.render(values, tracker.for_message(number)).html) for number, values in numbered
        ),
    }


def measure(works: dict[str, Callable[[], int]], rounds: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Seconds of each way in each round, interleaved, and the size of its pages."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    sizes = {}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            sizes[name] = work()
            taken[name].append(time.perf_counter() - start)
    return taken, sizes


def run_command(rows: int) -> None:
    """Render to each format with the command and print its own summary."""
    with tempfile.TemporaryDirectory(prefix="linkweir-bench-") as name:
        folder = Path(name)
        (folder / "page.html").write_text(make_template())
        with open(folder / "readers.csv", "w") as file:
            file.write(",".join(("id", "email", *FIELDS)) + "\n")
            for number, values in enumerate(make_recipients(rows), 1):
                file.write(
                    ",".join((str(number), f"r{number}@example.com", *(values[field] for field in FIELDS))) + "\n"
                )
        for format_ in ("ndjson", "parquet", "mbox", "maildir"):
            more = ["--from", "news@example.com", "--subject", "News"] if format_ in ("mbox", "maildir") else []
            command = [sys.executable, "-m", "linkweir", "render", "page.html", "--recipients", "readers.csv", *more]
            command += [
                "--base-url",
                "https://t.example.com",
                "--key-file",
                "keys.json",
                "-o",
                "out",
                "--format",
                format_,
            ]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603
            summary = next(line for line in done.stderr.splitlines() if " mails/s" in line)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"command to {format_}: {summary.removeprefix('linkweir: ')}; {processor:.2f} s of processor time "
                f"with its start, {rows / processor:,.0f} mails/s of that",
                flush=True,
            )
            target = folder / "out"
            shutil.rmtree(target) if target.is_dir() else target.unlink()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=500, help="of one round")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--command", type=int, metavar="ROWS")
    args = parser.parse_args()
    taken, sizes = measure(make_works(make_recipients(args.readers)), args.rounds)
    for name in FORMS:
        best = min(taken[name])
        print(f"{name}: {args.readers / best:,.0f} mails/s, {sizes[name] / best / 1e6:,.0f} MB/s")
    for name in FORMS[1:]:
        paired = median(b / a for a, b in zip(taken["plan"], taken[name], strict=True))
        print(f"plan to {name}: best rounds {min(taken[name]) / min(taken['plan']):.2f}, median of pairs {paired:.2f}")
    if args.command:
        run_command(args.command)


if __name__ == "__main__":
    main()

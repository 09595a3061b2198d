"""How many recorded clicks a second `linkweir classify` judges, and in how much memory.

`python -m bench.classify_throughput [--clicks N] [--distinct] [--as-they-came]`. The command runs as a process of its
own, whose processor time and peak of memory are the system's count. Beside it, on the same clicks: lines that are
parsed and written again (the floor), and the rules alone over clicks that lie sorted in memory (the judge itself,
once). `--distinct`: every click on a mail of its own, as where most mails see one click; else simulated scanners and
people.
"""

import argparse
import itertools
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from bench.simulator.clients import EPOCH_SECONDS
from bench.simulator.traffic import generate_campaign_series
from linkweir.clicks.classify import Evidence, Hit, classify_hits
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.clicks.offline.recorded_click import make_hit, parse_click

START_US = 1_769_853_600_000_000
MEAN_DELAY_SECONDS = 20_000  # of people's clicks after delivery
MAILS_PER_SEED = 300
BROWSERS = tuple(
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 "
    "Safari/537.36"
    for version in range(120, 145)
)


def generate_distinct() -> Iterator[dict[str, Any]]:
    """Clicks without end, each on a message of its own from an address of its own."""
    rng = random.Random(1)  # noqa: S311 - repeatable, and no secret
    for number in itertools.count():
        yield {
            "at": START_US + int(rng.expovariate(1 / MEAN_DELAY_SECONDS) * 1_000_000),
            "message": f"m{number}",
            "delivered_at": START_US,
            "links": 6,
            "link": rng.randrange(6),
            "ip": ".".join(str(rng.randrange(1, 255)) for _ in range(4)),
            "user_agent": rng.choice(BROWSERS),
        }


def generate_simulated() -> Iterator[dict[str, Any]]:
    """Clicks without end of simulated scanners and people, some 20 on a message that was scanned."""
    for seed in itertools.count(1):
        campaign = generate_campaign_series(seed, MAILS_PER_SEED, 3, lists=False)
        requests = [(mail, request) for mail in campaign.mails for request in mail.requests]
        for mail, request in requests:
            yield {
                "at": int((EPOCH_SECONDS + request.at) * 1_000_000),
                "message": f"{seed}.{mail.number}",
                "delivered_at": int((EPOCH_SECONDS + mail.delivered) * 1_000_000),
                "links": mail.links,
                "link": request.link,
                "method": request.method,
                "http": request.http_version,
                "ip": request.ip,
                "headers": {**request.headers, "user-agent": request.user_agent},
                "label": request.truth,
            }


def run_command(path: Path, options: Sequence[str]) -> tuple[float, float, float, dict[str, Any]]:
    """Seconds, seconds of a processor, MiB at the peak, and the summary of a run over this file."""
    command = [sys.executable, "-m", "linkweir", "classify", str(path), "-o", os.devnull, "--json", *options]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=True, stderr=subprocess.PIPE)  # noqa: S603 - our own
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, processor, after.ru_maxrss / 1024, json.loads(done.stderr)


def measure_floor(path: Path) -> float:
    """Seconds of a processor to parse every line and write it again."""
    start = time.process_time()
    with path.open("rb") as lines, open(os.devnull, "wb") as output:
        for line in lines:
            output.write(orjson.dumps(orjson.loads(line) | {"verdict": "unsure"}) + b"\n")
    return time.process_time() - start


def measure_rules(path: Path) -> float:
    """Seconds of a processor for the rules alone, every message once, all of it in memory."""
    enricher, messages = Enricher(None, KnownNetworks.load()), dict[int, list[Hit]]()
    evidence = dict[int, Evidence]()
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            click = parse_click(orjson.loads(line))
            messages.setdefault(click.message, []).append(make_hit(number, click, click.link, enricher))
            evidence[click.message] = Evidence(delivered_at=click.delivered_at, link_count=click.link_count)
    start = time.process_time()
    for message, hits in messages.items():
        classify_hits(hits, evidence[message])
    return time.process_time() - start


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.classify_throughput", description=__doc__)
    parser.add_argument("--clicks", type=int, default=20_000)
    parser.add_argument("--distinct", action="store_true")
    parser.add_argument("--as-they-came", action="store_true")
    args = parser.parse_args(arguments)
    clicks = generate_distinct() if args.distinct else generate_simulated()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clicks.ndjson"
        with path.open("wb") as file:
            file.writelines(orjson.dumps(click) + b"\n" for click in itertools.islice(clicks, args.clicks))
        options = ["--as-they-came"] if args.as_they_came else []
        seconds, processor, memory, summary = run_command(path, options)
        rows = {"parse and write (floor)": measure_floor(path), "rules alone, once": measure_rules(path)}
    print("| on one core | clicks a second |\n| --- | ---: |")
    for name, needed in {"linkweir classify": processor, **rows}.items():
        print(f"| {name} | {args.clicks / needed:,.0f} |")
    print(f"\n{args.clicks:,} clicks in {seconds:.1f} s, {processor:.1f} s of a processor; at most {memory:.0f} MiB")
    print(f"verdicts: {summary['verdicts']}")
    return 0 if sum(summary["verdicts"].values()) == args.clicks else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How long tracking links are, and what minting one costs: `python -m bench.token_lengths [--quick] [--json FILE]`.

Lengths over the real hrefs of the shared corpus, or over invented ones where it is not beside the checkout; beside
them what others need for a destination of 104 characters on a host of 25. Cost against the library's keyed hash,
measured in the same rounds: `hashlib.blake2s(message, key=key, digest_size=10).digest()`, and the cheaper form that
copies a prepared hash.
"""

import argparse
import datetime
import hashlib
import html
import json
import re
import statistics
import uuid
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from bench.cases.rng import Xorshift
from bench.cases.vocabulary import make_destination
from linkweir.benchmark import repeat, run_interleaved
from linkweir.benchmark.machine import describe_machine
from linkweir.tokens import KeyRing, MessageId, Tracker

CORPUS_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "html"
HREF = re.compile(rb"""<a\b[^>]*?\shref=(["'])(.*?)\1""", re.IGNORECASE | re.DOTALL)
RING = KeyRing.generate(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
IDS: dict[str, MessageId] = {
    "UUID": uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
    "64-bit number": 2**63 + 1,
}
STYLES: tuple[Literal["sealed", "short"], ...] = ("sealed", "short")
BATCH_LINKS = 64  # links of one mail

# One link of each system, destination of 104 characters, host of 25; the short ones need a database to open.
COMPETITOR_LENGTHS = {
    "Postal": 49, "Warmbly": 64, "Mailtrain": 71, "Mailchimp": 102, "listmonk": 141, "Keila": 222, "Mailgun": 226,
    "SparkPost": 255, "SES": 265, "Mautic": 273, "pytracking": 320, "EmailEngine": 355, "Kannon": 1137,
}  # fmt: skip
SAME_DESTINATION = (
    "https://www.example.com/products/garden/tools-2026?utm_source=news&utm_medium=email&utm_campaign=spring1"
)
SAME_BASE = "https://click.newsletters.test.io"
assert (len(SAME_DESTINATION), len(SAME_BASE)) == (104, 8 + 25)


@dataclass(frozen=True, slots=True)
class Lengths:
    """Characters of whole links."""

    style: str
    id: str
    minimum: int
    median: float
    ninetieth: int
    maximum: int
    same_as_others: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds for one link or call, and how many keyed-hash calls of either form that is."""

    name: str
    microseconds: float
    hash_calls: float
    copied_hash_calls: float


def load_corpus_destinations() -> list[bytes]:
    """Every http(s) href of the corpus that a simple pattern finds; empty without the corpus."""
    result = []
    for path in sorted(CORPUS_FOLDER.iterdir()) if CORPUS_FOLDER.is_dir() else []:
        for match in HREF.finditer(path.read_bytes()):
            text = re.sub(r"[\t\r\n]", "", html.unescape(match[2].decode("utf-8", "replace")).strip())
            if re.match(r"https?://[^/]", text, re.IGNORECASE):
                result.append(text.encode())
    return result


def generate_destinations() -> list[bytes]:
    """Two thousand invented ones, always the same."""
    rng = Xorshift(2026)
    return [make_destination(rng).encode() for _ in range(2000)]


def measure_lengths(destinations: list[bytes], style: Literal["sealed", "short"], name: str) -> Lengths:
    """Distribution over the destinations on `https://t.example.com`, as if every mail had 40 links."""
    tracker = Tracker(RING, "https://t.example.com", message=IDS[name], style=style)
    links = tracker.mint_many(destinations, [at % 40 for at in range(len(destinations))])
    sizes = sorted(len(link) for link in links if link is not None)
    same = Tracker(RING, SAME_BASE, message=IDS[name], style=style).mint(SAME_DESTINATION, 0)
    return Lengths(style, name, sizes[0], statistics.median(sizes), sizes[len(sizes) * 9 // 10], sizes[-1], len(same))


def measure_costs(destinations: list[bytes], rounds: int) -> list[Cost]:
    """Minting in batches of a mail's links, beside the hash, all in the same rounds."""
    sample = destinations[:: max(1, len(destinations) // BATCH_LINKS)][:BATCH_LINKS]
    indexes = list(range(len(sample)))
    key, message = RING.current.secret, bytes(66)
    prepared = hashlib.blake2s(key=key, digest_size=10)

    def hash_by_copy() -> bytes:
        state = prepared.copy()
        state.update(message)
        return state.digest()

    works = {
        "keyed hash": repeat(lambda: hashlib.blake2s(message, key=key, digest_size=10).digest()),
        "keyed hash, copied": repeat(hash_by_copy),
    }
    sizes = dict.fromkeys(works, 1)
    for style in STYLES:
        for name, identity in IDS.items():
            tracker = Tracker(RING, "https://t.example.com", message=identity, style=style)
            works[f"{style}, {name}"] = repeat(partial(tracker.mint_many, sample, indexes))
            sizes[f"{style}, {name}"] = len(sample)
    samples = run_interleaved(works, rounds=rounds)
    best = {name: samples[name].best / sizes[name] for name in works}
    return [
        Cost(name, one * 1e6, one / best["keyed hash"], one / best["keyed hash, copied"]) for name, one in best.items()
    ]


def format_report(measured: list[Lengths], cost: list[Cost], source: str) -> str:
    """Everything as Markdown tables."""
    lines = [f"Characters of a link on https://t.example.com, destinations: {source}", ""]
    lines += [
        "| style | message id | min | median | p90 | max | 104 to 25 |",
        "| --- | --- |" + " ---: |" * 5,
    ]
    for item in measured:
        figures = (item.minimum, item.median, item.ninetieth, item.maximum, item.same_as_others)
        lines.append(f"| {item.style} | {item.id} | " + " | ".join(f"{figure:g}" for figure in figures) + " |")
    lines += [f"| *{name}* | | | | | | {length} |" for name, length in COMPETITOR_LENGTHS.items()]
    lines += [
        "",
        "| minting | µs a link | keyed-hash calls | copied-hash calls |",
        "| --- | ---: | ---: | ---: |",
    ]
    for row in cost:
        lines.append(f"| {row.name} | {row.microseconds:.3f} | {row.hash_calls:.2f} | {row.copied_hash_calls:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description="Lengths and cost of tracking links.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    real = load_corpus_destinations()
    destinations = real or generate_destinations()
    kind = "real hrefs" if real else "INVENTED ones, for the corpus is not beside the checkout"
    middle = statistics.median(len(text) for text in destinations)
    source = f"{len(destinations)} {kind}, median {middle:g} characters"
    measured = [measure_lengths(destinations, style, name) for style in STYLES for name in IDS]
    cost = measure_costs(destinations, 5 if options.quick else 25)
    print(format_report(measured, cost, source))
    if options.json:
        figures: dict[str, Any] = {"machine": describe_machine(), "destinations": source}
        figures |= {"lengths": [asdict(item) for item in measured], "cost": [asdict(row) for row in cost]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

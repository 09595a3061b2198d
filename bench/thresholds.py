"""What is promised (`goal`), and below what the guard fails (`floor`, with margin for a noisy machine)."""

from dataclasses import dataclass
from functools import partial

from bench import (
    counting_cost,
    database_outage,
    delivery_load,
    file_rewriting,
    ingest_load,
    mime_throughput,
    ratios,
    redirect_load,
    send_load,
    smtp_load,
    worker_scaling,
)
from bench.cases.scaling_families import FAMILIES, InputFamily
from bench.complexity import LINKWEIR, MAX_SECONDS, measure_scaling
from bench.ratios import Measure, Ratio
from linkweir.benchmark import WrongAnswerError

GIGABYTE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Threshold:
    """`measure(rounds)` gives the ratio; it must be at least (`at_least`) or at most the floor."""

    name: str
    goal: float
    floor: float
    measure: Measure
    at_least: bool = True
    unit: str = ""

    def is_met(self, value: float, bound: float) -> bool:
        """Is the value on the right side of the bound?"""
        return value >= bound if self.at_least else value <= bound


def list_thresholds(*, quick: bool = False) -> list[Threshold]:
    """All of them; `quick` streams less."""
    size = GIGABYTE_BYTES // 10 if quick else GIGABYTE_BYTES
    result: list[Threshold] = []
    for name in ("newsletter 100 KB", "newsletter 1 MB"):
        result += _document_thresholds(name)
    result += [
        Threshold(
            "mint sealed / keyed hash of hashlib", 1.0, 1.6, partial(ratios.mint_to_hash, "sealed"), at_least=False
        ),
        Threshold("median sealed link", 100, 120, partial(ratios.median_length, "sealed"), False, "characters"),
        Threshold("median short link", 60, 60, partial(ratios.median_length, "short"), False, "characters"),
        Threshold("scan in two threads / one", 1.8, 1.5, ratios.two_thread_speedup),
        Threshold("stream: extra memory", 32, 32, partial(ratios.stream_memory, size), at_least=False, unit="MiB"),
        Threshold("stream / one call", 0.8, 0.7, partial(ratios.stream_speed, size)),
    ]
    result += [
        Threshold(f"Arrow column of 10 KB / {name}", goal, goal, partial(ratios.column_to_other, name))
        for name, goal in (("rewrite", 0.9), ("list comprehension", 3.0))
    ]
    result.append(Threshold("Arrow column in two threads / one", 1.8, 1.5, ratios.column_threads_speedup))
    result += [
        Threshold(
            f"mail in {encoding} / standard library", 20, 20, partial(mime_throughput.speedup_over_stdlib, encoding)
        )
        for encoding in mime_throughput.ENCODINGS
    ]
    result += [
        Threshold(
            f"redirect / bare Starlette on uvicorn[standard], {workers} worker{'s' * (workers > 1)}",
            1.0,
            0.5,
            partial(redirect_load.measure_rate, workers),
        )
        for workers in (1, 2)
    ]
    result += _sending_thresholds()
    share = 0.1 if quick else 0.5
    # one flush for each file took 14 to 22 times; a mailbox in one process with a regular expression 25 times
    for kind, most, least in (("folder", 9, 1.05), ("maildir", 9, 1.05), ("mbox", 16, 1.1)):
        times, gain = (
            partial(compare, kind, share)
            for compare in (file_rewriting.compare_with_copy, file_rewriting.compare_job_counts)
        )
        result.append(Threshold(f"{kind}, one job / cp -r", 5, most, times, at_least=False))
        result.append(Threshold(f"{kind}, two jobs / one", 1.6, least, gain))
    result.append(
        Threshold(
            "a click and all that is derived from it",
            450,
            500,  # 865 while texts and hexadecimal identifiers were repeated in each row
            ingest_load.measure_bytes_per_click,
            at_least=False,
            unit="bytes",
        )
    )
    result += _database_thresholds()
    result.append(
        Threshold("scan: instructions per byte, 100 KB", 5.0, 7.0, ratios.scanner_instructions, at_least=False)
    )
    result += [
        Threshold(
            f"growth: {family.name}",
            1.1,
            1.35,
            partial(_scaling_threshold, family),
            at_least=False,
            unit="exponent",
        )
        for family in FAMILIES
    ]
    return result


def _document_thresholds(name: str) -> list[Threshold]:
    size = name.removeprefix("newsletter ")
    return [
        Threshold(f"scan / memchr sweep, {size}", 0.4, 0.2, partial(ratios.scan_to_memchr, name)),
        Threshold(f"scan / bytes.count, {size}", 1.0, 1.0, partial(ratios.scan_to_count, name)),
        Threshold(
            f"rewrite sealed / python-lolhtml, {size}", 3.0, 2.3, partial(_peer_threshold, name, "python-lolhtml")
        ),
        Threshold(f"rewrite sealed / html5-parser, {size}", 40, 32, partial(_peer_threshold, name, "html5-parser")),
        Threshold(
            f"Plan.render / copy and mint, {size}",
            1.3,
            1.4,
            partial(ratios.render_to_copy, name),
            at_least=False,
        ),
    ]


def _sending_thresholds() -> list[Threshold]:
    mails = f"{smtp_load.CONCURRENT_MAILS} mails of 20 MiB"
    return [
        Threshold("SMTP acceptance / Postfix, 100 KB", 0.4, 0.15, smtp_load.compare_with_postfix),
        *(
            Threshold(
                f"API v2, {recipients} recipient{'s' * (recipients > 1)}, processor time / composing by email",
                goal,
                floor,
                partial(send_load.compare_with_stdlib, recipients),
                at_least=False,
            )
            for recipients, goal, floor in ((1, 2.0, 6.0), (100, 0.5, 1.5))
        ),
        Threshold("delivery to a sink / aiosmtplib, 100 KB", 1.0, 0.5, delivery_load.compare_with_plain_client),
        Threshold(f"{mails} over SMTP: growth", 200, 260, smtp_load.measure_growth, at_least=False, unit="MiB"),
    ]


def _database_thresholds() -> list[Threshold]:
    return [
        Threshold(
            "counting on PostgreSQL / SQLite, processor time",
            1.5,
            2.2,
            counting_cost.compare_with_sqlite,
            at_least=False,
        ),
        Threshold("two workers / one, processor time", 1.15, 1.5, worker_scaling.compare_workers, at_least=False),
        Threshold("redirects with the database down / with it", 0.95, 0.7, database_outage.compare_outage),
    ]


def _peer_threshold(name: str, peer: str, rounds: int) -> Ratio:
    return ratios.rewrite_to_peer(name, peer, rounds)


def _scaling_threshold(family: InputFamily, rounds: int) -> Ratio:
    result = measure_scaling(LINKWEIR, family, cap=4 * MAX_SECONDS)
    exponent = result.exponent
    if result.failure or exponent is None:
        raise WrongAnswerError(f"{family.name}: {result}")
    return Ratio(exponent, exponent, str(result))

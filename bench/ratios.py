"""The ratios that are promised, each measured against its own yardstick in the same seconds."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bench import streaming_memory, thread_scaling
from bench.baselines import MemoryCopy, count_bytes
from bench.cases import Case, load_case
from bench.harness.sample_tracker import make_tracker
from linkweir import _html
from linkweir.benchmark import (
    EngineNotInstalledError,
    Samples,
    Work,
    WrongAnswerError,
    compute_ratio,
    load_engine,
    repeat,
    run_interleaved,
)
from linkweir.benchmark.workload import TAG_BYTE, sweep_work


@dataclass(frozen=True, slots=True)
class Ratio:
    """`value` compares best with best, `paired` is the median over the rounds; `detail` says what was
    measured."""

    value: float
    paired: float
    detail: str


# rounds -> ratio
Measure = Callable[[int], Ratio]


def scan_to_memchr(name: str, rounds: int) -> Ratio:
    """Speed of the core's scan as a share of the speed of a memchr sweep for `<`."""
    document = load_case(name).document
    return _compare({"memchr sweep": sweep_work([document]), "scan": scan_work(name)}, name, rounds)


def scan_to_count(name: str, rounds: int) -> Ratio:
    """Speed of the core's scan as a multiple of the speed of `bytes.count(b"<")`."""
    document = load_case(name).document
    return _compare({"bytes.count": lambda loops: count_bytes(document, loops), "scan": scan_work(name)}, name, rounds)


def scan_work(name: str) -> Work:
    """The core's own entry: every link found and judged, none made into a Python object."""

    document, rules = load_case(name).document, _html.NativeOptions()
    expected = load_case(name)
    counts = _html.count_outcomes(document, rules)
    if (counts[0], sum(counts)) != (len(expected.sites), expected.anchors):
        raise WrongAnswerError(f"scan of {name}: {counts}")
    return repeat(lambda: _html.count_outcomes(document, rules))


def mint_to_hash(style: str, rounds: int) -> Ratio:
    """Time of minting one link, many at once, in calls of the library's keyed hash with all that goes into a
    MAC."""
    example = load_case("newsletter 100 KB")
    destinations = [destination.encode() for destination in example.destinations]
    indexes = [site.index for site in example.sites]
    minting = make_tracker(style)
    key, message = bytes(range(32)), bytes(range(60))
    samples = run_interleaved(
        {
            "mint": repeat(lambda: minting.mint_many(destinations, indexes)),
            "hash": repeat(lambda: hashlib.blake2s(message, key=key, digest_size=10).digest()),
        },
        rounds=rounds,
    )
    value, paired = compute_ratio(samples["mint"], samples["hash"])
    many = len(destinations)
    each = samples["mint"].best / many
    hashed = samples["hash"].best
    detail = f"{each * 1e6:.2f} us per {style} link, {hashed * 1e6:.2f} us per keyed hash of 60 bytes"
    return Ratio(value / many, paired / many, detail)


def median_length(style: Literal["sealed", "short"], rounds: int) -> Ratio:
    """Median characters of a link for the shared corpus's real hrefs; the time spent does not matter."""
    from bench import token_lengths

    destinations = token_lengths.load_corpus_destinations()
    if not destinations:
        raise EngineNotInstalledError("the shared corpus is not beside the checkout")
    measured = token_lengths.measure_lengths(destinations, style, "UUID")
    detail = f"{len(destinations)} real hrefs on https://t.example.com, {measured.minimum} to {measured.maximum}"
    return Ratio(measured.median, measured.median, detail)


def rewrite_to_peer(name: str, peer: str, rounds: int) -> Ratio:
    """Speed of rewriting with sealed links as a multiple of a peer's, which puts in a constant. Raises
    EngineNotInstalledError."""
    contestant, document = load_engine(peer), load_case(name).document
    works = {
        peer: repeat(lambda: contestant.constant(document)),
        "rewrite, sealed": sealed_links_work(load_case(name)),
    }
    return _compare(works, name, rounds)


def sealed_links_work(example: Case) -> Work:
    """Rewriting with sealed links."""
    import linkweir

    minting = make_tracker()
    if linkweir.rewrite(example.document, minting) != example.expected_output(minting.mint):
        raise WrongAnswerError(f"rewrite of {example.name}")
    return repeat(lambda: linkweir.rewrite(example.document, minting))


def render_to_copy(name: str, rounds: int) -> Ratio:
    """Time of `Plan.render` as a multiple of copying its output and minting its links."""
    import linkweir

    example, minting = load_case(name), make_tracker()
    plan = linkweir.Plan(example.document)
    output = memoryview(example.expected_output(minting.mint))
    if plan.render(minting) != output:
        raise WrongAnswerError(f"render of {name}")
    destinations = [destination.encode() for destination in example.destinations]
    indexes = [site.index for site in example.sites]
    works = {
        "render": repeat(lambda: plan.render(minting)),
        "copy and mint": repeat(lambda: (bytes(output), minting.mint_many(destinations, indexes))),
    }
    samples = run_interleaved(works, rounds=rounds)
    return Ratio(*compute_ratio(samples["render"], samples["copy and mint"]), _speeds(samples, len(example.document)))


def two_thread_speedup(rounds: int) -> Ratio:
    """Documents per second of two threads as a multiple of one. Raises EngineNotInstalledError where a core is busy."""
    rules, document = _html.NativeOptions(), load_case("newsletter 1 MB").document
    scan = thread_scaling.time_scans(lambda document: _html.count_outcomes(document, rules), document)
    return _compare_threads(scan, plain_threads(100), max(10, rounds // 3), "documents of 1 MB")


def column_threads_speedup(rounds: int) -> Ratio:
    """Speed of rewriting an Arrow column with two threads as a multiple of one. Raises EngineNotInstalledError, also
    where a second core is busy.
    """
    column_rewriting = _import_column_rewriting()
    rows = column_rewriting.THREADS_ROWS
    rewriting = thread_scaling.time_call(column_rewriting.make_threads_work(rows))
    return _compare_threads(rewriting, plain_threads(80), max(10, rounds // 3), f"{rows} documents of 10 KB")


def plain_threads(documents: int) -> thread_scaling.TimeThreads:
    """Plain C that sweeps memory and holds no lock, with nothing of ours to wait for."""
    return thread_scaling.time_scans(_sweep_thrice, load_case("newsletter 1 MB").document, documents)


def _compare_threads(
    work: thread_scaling.TimeThreads, plain: thread_scaling.TimeThreads, rounds: int, what: str
) -> Ratio:
    result = thread_scaling.measure_speedups({"work": work, "plain C": plain}, "plain C", rounds=rounds)
    ours, idle = result["work"], result["plain C"]
    if thread_scaling.is_core_busy(ours, idle):
        raise EngineNotInstalledError(
            f"a second core is busy: two threads of plain C reach {idle.best:.2f} times one, these {ours.best:.2f}"
        )
    detail = f"{what}; two threads of plain C reach {idle.best:.2f} times one"
    return Ratio(ours.best, ours.paired, detail)


def _sweep_thrice(document: bytes) -> None:
    for _ in range(3):
        _html.count_byte(document, TAG_BYTE)


def column_to_other(below: str, rounds: int) -> Ratio:
    """Speed of one call for an Arrow column as a multiple of another way's. Raises EngineNotInstalledError."""
    ratio: Ratio = _import_column_rewriting().compare_forms("column", below, max(10, rounds // 3))
    return ratio


def _import_column_rewriting() -> Any:
    try:
        from bench import column_rewriting
    except ImportError as error:
        raise EngineNotInstalledError(f"pyarrow is not installed here ({error})") from error
    return column_rewriting


def scanner_instructions(rounds: int) -> Ratio:
    """Instructions per byte of the scanner; the same however busy the machine is. Raises EngineNotInstalledError."""
    from bench.callgrind import instructions_per_byte

    if _html.simd_variants()[0] != "avx2":
        raise EngineNotInstalledError("the bound is stated for AVX2, which this processor does not have")
    count = instructions_per_byte("newsletter 100 KB")
    return Ratio(count, count, "counted by callgrind")


def copy_work(name: str) -> Work:
    """The memory copy, for the table."""
    document = load_case(name).document
    copier = MemoryCopy(len(document))
    return lambda loops: copier(document, loops)


def stream_memory(size: int, rounds: int) -> Ratio:
    """Extra resident memory of streaming, in MiB."""
    result = _stream(size, rounds)
    return Ratio(result["extra_mebibytes"], result["extra_mebibytes"], f"{result['bytes']:,} bytes in 64 KiB chunks")


def stream_speed(size: int, rounds: int) -> Ratio:
    """Speed of streaming as a share of one call's."""
    result = _stream(size, rounds)
    detail = f"{result['megabytes_per_second']:.0f} MB/s over {result['bytes']:,} bytes"
    return Ratio(result["of_single_call"], result["of_single_call_paired"], detail)


def _stream(size: int, rounds: int) -> streaming_memory.StreamingResult:
    result = streaming_memory.measure_in_subprocess(size, max(5, rounds // 10))
    if not result["right"]:
        raise WrongAnswerError("the stream came out with another size or number of links")
    return result


def _compare(works: dict[str, Work], name: str, rounds: int) -> Ratio:
    """How many times the speed of the first work the second one has."""
    samples = run_interleaved(works, rounds=rounds)
    yardstick, subject = samples.values()
    return Ratio(*compute_ratio(yardstick, subject), _speeds(samples, len(load_case(name).document)))


def _speeds(samples: dict[str, Samples], size: int) -> str:
    return ", ".join(f"{each.name} {size / each.best / 1e6:,.0f} MB/s" for each in samples.values())

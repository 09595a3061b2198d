"""The ratios that are promised, each measured against its own yardstick in the same seconds."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench import memory, threads
from bench.floors import Copier, bytes_count, memchr_sweep
from bench.how import Samples, Work, interleave, ratio
from bench.how.rounds import repeated
from bench.what import Case, case
from bench.who import MissingError, engine
from bench.who.sealed import tracker


class WrongAnswerError(AssertionError):
    """What was to be timed does not give the right answer: its time means nothing."""


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
    document = case(name).document
    return _compare({"memchr sweep": lambda loops: memchr_sweep(document, loops), "scan": scan(name)}, name, rounds)


def scan_to_count(name: str, rounds: int) -> Ratio:
    """Speed of the core's scan as a multiple of the speed of `bytes.count(b"<")`."""
    document = case(name).document
    return _compare({"bytes.count": lambda loops: bytes_count(document, loops), "scan": scan(name)}, name, rounds)


def scan(name: str) -> Work:
    """The core's own entry: every link found and judged, none made into a Python object."""
    from linkweir import _html

    document, rules = case(name).document, _html.NativeOptions()
    expected = case(name)
    counts = _html.count_outcomes(document, rules)
    if (counts[0], sum(counts)) != (len(expected.sites), expected.anchors):
        raise WrongAnswerError(f"scan of {name}: {counts}")
    return repeated(lambda: _html.count_outcomes(document, rules))


def mint_to_hash(style: str, rounds: int) -> Ratio:
    """Time of minting one link, many at once, in calls of the library's keyed hash with all that goes into a
    MAC."""
    example = case("newsletter 100 KB")
    destinations = [destination.encode() for destination in example.destinations]
    indexes = [site.index for site in example.sites]
    minting = tracker(style)
    key, message = bytes(range(32)), bytes(range(60))
    samples = interleave(
        {
            "mint": repeated(lambda: minting.mint_many(destinations, indexes)),
            "hash": repeated(lambda: hashlib.blake2s(message, key=key, digest_size=10).digest()),
        },
        rounds=rounds,
    )
    value, paired = ratio(samples["mint"], samples["hash"])
    many = len(destinations)
    each = samples["mint"].best / many
    hashed = samples["hash"].best
    detail = f"{each * 1e6:.2f} us per {style} link, {hashed * 1e6:.2f} us per keyed hash of 60 bytes"
    return Ratio(value / many, paired / many, detail)


def median_length(style: Literal["sealed", "short"], rounds: int) -> Ratio:
    """Median characters of a link for the shared corpus's real hrefs; the time spent does not matter."""
    from bench import links

    destinations = links.real_destinations()
    if not destinations:
        raise MissingError("the shared corpus is not beside the checkout")
    measured = links.lengths(destinations, style, "UUID")
    detail = f"{len(destinations)} real hrefs on https://t.example.com, {measured.minimum} to {measured.maximum}"
    return Ratio(measured.median, measured.median, detail)


def rewrite_to_peer(name: str, peer: str, rounds: int) -> Ratio:
    """Speed of rewriting with sealed links as a multiple of a peer's, which puts in a constant. Raises
    MissingError."""
    contestant, document = engine(peer), case(name).document
    works = {
        peer: repeated(lambda: contestant.constant(document)),
        "rewrite, sealed": sealed(case(name)),
    }
    return _compare(works, name, rounds)


def sealed(example: Case) -> Work:
    """Rewriting with sealed links."""
    import linkweir

    minting = tracker()
    if linkweir.rewrite(example.document, minting) != example.rewritten(minting.mint):
        raise WrongAnswerError(f"rewrite of {example.name}")
    return repeated(lambda: linkweir.rewrite(example.document, minting))


def render_to_copy(name: str, rounds: int) -> Ratio:
    """Time of `Plan.render` as a multiple of copying its output and minting its links."""
    import linkweir

    example, minting = case(name), tracker()
    plan = linkweir.Plan(example.document)
    output = memoryview(example.rewritten(minting.mint))
    if plan.render(minting) != output:
        raise WrongAnswerError(f"render of {name}")
    destinations = [destination.encode() for destination in example.destinations]
    indexes = [site.index for site in example.sites]
    works = {
        "render": repeated(lambda: plan.render(minting)),
        "copy and mint": repeated(lambda: (bytes(output), minting.mint_many(destinations, indexes))),
    }
    samples = interleave(works, rounds=rounds)
    return Ratio(*ratio(samples["render"], samples["copy and mint"]), _speeds(samples, len(example.document)))


def two_threads(rounds: int) -> Ratio:
    """Documents per second of two threads as a multiple of one.

    Beside it plain C that holds no lock: where that is no better, a core is busy with something else, and a low
    ratio says nothing about us. Raises MissingError then.
    """
    from linkweir import _html

    rules = _html.NativeOptions()
    works: dict[str, threads.Scan] = {
        "scan": lambda document: _html.count_outcomes(document, rules),
        "plain C": lambda document: memchr_sweep(document, 3),
    }
    found = threads.speedup(works, case("newsletter 1 MB").document, rounds=max(10, rounds // 3))
    scan, plain = found["scan"], found["plain C"]
    if scan.best < 1.8 and 0.85 * plain.best <= scan.best:
        raise MissingError(f"a second core is busy: two threads of plain C reach only {plain.best:.2f} times one")
    detail = f"documents of 1 MB; two threads of plain C reach {plain.best:.2f} times one"
    return Ratio(scan.best, scan.paired, detail)


def instructions(rounds: int) -> Ratio:
    """Instructions per byte of the scanner; the same however busy the machine is. Raises MissingError."""
    from bench.instructions import per_byte
    from linkweir import _html

    if _html.simd_variants()[0] != "avx2":
        raise MissingError("the bound is stated for AVX2, which this processor does not have")
    count = per_byte("newsletter 100 KB")
    return Ratio(count, count, "counted by callgrind")


def copy_speed(name: str) -> Work:
    """The memory copy, for the table."""
    document = case(name).document
    copier = Copier(len(document))
    return lambda loops: copier(document, loops)


def stream_memory(size: int, rounds: int) -> Ratio:
    """Extra resident memory of streaming, in MiB."""
    result = _streamed(size, rounds)
    return Ratio(result["extra_mebibytes"], result["extra_mebibytes"], f"{result['bytes']:,} bytes in 64 KiB chunks")


def stream_speed(size: int, rounds: int) -> Ratio:
    """Speed of streaming as a share of one call's."""
    result = _streamed(size, rounds)
    detail = f"{result['megabytes_per_second']:.0f} MB/s over {result['bytes']:,} bytes"
    return Ratio(result["of_one_call"], result["of_one_call_paired"], detail)


def _streamed(size: int, rounds: int) -> memory.Streamed:
    result = memory.in_own_process(size, max(5, rounds // 10))
    if not result["right"]:
        raise WrongAnswerError("the stream came out with another size or number of links")
    return result


def _compare(works: dict[str, Work], name: str, rounds: int) -> Ratio:
    """How many times the speed of the first work the second one has."""
    samples = interleave(works, rounds=rounds)
    yardstick, subject = samples.values()
    return Ratio(*ratio(yardstick, subject), _speeds(samples, len(case(name).document)))


def _speeds(samples: dict[str, Samples], size: int) -> str:
    return ", ".join(f"{each.name} {size / each.best / 1e6:,.0f} MB/s" for each in samples.values())

"""What is promised (`goal`), and below what the guard fails (`floor`, with margin for a noisy machine)."""

from dataclasses import dataclass
from functools import partial

from bench import clicks, mime, ratios
from bench.growth import CAP, OURS, grow
from bench.ratios import Measure, Ratio
from bench.what.growing import FAMILIES, Family

GIGABYTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Goal:
    """`measure(rounds)` gives the ratio; it must be at least (`at_least`) or at most the floor."""

    name: str
    goal: float
    floor: float
    measure: Measure
    at_least: bool = True
    unit: str = ""

    def met(self, value: float, bound: float) -> bool:
        """Is the value on the right side of the bound?"""
        return value >= bound if self.at_least else value <= bound


def goals(*, quick: bool = False) -> list[Goal]:
    """All of them; `quick` streams less."""
    size = GIGABYTE // 10 if quick else GIGABYTE
    found: list[Goal] = []
    for name in ("newsletter 100 KB", "newsletter 1 MB"):
        found += _of_document(name)
    found += [
        Goal("mint sealed / keyed hash", 3.0, 3.0, partial(ratios.mint_to_hash, "sealed"), at_least=False),
        Goal("median sealed link", 100, 120, partial(ratios.median_length, "sealed"), False, "characters"),
        Goal("median short link", 60, 60, partial(ratios.median_length, "short"), False, "characters"),
        Goal("scan in two threads / one", 1.8, 1.5, ratios.two_threads),
        Goal("stream: extra memory", 32, 32, partial(ratios.stream_memory, size), at_least=False, unit="MiB"),
        Goal("stream / one call", 0.8, 0.7, partial(ratios.stream_speed, size)),
    ]
    found += [
        Goal(f"mail in {encoding} / standard library", 20, 20, partial(mime.times_standard, encoding))
        for encoding in mime.ENCODINGS
    ]
    found += [
        Goal(
            f"redirect / bare Starlette, {workers} worker{'s' * (workers > 1)}", 0.8, 0.5, partial(clicks.rate, workers)
        )
        for workers in (1, 2)
    ]
    found.append(Goal("scan: instructions per byte, 100 KB", 5.0, 7.0, ratios.instructions, at_least=False))
    found += [
        Goal(
            f"growth: {family.name}",
            1.1,
            1.35,
            partial(_growth, family),
            at_least=False,
            unit="exponent",
        )
        for family in FAMILIES
    ]
    return found


def _of_document(name: str) -> list[Goal]:
    size = name.removeprefix("newsletter ")
    return [
        Goal(f"scan / memchr sweep, {size}", 0.4, 0.2, partial(ratios.scan_to_memchr, name)),
        Goal(f"scan / bytes.count, {size}", 1.0, 1.0, partial(ratios.scan_to_count, name)),
        Goal(f"rewrite sealed / python-lolhtml, {size}", 3.0, 2.0, partial(_peer, name, "python-lolhtml")),
        Goal(f"rewrite sealed / html5-parser, {size}", 40, 32, partial(_peer, name, "html5-parser")),
        Goal(
            f"Plan.render / copy and mint, {size}",
            1.3,
            1.4,
            partial(ratios.render_to_copy, name),
            at_least=False,
        ),
    ]


def _peer(name: str, peer: str, rounds: int) -> Ratio:
    return ratios.rewrite_to_peer(name, peer, rounds)


def _growth(family: Family, rounds: int) -> Ratio:
    result = grow(OURS, family, cap=4 * CAP)
    exponent = result.exponent
    if result.unable or exponent is None:
        raise ratios.WrongAnswerError(f"{family.name}: {result}")
    return Ratio(exponent, exponent, str(result))

"""How many people clicked when no verdict is certain: expected numbers, in whole numbers, so that sums stay exact.

A hit is by a machine with probability p, so it counts as 1 - p clicks, with the variance p(1 - p). A message was
clicked by a person with the probability that not all of its hits are by machines: one less the product of their p. The
same holds for each of its links, countries and so on. It counts once, in the hour of the hit that most likely was the
first by a person, so that periods add up, and with the variance of a yes or no. Sums of these are expected values, and
their variances that of a Poisson binomial distribution: hits are taken as independent of each other.

Probabilities are in basis points, and variances in squares of these.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from linkweir.clock import HOUR_US
from linkweir.db.dimensions import CLICK_DIMENSION_NAMES, DimensionValue

BASIS_POINTS: Final = 10_000  # in one
CERTAIN_BASIS_POINTS: Final = 9_500  # from this probability on a message was clicked by a person for certain
LIKELY_BASIS_POINTS: Final = 5_000  # from this probability on a hit is rather a person's than a machine's
MAX_HITS_PER_MESSAGE: Final = 300  # the first ones: a flood on one link costs each further hit no more
MAX_KNOWN_VALUES: Final = 2048  # kinds of clicks that are remembered: links by device, program and so on
ALL_CLICKS: Final[DimensionValue] = ("", "")
ClickerCounts = tuple[int, int, int]  # see `clicker_counts`
ExpectedClicker = tuple[int, int]  # the hour it counts in, and the probability of a click by a person


@dataclass(slots=True)  # not frozen: one is made for every click
class ProbableHit:
    """A hit on a link of a message: what it counts under, and how likely a machine followed the link."""

    at: int
    id: int
    machine_basis_points: int
    dimensions: tuple[DimensionValue, ...]


def probable_hit(row: Mapping[Any, Any]) -> ProbableHit:
    """Return the hit of a row of `clicks`."""
    values = {name: row[name] for name in CLICK_DIMENSION_NAMES}
    dimensions = list_click_values(row["privacy"], row["position"], row["destination"], values)
    return ProbableHit(row["at"], row["id"].int, row["machine_basis_points"], dimensions)


def list_click_values(
    privacy: str, position: int, destination: str | None, values: Mapping[str, str | None]
) -> tuple[DimensionValue, ...]:
    """The dimensions that a click counts under by itself; `values`: of those that are columns of `clicks`."""
    return _list_values(privacy == "anonymous", position, destination, *values.items())


@lru_cache(MAX_KNOWN_VALUES)  # few links and few programs make up most clicks
def _list_values(
    is_anonymous: bool, position: int, destination: str | None, *values: tuple[str, str | None]
) -> tuple[DimensionValue, ...]:
    dimensions = [ALL_CLICKS]
    if is_anonymous:
        dimensions.append(("link", str(position)))
    elif destination is not None:
        dimensions += (("link", f"{position}\t{destination}"), ("destination", destination))
    dimensions += [(name, value) for name, value in values if value is not None]
    return tuple(dimensions)


def expected_clickers(hits: Iterable[ProbableHit]) -> dict[DimensionValue, ExpectedClicker]:
    """Return where a message with these hits counts, and as how much; the order of hits changes nothing."""
    first_hits = sorted(hits, key=_hit_order)[:MAX_HITS_PER_MESSAGE]
    if len(first_hits) == 1:  # as most have, and what follows comes to this
        (hit,) = first_hits
        probability = round((1 - hit.machine_basis_points / BASIS_POINTS) * BASIS_POINTS)
        return dict.fromkeys(hit.dimensions, (hit.at // HOUR_US, probability)) if probability else {}
    # by value: the probability that all hits so far are by machines; the highest of being the first by a person, and
    # in which hour
    states: dict[DimensionValue, list[Any]] = {}
    for hit in first_hits:
        machine = hit.machine_basis_points / BASIS_POINTS
        if machine == 1.0:
            continue
        person, hour = 1 - machine, hit.at // HOUR_US
        for key in hit.dimensions:
            state = states.get(key)
            if state is None:
                states[key] = [machine, person, hour]
                continue
            nobody = state[0]
            first = nobody * person
            state[0] = nobody * machine
            if first > state[1]:
                state[1], state[2] = first, hour
    clickers = {}
    for key, (nobody, _, hour) in states.items():
        probability = round((1 - nobody) * BASIS_POINTS)
        if probability:
            clickers[key] = hour, probability
    return clickers


_hit_order = attrgetter("at", "id")


def clicker_counts(probability: int) -> ClickerCounts:
    """Return what a message counts as: `expected_clickers`, its variance, `certain_clickers`."""
    return probability, probability * (BASIS_POINTS - probability), int(probability >= CERTAIN_BASIS_POINTS)


def click_probability(hits: Iterable[ProbableHit]) -> int:
    """Return how likely a message with these hits was clicked by a person."""
    return expected_clickers(hits).get(ALL_CLICKS, (0, 0))[1]

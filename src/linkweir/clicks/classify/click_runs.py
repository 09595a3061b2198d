"""Runs of hits: how fast, how completely and in what order the links of a mail were followed around each hit.

Knows what a run looks like and refuses to know what that means: the rules say so. What is said of a hit depends only
on hits within REACH of it, so that a hit's verdict is settled once REACH has passed.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from linkweir.clicks.classify.classification import Hit
from linkweir.clock import SECOND_US

RUN_REACH_US = 300 * SECOND_US  # how far from a hit a run of its source is looked for, either way
DRIP_REACH_US = 1800 * SECOND_US  # the same for links that are followed minutes apart
MAX_NEIGHBOURS = 64  # hits of a run that are looked at on either side: a flood must not cost its square


def max_links_in_window(hits: Sequence[Hit], span: int) -> list[int]:
    """For each hit (sorted by time): the most distinct links in any window of `span` microseconds that holds it."""
    if len(hits) == 1:
        return [1]  # most messages see one click, and every one is judged
    if hits[-1].at - hits[0].at <= span:
        return [len({hit.position for hit in hits})] * len(hits)
    if all(later.at - earlier.at > span for earlier, later in pairwise(hits)):
        return [1] * len(hits)
    counts: dict[int, int] = {}
    starting: list[tuple[int, int]] = []  # for each window's first hit: its distinct links and its last hit
    end = 0
    for hit in hits:
        while end < len(hits) and hits[end].at - hit.at <= span:
            position = hits[end].position
            counts[position] = counts.get(position, 0) + 1
            end += 1
        starting.append((len(counts), end - 1))
        counts[hit.position] -= 1
        if not counts[hit.position]:
            del counts[hit.position]
    best: deque[int] = deque()  # starts of windows that may still hold the hit, the densest first
    found = []
    for index in range(len(hits)):
        while best and starting[best[-1]][0] <= starting[index][0]:
            best.pop()
        best.append(index)
        while starting[best[0]][1] < index:
            best.popleft()
        found.append(starting[best[0]][0])
    return found


@dataclass(frozen=True, slots=True)
class ClickRun:
    """What a source did around a hit: `links` distinct links over `seconds`, from `began_at` on and `sources` networks.

    `longest` and `shortest` pause between links seen for the first time, in seconds; `evenness` is their deviation over
    their mean (0: a clock's), or 1 for too few; `ascending`: from the top of the mail to its end, `repeats`: links that
    were followed again.
    """

    started_at: int | None
    links: int
    duration_seconds: float
    source_count: int
    longest_pause: float
    shortest_pause: float
    pace_variation: float
    ascending: bool
    repeats: int


SINGLE_CLICK_RUN = ClickRun(None, 1, 0.0, 1, 0.0, 0.0, 1.0, False, 0)


def run_limits(hits: Sequence[Hit], index: int, pause: int, reach: int = RUN_REACH_US) -> tuple[int, int]:
    """The first and the last of the run around one of these hits (sorted by time): as far as no pause is longer than
    `pause` microseconds, and within `reach` of it.
    """
    at = hits[index].at
    first = last = index
    least, most = max(0, index - MAX_NEIGHBOURS), min(len(hits) - 1, index + MAX_NEIGHBOURS)
    while first > least and hits[first].at - hits[first - 1].at <= pause and at - hits[first - 1].at <= reach:
        first -= 1
    while last < most and hits[last + 1].at - hits[last].at <= pause and hits[last + 1].at - at <= reach:
        last += 1
    return first, last


def describe_run(hits: Sequence[Hit], limits: tuple[int, int], sources: Sequence[str]) -> ClickRun:
    """What is to be said of the run from the first of these hits to the last; `sources` has that of each hit."""
    first, last = limits
    if first == last:
        return SINGLE_CLICK_RUN
    return _describe_hits(hits[first : last + 1], len(set(sources[first : last + 1])))


def _describe_hits(hits: Sequence[Hit], source_count: int) -> ClickRun:
    seen: dict[int, int] = {}
    for hit in hits:
        seen.setdefault(hit.position, hit.at)
    pauses = [(later - earlier) / SECOND_US for earlier, later in pairwise(seen.values())]
    return ClickRun(
        started_at=hits[0].at,
        links=len(seen),
        duration_seconds=(hits[-1].at - hits[0].at) / SECOND_US,
        source_count=source_count,
        longest_pause=max(pauses, default=0.0),
        shortest_pause=min(pauses, default=0.0),
        pace_variation=_pace_variation(pauses),
        ascending=all(earlier < later for earlier, later in pairwise(seen)),
        repeats=len(hits) - len(seen),
    )


def _pace_variation(pauses: Sequence[float]) -> float:
    mean = sum(pauses) / len(pauses) if len(pauses) > 2 else 0.0
    return sqrt(sum((pause - mean) ** 2 for pause in pauses) / len(pauses)) / mean if mean else 1.0

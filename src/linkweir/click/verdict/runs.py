"""Runs of hits: how fast, how completely and in what order the links of a mail were followed around each hit.

Knows what a run looks like and refuses to know what that means: the rules say so. What is said of a hit depends only
on hits within REACH of it, so that a hit's verdict is settled once REACH has passed.
"""

import uuid
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, pstdev

from linkweir.click.verdict.hit import SECOND, Hit

REACH = 300 * SECOND  # how far from a hit a run of its source is looked for, either way
NEAREST = 64  # hits of a run that are looked at on either side: a flood must not cost its square


def densest(hits: Sequence[Hit], span: int) -> list[int]:
    """For each hit (sorted by time): the most distinct links in any window of `span` microseconds that holds it."""
    counts: Counter[int] = Counter()
    starting: list[tuple[int, int]] = []  # for each window's first hit: its distinct links and its last hit
    end = 0
    for start, hit in enumerate(hits):
        while end < len(hits) and hits[end].at - hit.at <= span:
            counts[hits[end].position] += 1
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
class Run:
    """What a source did around a hit: `links` distinct links over `seconds` from `began_at` on, from `sources` networks.

    `longest` and `shortest` pause between links seen for the first time, in seconds; `evenness` is their deviation over
    their mean (0: a clock's), or 1 for too few; `ascending`: from the top of the mail to its end, `repeats`: links that
    were followed again.
    """

    began_at: int | None
    links: int
    seconds: float
    sources: int
    longest: float
    shortest: float
    evenness: float
    ascending: bool
    repeats: int


ALONE = Run(None, 1, 0.0, 1, 0.0, 0.0, 1.0, False, 0)


def run_at(hits: Sequence[Hit], index: int, pause: int, source: Mapping[uuid.UUID, str]) -> Run:
    """The run around one of these hits (sorted by time): as far as no pause is longer than `pause` microseconds."""
    first, last = _limits(hits, index, pause)
    if first == last:
        return ALONE
    return _described(hits[first : last + 1], source)


def _limits(hits: Sequence[Hit], index: int, pause: int) -> tuple[int, int]:
    at = hits[index].at
    first = last = index
    while first > 0 and index - first < NEAREST and _joined(hits, first - 1, pause) and at - hits[first - 1].at <= REACH:
        first -= 1
    while last + 1 < len(hits) and last - index < NEAREST and _joined(hits, last, pause):
        if hits[last + 1].at - at > REACH:
            break
        last += 1
    return first, last


def _joined(hits: Sequence[Hit], index: int, pause: int) -> bool:
    return hits[index + 1].at - hits[index].at <= pause


def _described(hits: Sequence[Hit], source: Mapping[uuid.UUID, str]) -> Run:
    seen: dict[int, int] = {}
    for hit in hits:
        seen.setdefault(hit.position, hit.at)
    pauses = [(later - earlier) / SECOND for earlier, later in pairwise(seen.values())]
    mean = fmean(pauses) if pauses else 0.0
    return Run(
        began_at=hits[0].at,
        links=len(seen),
        seconds=(hits[-1].at - hits[0].at) / SECOND,
        sources=len({source[hit.id] for hit in hits}),
        longest=max(pauses, default=0.0),
        shortest=min(pauses, default=0.0),
        evenness=pstdev(pauses) / mean if len(pauses) > 2 and mean else 1.0,
        ascending=all(earlier < later for earlier, later in pairwise(seen)),
        repeats=sum(hit.method != "HEAD" for hit in hits) - len({hit.position for hit in hits if hit.method != "HEAD"}),
    )


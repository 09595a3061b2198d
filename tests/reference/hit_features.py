"""What surrounds each hit of a message, in the plainest way: what ext/clicks has to find, too."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from linkweir.clicks.classify.classification import CLICK, HONEYPOT, Evidence, Hit
from linkweir.clicks.classify.click_runs import (
    DRIP_REACH_US,
    MAX_NEIGHBOURS,
    RUN_REACH_US,
    SINGLE_CLICK_RUN,
    ClickRun,
)
from linkweir.clicks.classify.features import (
    DOUBLE_CLICK_GAP_US,
    DRIP_PAUSE_US,
    ECHO_REACH_US,
    HEAD_GET_GAP_US,
    MIN_DRIP_HITS,
    READER_DENSITY_FACTOR,
    SCATTER_PAUSE_US,
    SINGLE_LINK_REACH_US,
    STEP_US,
    SWEEP_PAUSE_US,
    WINDOWS,
    HitFeatures,
    hit_source,
    strangeness,
)
from linkweir.clock import SECOND_US

SINGLE_CLICK_WINDOWS = dict.fromkeys(WINDOWS, 1)


class ReferenceExtractor:
    """All clicks of one message, sorted; derives the features of each. Internal ones tell nothing about the others."""

    def __init__(self, hits: Sequence[Hit], evidence: Evidence) -> None:
        ordered = sorted((hit for hit in hits if not hit.internal), key=lambda hit: (hit.at, hit.id))
        self._evidence = evidence
        self._sources = {id(hit): hit_source(hit) for hit in ordered}
        self._surroundings: dict[tuple[int, int], _Surroundings] = {}
        clicks = [hit for hit in ordered if hit.kind == CLICK]
        self._everyone = _HitStream(clicks)
        everyone = self._everyone
        several = clicks if len(clicks) > 1 else []  # one by itself is compared with nothing
        self._by_source = _split_streams(everyone, several, lambda hit: self._sources[id(hit)])
        agents = [hit for hit in several if hit.user_agent]
        self._by_user_agent = _split_streams(everyone, agents, lambda hit: hit.user_agent or "")
        # without HEAD, which may go before each GET or come from elsewhere, and would break order and rhythm
        followed = [hit for hit in several if hit.method != "HEAD"]
        self._non_head_by_source = _split_streams(everyone, followed, lambda hit: self._sources[id(hit)])
        agents = [hit for hit in followed if hit.user_agent]
        self._non_head_by_user_agent = _split_streams(everyone, agents, lambda hit: hit.user_agent or "")
        self._non_head = _HitStream(followed) if len(followed) < len(several) else everyone
        self._honeypots = [hit for hit in ordered if hit.kind == HONEYPOT]

    def extract(self, hit: Hit) -> HitFeatures:
        """What surrounds this hit. For an open, nothing does: it says nothing about clicks, nor they about it; nor for
        an internal hit, which is not judged by what it looks like.
        """
        features = HitFeatures(hit, self._evidence)
        if hit.kind == CLICK and not hit.internal:
            features.has_neighbours = len(self._everyone.hits) > 1
            features.reputation = self._evidence.reputations.get(hit.id)
            features.fleet = self._evidence.fleets.get(hit.id)
            self._fill_features(features)
        return features

    def _fill_features(self, features: HitFeatures) -> None:
        hit = features.hit
        features.client_hit_honeypot = any(
            _is_same_client(hit, trap) and abs(trap.at - hit.at) <= RUN_REACH_US for trap in self._honeypots
        )
        limits = self._everyone.neighbour_limits(hit, RUN_REACH_US)
        if features.has_neighbours and hit.method != "HEAD":
            features.drip_run = self._find_drip(hit)
            if len(self._non_head_by_source) >= MIN_DRIP_HITS:  # fewer networks are no spray
                features.everyone_drip_run = self._describe_drip(self._non_head, hit)
        if limits[1] - limits[0] == 1:  # as most hits of people are: there is nothing to look for
            features.links_in_window, features.link_count = SINGLE_CLICK_WINDOWS, 1 + hit.position
            features.is_isolated = (
                features.drip_run is SINGLE_CLICK_RUN and features.everyone_drip_run is SINGLE_CLICK_RUN
            )
            return
        around = self._surroundings.get(limits)
        if around is None:  # the hits of a burst have theirs in common
            around = self._surroundings[limits] = _describe_surroundings(self._everyone.hits[limits[0] : limits[1]])
        own = self._by_source[self._sources[id(hit)]]
        fleet = self._by_user_agent.get(hit.user_agent or "")
        features.excess_readers = around.excess_readers
        features.links_in_window = self._densest_windows(hit, own, fleet, around.excess_readers / around.reach_us)
        if hit.method != "HEAD":
            if self._evidence.link_count:  # without it nobody asks
                features.everyone_run = self._find_run(self._non_head, hit, SWEEP_PAUSE_US)
            features.run = self._find_run(self._non_head_by_source[self._sources[id(hit)]], hit, SWEEP_PAUSE_US)
            if hit.user_agent:
                features.user_agent_run = self._find_run(
                    self._non_head_by_user_agent[hit.user_agent], hit, SCATTER_PAUSE_US
                )
        features.link_count = around.link_count or 1 + hit.position
        if not features.excess_readers:
            features.echo_gap_us = self._find_echo(hit, around.followed)
        features.only_link_clicked = around.has_single_link
        beside = own.same_link(hit, HEAD_GET_GAP_US)
        features.preceded_by_head = any(other.method == "HEAD" for other in beside)
        features.repeated = any(
            other.method == "GET" and abs(other.at - hit.at) <= DOUBLE_CLICK_GAP_US for other in beside
        )

    def _find_drip(self, hit: Hit) -> ClickRun:
        stream = (
            self._non_head_by_user_agent[hit.user_agent]
            if hit.user_agent
            else self._non_head_by_source[self._sources[id(hit)]]
        )
        return self._describe_drip(stream, hit)

    def _describe_drip(self, stream: "_HitStream", hit: Hit) -> ClickRun:
        if len(stream.hits) < MIN_DRIP_HITS:
            return SINGLE_CLICK_RUN
        limits = run_limits(stream.hits, stream.index[id(hit)], DRIP_PAUSE_US, DRIP_REACH_US)
        if limits not in stream.runs:
            stream.runs[limits] = describe_run(stream.hits, limits, stream.sources(self._sources))
        return stream.runs[limits]

    def _find_echo(self, hit: Hit, followed: Mapping[int, Sequence[Hit]]) -> int | None:
        """The shortest time to a reader's hit on the same link: another client's, which followed no other link
        then and looks more like a reader's; or came first, at a time when few scanners come by themselves.
        """
        delivered = self._evidence.delivered_at
        late = delivered is not None and hit.at - delivered > RUN_REACH_US
        gaps = [
            abs(other.at - hit.at)
            for other in followed.get(hit.position, ())
            if abs(other.at - hit.at) <= ECHO_REACH_US
            and self._is_other_client(hit, other)
            and (strangeness(other) < strangeness(hit) or (late and _comes_second(hit, other)))
            and self._follows_single_link(other, followed)
        ]
        return min(gaps, default=None)

    def _is_other_client(self, hit: Hit, other: Hit) -> bool:
        if self._sources[id(other)] == self._sources[id(hit)]:
            return False
        return other.user_agent != hit.user_agent or (hit.user_agent is None and other.device != hit.device)

    def _follows_single_link(self, hit: Hit, followed: Mapping[int, Sequence[Hit]]) -> bool:
        source = self._sources[id(hit)]
        return not any(
            abs(other.at - hit.at) <= SINGLE_LINK_REACH_US and self._sources[id(other)] == source
            for position, others in followed.items()
            if position != hit.position
            for other in others
        )

    def _find_run(self, stream: "_HitStream", hit: Hit, pause: int) -> ClickRun:
        limits = run_limits(stream.hits, stream.index[id(hit)], pause)
        if limits not in stream.runs:  # most hits of a run have it in common
            stream.runs[limits] = describe_run(stream.hits, limits, stream.sources(self._sources))
        return stream.runs[limits]

    def _densest_windows(
        self, hit: Hit, own: "_HitStream", by_user_agent: "_HitStream | None", reader_density: float
    ) -> dict[str, int]:
        """By window the densest: of the hit's own source, of its user agent, or (needing one link more) of everyone.

        Where many people read one message (a list, a shared mailbox), links meet by chance, so that many fewer count.
        `reader_density`: such clicks in a microsecond.
        """
        everyone = self._everyone
        densest = {}
        for name, tenths in WINDOWS.items():
            links = own.links_in_window(name, hit)
            if own is not everyone:  # which has one less to show
                links = max(links, everyone.links_in_window(name, hit) - 1)
                if by_user_agent is not None and by_user_agent is not own:
                    links = max(links, by_user_agent.links_in_window(name, hit))
            if reader_density:
                links -= round(READER_DENSITY_FACTOR * reader_density * tenths * STEP_US)
            densest[name] = links
        return densest


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What all hits around one have in common: those that are no HEAD by link, and the readers beyond two for each."""

    followed: dict[int, list[Hit]]
    excess_readers: int
    reach_us: int
    has_single_link: bool

    @property
    def link_count(self) -> int:
        """How many links there are at least; 0: only HEAD requests came."""
        return 1 + max(self.followed, default=-1)


def _describe_surroundings(neighbours: Sequence[Hit]) -> _Surroundings:
    followed: dict[int, list[Hit]] = {}
    for other in neighbours:
        if other.method != "HEAD":
            followed.setdefault(other.position, []).append(other)
    # one that floods is no crowd; without addresses each hit has to be taken for another reader
    readers = {
        (other.ip or other.id, other.user_agent, position) for position, some in followed.items() for other in some
    }
    reach = 2 * RUN_REACH_US
    if len(neighbours) > 2 * MAX_NEIGHBOURS:
        reach = max(SECOND_US, neighbours[-1].at - neighbours[0].at)
    has_single_link = all(other.position == neighbours[0].position for other in neighbours)
    return _Surroundings(followed, max(0, len(readers) - 2 * len(followed)), reach, has_single_link)


class _HitStream:
    """Hits in order of time, with the windows that were asked for so far."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self.hits = hits
        self.index = {id(hit): number for number, hit in enumerate(hits)}
        self._times = [hit.at for hit in hits]
        self._links_in_window: dict[str, list[int]] = {}
        self._by_position: dict[int, list[Hit]] | None = None
        self._sources: list[str] | None = None
        self.runs: dict[tuple[int, int], ClickRun] = {}

    def links_in_window(self, name: str, hit: Hit) -> int:
        if name not in self._links_in_window:
            self._links_in_window[name] = max_links_in_window(self.hits, WINDOWS[name] * STEP_US)
        return self._links_in_window[name][self.index[id(hit)]]

    def neighbour_limits(self, hit: Hit, reach: int) -> tuple[int, int]:
        """From which hit to before which one they lie within `reach`, of a flood only the nearest."""
        first, last = bisect_left(self._times, hit.at - reach), bisect_right(self._times, hit.at + reach)
        here = self.index[id(hit)]
        return max(first, here - MAX_NEIGHBOURS), min(last, here + MAX_NEIGHBOURS + 1)

    def same_link(self, hit: Hit, reach: int) -> Sequence[Hit]:
        """The other hits on the same link within `reach`, of a flood only the nearest."""
        if self._by_position is None:
            self._by_position = {}
            for other in self.hits:
                self._by_position.setdefault(other.position, []).append(other)
        here = self.index[id(hit)]
        return [
            other
            for other in self._by_position[hit.position]
            if other is not hit
            and abs(other.at - hit.at) <= reach
            and abs(self.index[id(other)] - here) <= MAX_NEIGHBOURS
        ]

    def sources(self, known: Mapping[int, str]) -> Sequence[str]:
        """The source of each of its hits."""
        if self._sources is None:
            self._sources = [known[id(hit)] for hit in self.hits]
        return self._sources


def _split_streams(everyone: _HitStream, hits: Sequence[Hit], key: Callable[[Hit], str]) -> dict[str, _HitStream]:
    """The hits by a key; one that all have brings no windows but everyone's, which need not be looked for again."""
    sorted_out: dict[str, list[Hit]] = {}
    for hit in hits:
        sorted_out.setdefault(key(hit), []).append(hit)
    whole = len(everyone.hits)
    return {name: everyone if len(group) == whole else _HitStream(group) for name, group in sorted_out.items()}


def _comes_second(hit: Hit, other: Hit) -> bool:
    return strangeness(other) == strangeness(hit) and (other.at, other.id) < (hit.at, hit.id)


def _is_same_client(hit: Hit, other: Hit) -> bool:
    return hit.ip is not None and hit.ip == other.ip and hit.user_agent == other.user_agent


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

"""A hit among the other hits of its message: everything that the rules look at, computed once.

Refuses to weigh. A *source* is a network (/24 or /64) here, for scanners and homes alike change the last part.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address, ip_network

from linkweir.clicks.classify.classification import CLICK, HONEYPOT, Evidence, Hit, Reputation
from linkweir.clicks.classify.click_runs import (
    DRIP_REACH_US,
    MAX_NEIGHBOURS,
    RUN_REACH_US,
    SINGLE_CLICK_RUN,
    ClickRun,
    describe_run,
    max_links_in_window,
    run_limits,
)
from linkweir.clock import SECOND_US

WINDOWS = {"blink": 2, "half": 5, "moment": 15, "breath": 50}  # tenths of a second
STEP_US = SECOND_US // 10
SINGLE_CLICK_WINDOWS = dict.fromkeys(WINDOWS, 1)
SWEEP_PAUSE_US = 60 * SECOND_US  # between links of one slow sweep
SCATTER_PAUSE_US = 45 * SECOND_US
HEAD_GET_GAP_US = 10 * SECOND_US  # HEAD and then GET of the same link
DOUBLE_CLICK_GAP_US = 6 * SECOND_US  # a double click, or a second try
DRIP_PAUSE_US = 300 * SECOND_US  # between links that one program follows minutes apart
MIN_DRIP_HITS = 4  # fewer say nothing, and need not be looked at
ECHO_REACH_US = 30 * SECOND_US  # a check of a link that somebody follows, from elsewhere
SINGLE_LINK_REACH_US = 5 * SECOND_US  # whoever followed no other link in that time is a reader to begin with
CLICK_CHECK_US = 3 * SECOND_US  # one that is made while the reader waits
MAX_STRANGE_HEADERS = 2  # that count where two clients are compared
READER_DENSITY_FACTOR = 10.0  # by how many times its average a crowd may be denser for a moment


@dataclass(slots=True)
class HitFeatures:
    """One hit and what surrounds it.

    `links_in_window`: by the name of a window, how many distinct links were followed within one that holds the hit.
    `run`: its source's run; `user_agent_run`: that of everyone with its user agent; `everyone_run`: that of everyone,
    where it is known how many links there are; `drip_run` and `everyone_drip_run`: the same with links minutes apart,
    of its user agent or else its source, and of everyone. `excess_readers`: readers of links beyond two for each;
    `link_count`: how many links the mail has at least, one more than the last position that was followed;
    `only_link_clicked`: nobody followed another link. `echo_gap_us`: how long before or after a reader's hit on the
    same link this one came, from another network and with another browser. `preceded_by_head`: its source asked for
    the same link by HEAD; `client_hit_honeypot`: its source followed the hidden link; `repeated`: its source followed
    this link just before or after; `client_swept`: its very source ran through the links as no person does;
    `owner_swept`: other addresses of the same network's owner were machines' on other links at about its time.
    `has_neighbours`: its message was followed more than once; `is_isolated`: but not at about its time, nor in any
    run. `reputation`: what its program was with other messages, and `fleet`: whatever looks like it in its owner's
    networks.
    """

    hit: Hit
    evidence: Evidence
    links_in_window: Mapping[str, int] = field(default_factory=dict)
    run: ClickRun = SINGLE_CLICK_RUN
    user_agent_run: ClickRun = SINGLE_CLICK_RUN
    everyone_run: ClickRun = SINGLE_CLICK_RUN
    excess_readers: int = 0
    link_count: int = 1
    only_link_clicked: bool = True
    is_isolated: bool = False
    drip_run: ClickRun = SINGLE_CLICK_RUN
    everyone_drip_run: ClickRun = SINGLE_CLICK_RUN
    echo_gap_us: int | None = None
    owner_swept: bool = False
    preceded_by_head: bool = False
    client_hit_honeypot: bool = False
    repeated: bool = False
    client_swept: bool = False
    has_neighbours: bool = False
    reputation: Reputation | None = None
    fleet: Reputation | None = None

    def coverage(self, run: ClickRun) -> float:
        """The part of the mail's links that a run followed, at most: of as many as it has at least."""
        return run.links / self.link_count

    @property
    def age_seconds(self) -> float | None:
        """Seconds from delivery to the beginning of the hit's run; negative before delivery."""
        delivered = self.evidence.delivered_at
        began = self.hit.at if self.run.started_at is None else self.run.started_at
        return None if delivered is None else (began - delivered) / SECOND_US

    def has_signal(self, code: str) -> bool:
        """Whether its headers showed this, and people's hardly ever do here."""
        return code in self.hit.signals and code not in self.evidence.common_signals

    @property
    def recipients_on_ip(self) -> int:
        """How many recipients this address hit at about this time."""
        return self.evidence.recipients_per_ip.get(self.hit.ip, 0) if self.hit.ip else 0


@lru_cache(maxsize=4096)
def source_network(ip: str) -> str:
    """The network of an address that counts as one source."""
    if ":" in ip:
        return str(ip_network((IPv6Address(ip), 64), strict=False))
    return ip.rpartition(".")[0]


@lru_cache(maxsize=4096)
def _wide_network(ip: str) -> str:
    if ":" in ip:
        return str(ip_network((IPv6Address(ip), 32), strict=False))
    return ".".join(ip.split(".")[:2])


def network_owner(hit: Hit) -> str | None:
    """Whose network a hit came from: a known one's name; of others the first half of the address, which few share."""
    return hit.network or (_wide_network(hit.ip) if hit.ip else None)


def hit_source(hit: Hit) -> str:
    """What stands for the sender of a hit; without an address, the little that its privacy mode has kept."""
    return source_network(hit.ip) if hit.ip else f"? {hit.network} {hit.device}"


class FeatureExtractor:
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
            and (_strangeness(other) < _strangeness(hit) or (late and _comes_second(hit, other)))
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


def _strangeness(hit: Hit) -> int:
    """How unlike a reader's own browser a request looks: only to say which of two is the likelier check."""
    headers = min(len(hit.signals), MAX_STRANGE_HEADERS)  # a proxy on the way takes many at once
    return headers + 3 * (hit.network is not None) + (hit.device not in ("phone", "tablet"))


def _comes_second(hit: Hit, other: Hit) -> bool:
    return _strangeness(other) == _strangeness(hit) and (other.at, other.id) < (hit.at, hit.id)


def _is_same_client(hit: Hit, other: Hit) -> bool:
    return hit.ip is not None and hit.ip == other.ip and hit.user_agent == other.user_agent

"""A hit among the other hits of its message: everything that the rules look at, computed once.

Refuses to weigh. A *source* is a network (/24 or /64) here, for scanners and homes alike change the last part.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address, ip_network

from linkweir.click.verdict.hit import CLICK, HONEYPOT, SECOND, Context, Hit, Record
from linkweir.click.verdict.runs import ALONE, NEAREST, REACH, Run, densest, run_between, run_limits

WINDOWS = {"blink": 2, "half": 5, "moment": 15, "breath": 50}  # tenths of a second
STEP = SECOND // 10
BY_ITSELF = dict.fromkeys(WINDOWS, 1)
SWEEP_PAUSE = 60 * SECOND  # between links of one slow sweep
SCATTER_PAUSE = 45 * SECOND
ECHO = 10 * SECOND  # HEAD and then GET of the same link
AGAIN = 6 * SECOND  # a double click, or a second try
MODERN = re.compile(r"(?:Chrome|Firefox)/[1-9]\d\d")
CROWD = 10.0  # by how many times its average a crowd may be denser for a moment


@dataclass(slots=True)
class Scene:
    """One hit and what surrounds it within REACH.

    `dense`: by the name of a window, how many distinct links were followed within one that holds the hit; `run`: its
    source's run; `scattered`: the run of everyone with its user agent; `together`: that of everyone, where it is known
    how many links there are; `crowd`: readers of links beyond two for each; `links`: how many the mail has at least,
    one more than the last position that was followed; `alone`: nobody followed another link;
    `head`: its source asked for the same link by HEAD; `trapped`: its source followed the hidden link; `again`: its
    source followed this link just before or after; `swept`: its very source ran through the links as no person does.
    """

    hit: Hit
    context: Context
    dense: Mapping[str, int] = field(default_factory=dict)
    run: Run = ALONE
    scattered: Run = ALONE
    together: Run = ALONE
    crowd: int = 0
    links: int = 1
    alone: bool = True
    head: bool = False
    trapped: bool = False
    again: bool = False
    swept: bool = False

    def covers(self, run: Run) -> float:
        """The part of the mail's links that a run followed, at most: of as many as it has at least."""
        return run.links / self.links

    @property
    def age(self) -> float | None:
        """Seconds from delivery to the beginning of the hit's run; negative before delivery."""
        delivered = self.context.delivered_at
        began = self.hit.at if self.run.began_at is None else self.run.began_at
        return None if delivered is None else (began - delivered) / SECOND

    @property
    def modern(self) -> bool:
        """Whether the user agent claims to be a Chrome or Firefox of recent years (version 100 and up)."""
        return MODERN.search(self.hit.user_agent or "") is not None

    @property
    def record(self) -> Record | None:
        """What its program was with other messages."""
        return self.context.records.get(self.hit.id)

    @property
    def spread(self) -> int:
        """How many recipients this address hit at about this time."""
        return self.context.spread.get(self.hit.ip, 0) if self.hit.ip else 0


@lru_cache(maxsize=4096)
def network(ip: str) -> str:
    """The network of an address that counts as one source."""
    if ":" in ip:
        return str(ip_network((IPv6Address(ip), 64), strict=False))
    return ip.rpartition(".")[0]


def source(hit: Hit) -> str:
    """What stands for the sender of a hit; without an address, the little that its privacy mode has kept."""
    return network(hit.ip) if hit.ip else f"? {hit.network} {hit.device}"


class Stage:
    """All clicks of one message, sorted, and from it the scene of each."""

    def __init__(self, hits: Sequence[Hit], context: Context) -> None:
        ordered = sorted(hits, key=lambda hit: (hit.at, hit.id))
        self._context = context
        self._sources = {hit.id: source(hit) for hit in ordered}
        clicks = [hit for hit in ordered if hit.kind == CLICK]
        self._everyone = _Stream(clicks)
        everyone = self._everyone
        several = clicks if len(clicks) > 1 else []  # one by itself is compared with nothing
        self._by_source = _streams(everyone, several, lambda hit: self._sources[hit.id])
        agents = [hit for hit in several if hit.user_agent]
        self._by_agent = _streams(everyone, agents, lambda hit: hit.user_agent or "")
        # without HEAD, which may go before each GET or come from elsewhere, and would break order and rhythm
        followed = [hit for hit in several if hit.method != "HEAD"]
        self._paths = _streams(everyone, followed, lambda hit: self._sources[hit.id])
        agents = [hit for hit in followed if hit.user_agent]
        self._fleets = _streams(everyone, agents, lambda hit: hit.user_agent or "")
        self._followed = _Stream(followed) if len(followed) < len(several) else everyone
        self._traps = [hit for hit in ordered if hit.kind == HONEYPOT]

    def scene(self, hit: Hit) -> Scene:
        """What surrounds this hit; for an open, nothing does: it says nothing about clicks, nor they about it."""
        scene = Scene(hit, self._context)
        if hit.kind == CLICK:
            self._fill(scene)
        return scene

    def _fill(self, scene: Scene) -> None:
        hit = scene.hit
        scene.trapped = any(_same_program(hit, trap) and abs(trap.at - hit.at) <= REACH for trap in self._traps)
        near = self._everyone.near(hit, REACH)
        if len(near) == 1:  # as most hits of people are: there is nothing to look for
            scene.dense, scene.links = BY_ITSELF, 1 + hit.position
            return
        own = self._by_source[self._sources[hit.id]]
        fleet = self._by_agent.get(hit.user_agent or "")
        followed = [other for other in near if other.method != "HEAD"]
        links = {other.position for other in followed}
        # one that floods is no crowd; without addresses each hit has to be taken for another reader
        readers = {(other.ip or other.id, other.user_agent, other.position) for other in followed}
        scene.crowd = max(0, len(readers) - 2 * len(links))
        reach = 2 * REACH if len(near) <= 2 * NEAREST else max(SECOND, near[-1].at - near[0].at)
        scene.dense = {name: self._links_within(name, hit, own, fleet, scene.crowd / reach) for name in WINDOWS}
        if hit.method != "HEAD":
            if self._context.links:  # without it nobody asks
                scene.together = self._run(self._followed, hit, SWEEP_PAUSE)
            scene.run = self._run(self._paths[self._sources[hit.id]], hit, SWEEP_PAUSE)
            if hit.user_agent:
                scene.scattered = self._run(self._fleets[hit.user_agent], hit, SCATTER_PAUSE)
        scene.links = 1 + max(links, default=hit.position)
        scene.alone = all(other.position == hit.position for other in near)
        beside = [other for other in own.near(hit, ECHO) if other.position == hit.position and other is not hit]
        scene.head = any(other.method == "HEAD" for other in beside)
        scene.again = any(other.method == "GET" and abs(other.at - hit.at) <= AGAIN for other in beside)

    def _run(self, stream: "_Stream", hit: Hit, pause: int) -> Run:
        limits = run_limits(stream.hits, stream.index[hit.id], pause)
        if limits not in stream.runs:  # most hits of a run have it in common
            stream.runs[limits] = run_between(stream.hits, limits, self._sources)
        return stream.runs[limits]

    def _links_within(self, name: str, hit: Hit, own: "_Stream", fleet: "_Stream | None", crowd: float) -> int:
        """The densest window: of the hit's own source, of its user agent, or (needing one link more) of everyone.

        Where many people read one message (a list, a shared mailbox), links meet by chance, so that many fewer count.
        `crowd`: such clicks in a microsecond.
        """
        found = max(own.dense(name, hit), fleet.dense(name, hit) if fleet else 0, self._everyone.dense(name, hit) - 1)
        return found - round(CROWD * crowd * WINDOWS[name] * STEP)


class _Stream:
    """Hits in order of time, with the windows that were asked for so far."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self.hits = hits
        self.index = {hit.id: number for number, hit in enumerate(hits)}
        self._times = [hit.at for hit in hits]
        self._dense: dict[str, list[int]] = {}
        self.runs: dict[tuple[int, int], Run] = {}

    def dense(self, name: str, hit: Hit) -> int:
        if name not in self._dense:
            self._dense[name] = densest(self.hits, WINDOWS[name] * STEP)
        return self._dense[name][self.index[hit.id]]

    def near(self, hit: Hit, reach: int) -> Sequence[Hit]:
        """The hits within `reach`, of a flood only the nearest."""
        first, last = bisect_left(self._times, hit.at - reach), bisect_right(self._times, hit.at + reach)
        here = self.index[hit.id]
        return self.hits[max(first, here - NEAREST) : min(last, here + NEAREST + 1)]


def _streams(everyone: _Stream, hits: Sequence[Hit], key: Callable[[Hit], str]) -> dict[str, _Stream]:
    """The hits by a key; one that all have brings no windows but everyone's, which need not be looked for again."""
    sorted_out: dict[str, list[Hit]] = {}
    for hit in hits:
        sorted_out.setdefault(key(hit), []).append(hit)
    whole = len(everyone.hits)
    return {name: everyone if len(group) == whole else _Stream(group) for name, group in sorted_out.items()}


def _same_program(one: Hit, other: Hit) -> bool:
    return one.ip is not None and one.ip == other.ip and one.user_agent == other.user_agent

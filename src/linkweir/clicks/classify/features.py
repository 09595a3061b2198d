"""A hit among the other hits of its message: everything that the rules look at, computed once, by ext/clicks.

Refuses to weigh. What each of these features means is written down, slowly and plainly, in
tests/reference/hit_features.py, with which the extension is compared. A *source* is a network (/24 or /64) here, for
scanners and homes alike change the last part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from ipaddress import IPv6Address, ip_network
from operator import attrgetter

from linkweir._clicks import FeatureReach, HitContexts, RuleBounds
from linkweir.clicks.classify.classification import CLICK, HONEYPOT, Evidence, Hit, Reputation
from linkweir.clicks.classify.click_runs import (
    DRIP_REACH_US,
    MAX_NEIGHBOURS,
    RUN_REACH_US,
    SINGLE_CLICK_RUN,
    ClickRun,
)
from linkweir.clock import SECOND_US

WINDOWS = {"blink": 2, "half": 5, "moment": 15, "breath": 50}  # tenths of a second
STEP_US = SECOND_US // 10
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
    """All clicks of one message; derives the features of each. Internal ones tell nothing about the others."""

    def __init__(self, hits: Sequence[Hit], evidence: Evidence) -> None:
        self._evidence = evidence
        ordered = [hit for hit in hits if not hit.internal]
        if len(ordered) > 1:
            ordered.sort(key=attrgetter("at", "id"))
        clicks = [hit for hit in ordered if hit.kind == CLICK]
        self._index = {id(hit): number for number, hit in enumerate(clicks)}
        self._contexts = HitContexts(
            REACH,
            clicks,
            [hit_source(hit) for hit in clicks],
            [strangeness(hit) for hit in clicks],
            [hit for hit in ordered if hit.kind == HONEYPOT],
            evidence.delivered_at,
            bool(evidence.link_count),
        )

    def context_key(self, hit: Hit, bounds: RuleBounds) -> bytes | None:
        """All that rules see of what surrounds this hit; None: nothing does."""
        index = self._index.get(id(hit))
        return None if index is None else self._contexts.key(index, bounds)

    def extract(self, hit: Hit) -> HitFeatures:
        """What surrounds this hit. For an open, nothing does: it says nothing about clicks, nor they about it; nor for
        an internal hit, which is not judged by what it looks like.
        """
        index = self._index.get(id(hit))
        if index is None:
            return HitFeatures(hit, self._evidence)
        values = self._contexts.features(index)
        values["links_in_window"] = dict(zip(WINDOWS, values["links_in_window"], strict=True))
        for name in RUN_NAMES:
            values[name] = SINGLE_CLICK_RUN if values[name] is None else ClickRun(*values[name])
        record, fleet = self._evidence.reputations.get(hit.id), self._evidence.fleets.get(hit.id)
        return HitFeatures(hit, self._evidence, reputation=record, fleet=fleet, **values)


REACH = FeatureReach(
    run_reach=RUN_REACH_US,
    drip_reach=DRIP_REACH_US,
    echo_reach=ECHO_REACH_US,
    single_link_reach=SINGLE_LINK_REACH_US,
    sweep_pause=SWEEP_PAUSE_US,
    scatter_pause=SCATTER_PAUSE_US,
    drip_pause=DRIP_PAUSE_US,
    head_gap=HEAD_GET_GAP_US,
    double_click_gap=DOUBLE_CLICK_GAP_US,
    second=SECOND_US,
    step=STEP_US,
    windows=tuple(WINDOWS.values()),
    reader_density_factor=READER_DENSITY_FACTOR,
    max_neighbours=MAX_NEIGHBOURS,
    min_drip_hits=MIN_DRIP_HITS,
)
RUN_NAMES = tuple(each.name for each in fields(HitFeatures) if each.type is ClickRun)


def strangeness(hit: Hit) -> int:
    """How unlike a reader's own browser a request looks: only to say which of two is the likelier check."""
    headers = min(len(hit.signals), MAX_STRANGE_HEADERS)  # a proxy on the way takes many at once
    return headers + 3 * (hit.network is not None) + (hit.device not in ("phone", "tablet"))

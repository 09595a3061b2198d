"""What is remembered of earlier traffic and gives later hits their evidence. Bounded; workers that share a database
keep the larger part of it there.

history = TrafficHistory()
history.observe_arrival(hit, message)
evidence = history.evidence_for(hits, message, delivered_at=..., link_count=...)
history.observe_verdict(hit, classification, message)
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from uuid import UUID

from linkweir.clicks import header_signals
from linkweir.clicks.classify.calibration import BaseRateEstimate
from linkweir.clicks.classify.classification import CLICK, SPREAD_US, Classification, Evidence, Hit
from linkweir.clicks.classify.reputation import IpSpread, ReputationStore, fleet_key

MIN_PEOPLE = 40  # hits of people from which on their requests tell what is common here
COMMON_SHARE = 0.25  # a signal that so many of them have says nothing
MAX_PEOPLE = 4000  # then the older half counts half: proxies change


class SignalBaseline:
    """How common each signal of a request is among people. Where a proxy in front speaks HTTP/1.0 or drops headers, or
    a clock is wrong, nearly everybody has the signal, and it says nothing.

    `on_change` is told which signals these are when they change.
    """

    def __init__(self, on_change: Callable[[frozenset[str]], None] | None = None) -> None:
        self._on_change = on_change
        self._people = 0
        self._seen: Counter[str] = Counter()
        self._common = header_signals.UNCONFIRMED

    @property
    def common(self) -> frozenset[str]:
        """The signals that people have here too often for them to mean anything."""
        return self._common

    @property
    def hidden(self) -> frozenset[str]:
        """The signals that enough people were seen to have here: evidence that something on the way hides."""
        return self._common if self._people >= MIN_PEOPLE else frozenset()

    def observe(self, hit: Hit, classification: Classification) -> None:
        """Take a person's hit into account, one that its own way of clicking shows as such."""
        if hit.kind != CLICK or classification.verdict_without_reputation != "human":
            return
        self._people += 1
        self._seen.update(hit.signals)
        if self._people >= MIN_PEOPLE and (hit.signals or self._common):
            self._set_common(frozenset(code for code, seen in self._seen.items() if seen > COMMON_SHARE * self._people))
        if self._people >= MAX_PEOPLE:
            self._people //= 2
            self._seen = Counter({code: seen // 2 for code, seen in self._seen.items()})

    def _set_common(self, common: frozenset[str]) -> None:
        if self._on_change is not None and common != self._common:
            self._on_change(common)
        self._common = common


def _use_as_key(value: Hashable) -> Hashable:
    return value


def _message_key(message: Hashable) -> Hashable:
    return message.int if type(message) is UUID else message  # has the same hash, without a call of Python


@dataclass(frozen=True, slots=True)
class HistoryKeys:
    """What programs, fleets, addresses and messages are remembered by; None: not at all. Without others, by what holds
    within this process only.
    """

    client: Callable[[Hit], int | None] | None = None
    fleet: Callable[[Hit], int | None] = fleet_key
    address: Callable[[str], Hashable] = _use_as_key
    message: Callable[[Hashable], Hashable] = _message_key


class TrafficHistory:
    """Addresses, clients, fleets and what people's requests look like, of all accounts, as far back as it goes.

    `on_common_signals` is told which signals say nothing, for people have them too often here.
    """

    def __init__(
        self,
        on_common_signals: Callable[[frozenset[str]], None] | None = None,
        *,
        keys: HistoryKeys = HistoryKeys(),
    ) -> None:
        self._keys = keys
        self.ip_spread = IpSpread(SPREAD_US)
        self.clients = ReputationStore(keys.client)
        self.fleets = ReputationStore(keys.fleet)
        self.baseline = SignalBaseline(on_common_signals)
        self.base_rate = BaseRateEstimate()

    def make_batch_history(self, keys: HistoryKeys) -> "TrafficHistory":
        """A history without programs and addresses, which are to be restored, that shares the rest with this one."""
        history = TrafficHistory(keys=keys)
        history.baseline, history.base_rate = self.baseline, self.base_rate
        return history

    def observe_arrival(self, hit_ip: str, message: Hashable, at: int) -> None:
        """Note that this address hit a link of this message, before anything is judged."""
        self.ip_spread.observe(self._keys.address(hit_ip), self._keys.message(message), at)

    def evidence_for(
        self, hits: Sequence[Hit], message: Hashable, *, delivered_at: int | None, link_count: int | None
    ) -> Evidence:
        """What is known beside these hits of one message."""
        key = self._keys.message(message)
        return Evidence(
            delivered_at=delivered_at,
            link_count=link_count,
            recipients_per_ip={
                ip: self.ip_spread.recipient_count(self._keys.address(ip), at)
                for ip, at in {hit.ip: hit.at for hit in hits if hit.ip}.items()
            },
            reputations=self.clients.lookup(hits, key),
            fleets=self.fleets.lookup(hits, key),
            common_signals=self.baseline.common,
            base_rate=self.base_rate.value,
        )

    def observe_verdict(self, hit: Hit, classification: Classification, message: Hashable) -> None:
        """This hit was judged, with everything around it in sight."""
        key = self._keys.message(message)
        self.clients.observe(hit, classification, key)
        self.fleets.observe(hit, classification, key)
        self.baseline.observe(hit, classification)
        if hit.kind == CLICK and classification.reference_probability is not None:
            self.base_rate.observe(hit.id, classification.reference_probability)

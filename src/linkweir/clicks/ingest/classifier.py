"""What is needed to understand clicks: who knows addresses and programs, who judges, and how long webhooks wait."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from linkweir.clicks import classify
from linkweir.clicks.classify import Classification, Evidence, Hit
from linkweir.clicks.classify.ip_spread import IpSpread
from linkweir.clicks.classify.reputation import ReputationStore
from linkweir.clicks.click_event import Enrichment

ClassifyFunction = Callable[[Sequence[Hit], Evidence], list[Classification]]


class EnricherInterface(Protocol):
    """Says what an address and a user agent mean."""

    def enrich(self, ip: str | None, user_agent: str | None) -> Enrichment:
        """Everything that is known of both."""

    def user_agent_class(self, user_agent: str | None) -> str | None:
        """The code of a program that says what it is: a bot, a preview, an HTTP library."""

    def is_scanner_network(self, network: str | None, ip: str | None) -> bool:
        """Whether only machines come from this known network."""


@dataclass(frozen=True, slots=True)
class ClickClassifier:
    """`tell_wait`: microseconds from a hit to the webhooks' hearing of it, so that a burst is over by then;
    `correct_wait`: from a changed verdict to its correction; `window`: how far a hit reaches to change others'
    verdicts.
    """

    enricher: EnricherInterface
    notify_delay_us: int = 2_000_000
    correction_delay_us: int = 5_000_000
    classify_hits: ClassifyFunction = classify.classify_hits
    window_us: int = classify.WINDOW_US
    ip_spread: IpSpread = field(default_factory=lambda: IpSpread(classify.SPREAD_US))
    reputations: ReputationStore = field(default_factory=ReputationStore)

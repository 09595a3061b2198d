"""What a verdict is passed on, and what it is: plain values, without anything that could read a disk or a clock."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from linkweir.clicks import header_signals
from linkweir.clock import SECOND_US

Verdict = Literal["human", "prefetch", "machine", "unsure", "internal"]
HitId = uuid.UUID | int  # an int is a UUID's number: the same order, and hashed without a call of Python
InternalOrigin = Literal["network", "recipient"]  # what makes a hit one of the sender's own people
SPREAD_US = 60 * SECOND_US  # before and after a hit: the time in which an address's recipients are counted
CLICK, OPEN, HONEYPOT = "click", "open", "honeypot"  # kinds of hits


# Not frozen, as the others here: made for every click, and freezing is most of what that costs.
@dataclass(slots=True, kw_only=True)
class Hit:
    """One request for a link of a message, its pixel or its hidden link, with what was derived from it.

    `signals` are the codes of `click.signals`; `user_agent_class` and `network` come from `click.enrich` and
    `click.networks`. In the stricter privacy modes `ip` and `user_agent` are None, which says nothing about a hit.
    `internal`: the sender's own people followed the link; None: not as far as is known.
    """

    id: HitId
    at: int
    method: str = "GET"
    position: int = 0
    kind: str = CLICK
    ip: str | None = None
    user_agent: str | None = None
    prefetch: bool = False
    signals: tuple[str, ...] = ()
    client: str | None = None
    device: str | None = None
    network: str | None = None
    network_certain: bool = False
    user_agent_class: str | None = None
    internal: InternalOrigin | None = None


@dataclass(slots=True)
class Reputation:
    """What the program that sent a hit was with other messages lately: with how many a machine, with how many a person,
    by what it did there. `age`: microseconds since its last hit on the earliest of them.
    """

    machine_messages: int
    human_messages: int
    age_us: int


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What is known beyond the hits. Everything may be missing, and then nothing follows from it.

    `delivered_at`: when the recipient's server took the mail; `links`: how many tracked links it has; `spread`: by
    address, the distinct recipients that it hit within `SPREAD` before and after these hits; `reputations`: by hit,
    what its program was before, and `fleets`: what whoever looks like it in its owner's networks was;
    `common_signals`: codes that people's requests often have here, as behind a proxy, so that they say nothing;
    `base_rate`: machines' share of all hits here (None: as in the traffic that the rules were calibrated with).
    """

    delivered_at: int | None = None
    link_count: int | None = None
    recipients_per_ip: Mapping[str, int] = field(default_factory=dict)
    reputations: Mapping[HitId, Reputation] = field(default_factory=dict)
    fleets: Mapping[HitId, Reputation] = field(default_factory=dict)
    common_signals: frozenset[str] = header_signals.UNCONFIRMED
    base_rate: float | None = None


@dataclass(slots=True)
class Classification:
    """The verdict on one hit. `confidence` from 0 to 1: how likely the verdict holds; for `unsure`, how likely the
    better guess would. `reasons`: codes of the rules that apply, the heaviest first. `verdict_without_reputation`: what
    the verdict would be without its client's reputation. `machine_probability`: how likely a machine followed, and
    `reference_probability` where machines have the share of hits that the rules were calibrated with; None where one
    rule decided.
    """

    id: HitId
    verdict: Verdict
    confidence: float
    reasons: tuple[str, ...]
    verdict_without_reputation: Verdict = "unsure"
    machine_probability: float = 0.5
    reference_probability: float | None = None

    def for_method(self, method: str) -> tuple[Verdict, float]:
        """Return the verdict and the machine probability that count for a request with this HTTP method.

        Nobody reads what a request other than GET brings, whatever the rules say; and what is no click of a person or a
        machine, as a prefetch, is not even an unlikely click.
        """
        verdict: Verdict = "machine" if method != "GET" and self.verdict in ("human", "unsure") else self.verdict
        is_probable = method == "GET" and verdict in ("human", "unsure", "machine")
        return verdict, self.machine_probability if is_probable else 1.0

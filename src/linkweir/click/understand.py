"""What is needed to understand clicks: who knows addresses and programs, who judges, and how long webhooks wait."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from linkweir.click import verdict
from linkweir.click.fact import Described
from linkweir.click.records import Records
from linkweir.click.sources import Sources
from linkweir.click.verdict import Context, Hit, Judgement

Judge = Callable[[Sequence[Hit], Context], list[Judgement]]


class Enricher(Protocol):
    """Says what an address and a user agent mean."""

    def describe(self, ip: str | None, user_agent: str | None) -> Described:
        """Everything that is known of both."""

    def user_agent_class(self, user_agent: str | None) -> str | None:
        """The code of a program that says what it is: a bot, a preview, an HTTP library."""

    def is_certain(self, network: str | None, ip: str | None) -> bool:
        """Whether only machines come from this known network."""


@dataclass(frozen=True, slots=True)
class Understand:
    """`tell_wait`: microseconds from a hit to the webhooks' hearing of it, so that a burst is over by then;
    `correct_wait`: from a changed verdict to its correction; `window`: how far a hit reaches to change others'
    verdicts.
    """

    enricher: Enricher
    tell_wait: int = 2_000_000
    correct_wait: int = 5_000_000
    judge: Judge = verdict.judge
    window: int = verdict.WINDOW
    sources: Sources = field(default_factory=lambda: Sources(verdict.SPREAD))
    records: Records = field(default_factory=Records)

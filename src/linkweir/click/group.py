"""The clicks of one message that belong together: new ones and those around them in the store, judged anew.

A new hit can change the verdict of another one within a window; to judge that one anyway as before, all within a
window of it must be at hand, hence two. When there were more than are looked at (`store.hits.MOST`), those whose
surroundings are not complete keep the verdict that they have.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from linkweir.click import verdict
from linkweir.click.place import Place
from linkweir.click.single import Click
from linkweir.click.understand import Understand
from linkweir.store.hits import MOST, Name
from linkweir.store.sums import COUNTED


@dataclass(slots=True)
class Group:
    """One message's clicks. `known` are those of the store; `links` is how many tracked links the message has."""

    name: Name | None
    account: uuid.UUID | None
    delivered_at: int | None = None
    links: int | None = None
    place: Place | None = None
    new: list[Click] = field(default_factory=list)
    known: dict[uuid.UUID, Click] = field(default_factory=dict)

    def spans(self, window: int) -> Iterator[tuple[int, int]]:
        """From when to when the new clicks lie, in parts between which nothing can reach."""
        times = sorted(click.at for click in self.new)
        first = last = times[0]
        for at in times:
            if at - last > 4 * window:
                yield first, last
                first = at
            last = at
        yield first, last

    def judge(self, understand: Understand) -> list[Click]:
        """Judge every new click, and again those that they can have changed, which are returned."""
        changed: list[Click] = []
        for first, last in self.spans(understand.window):
            changed += self._judge(first, last, understand)
        return changed

    def _judge(self, first: int, last: int, understand: Understand) -> list[Click]:
        window = understand.window
        start, end = first - 2 * window, last + 2 * window
        near = [click for click in self.known.values() if start <= click.at <= end]
        complete = start if len(near) < MOST else min(click.at for click in near)
        clicks = near + [click for click in self.new if first <= click.at <= last]
        clicks.sort(key=lambda click: click.order)
        spread = {click.ip: understand.sources.spread(click.ip, click.at) for click in clicks if click.ip}
        shown = [_shown(click, understand) for click in clicks]
        records = understand.records.of(shown, self.name)
        context = verdict.Context(delivered_at=self.delivered_at, links=self.links, spread=spread, records=records)
        changed = []
        for click, hit, judgement in zip(clicks, shown, understand.judge(shown, context), strict=True):
            again = click.before is not None
            if again and not max(first, complete + 2 * window) - window <= click.at <= last + window:
                continue
            understand.records.learn(hit, judgement, self.name)
            if _apply(click, judgement) and again:
                changed.append(click)
        return changed


def _shown(click: Click, understand: Understand) -> verdict.Hit:
    knows = understand.enricher
    return verdict.Hit(
        id=click.id,
        at=click.at,
        method=click.method,
        position=click.position,
        kind=click.kind,
        ip=click.ip,
        user_agent=click.user_agent,
        prefetch=click.prefetch,
        signals=tuple(click.signals.split()),
        client=click.client,
        device=click.device,
        network=click.network,
        network_certain=knows.is_certain(click.network, click.ip),
        user_agent_class=knows.user_agent_class(click.user_agent),
    )


def _apply(click: Click, judgement: verdict.Judgement) -> bool:
    """Take the judgement over; whether it is another one."""
    found = judgement.verdict
    if click.method != "GET" and found in COUNTED:
        found = "machine"  # whatever the rules say: nobody reads what a HEAD brings
    reasons = " ".join(judgement.reasons)
    if (found, judgement.confidence, reasons) == (click.verdict, click.confidence, click.reasons):
        return False
    click.verdict, click.confidence, click.reasons = found, judgement.confidence, reasons
    return True

"""The clicks of one message that are classified together: new ones and the stored ones around them.

A new hit can change the verdict of another one within a window; to classify that one as before, all within a window of
it must be at hand, hence two. When there are more than are read (`MAX_HITS_PER_SPAN`), those whose surroundings are
incomplete keep their verdict.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from linkweir.clicks import classify
from linkweir.clicks.classify import Classification, Evidence, Hit
from linkweir.clicks.classify.traffic_history import TrafficHistory
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.ingest.click import DIMENSION_FLAGS, AggregationTarget, Click
from linkweir.clicks.ingest.verdict_memory import VerdictMemory
from linkweir.db.click_probabilities import BASIS_POINTS
from linkweir.db.dimensions import DimensionValue
from linkweir.db.reclassification_queries import MAX_HITS_PER_SPAN, MessageRef

ClassifyFunction = Callable[[Sequence[Hit], Evidence], list[Classification]]


@dataclass(frozen=True, slots=True)
class ClickClassifier:
    """What clicks are classified with: enrichment, rules, and what is remembered of earlier clicks.

    `notify_delay_us`: from a click to its webhook request, so that a burst is over by then; `correction_delay_us`: from
    a changed verdict to its correction; `window_us`: how far apart clicks can change each other's verdicts. `memory`:
    where programs and addresses are remembered instead of in `history`.
    """

    enricher: Enricher
    notify_delay_us: int = 2_000_000
    correction_delay_us: int = 5_000_000
    classify_hits: ClassifyFunction = classify.classify_hits
    window_us: int = classify.WINDOW_US
    history: TrafficHistory = field(default_factory=TrafficHistory)
    memory: VerdictMemory | None = None


@dataclass(slots=True)
class MessageClicks:
    """One message's clicks. `known` are those of the database; `links` is how many tracked links the message has.
    `hit_count`: how many clicks of it are stored; None: not known.
    """

    message_key: MessageRef | None
    account_id: uuid.UUID | None
    delivered_at: int | None = None
    link_count: int | None = None
    hit_count: int | None = None
    target: AggregationTarget | None = None
    new: list[Click] = field(default_factory=list)
    stored: dict[uuid.UUID, Click] = field(default_factory=dict)

    def time_windows(self, window: int) -> Iterator[tuple[int, int]]:
        """From when to when the new clicks lie, in parts between which nothing can reach."""
        times = sorted(click.at for click in self.new)
        first = last = times[0]
        for at in times:
            if at - last > 4 * window:
                yield first, last
                first = at
            last = at
        yield first, last

    def classify(self, classifier: ClickClassifier, history: TrafficHistory) -> list[Click]:
        """Judge every new click, and again those that they can have changed, which are returned."""
        changed: list[Click] = []
        for first, last in self.time_windows(classifier.window_us):
            changed += self._classify_window(first, last, classifier, history)
        return changed

    def _classify_window(
        self, first: int, last: int, classifier: ClickClassifier, history: TrafficHistory
    ) -> list[Click]:
        window = classifier.window_us
        start, end = first - 2 * window, last + 2 * window
        stored = [click for click in self.stored.values() if start <= click.at <= end]
        complete = start if len(stored) < MAX_HITS_PER_SPAN else min(click.at for click in stored)
        clicks = stored + [click for click in self.new if first <= click.at <= last]
        clicks.sort(key=attrgetter("sort_key"))
        shown = [click.to_hit(classifier.enricher) for click in clicks]
        context = history.evidence_for(
            shown, self.message_key, delivered_at=self.delivered_at, link_count=self.link_count
        )
        changed = []
        for click, hit, judgement in zip(clicks, shown, classifier.classify_hits(shown, context), strict=True):
            again = click.counted_verdict is not None
            if again and not max(first, complete + 2 * window) - window <= click.at <= last + window:
                continue
            history.observe_verdict(hit, judgement, self.message_key)
            if _set_verdict(click, judgement) and again:
                changed.append(click)
        return changed


def _set_verdict(click: Click, classification: Classification) -> bool:
    """Take the judgement over; whether it is another one."""
    verdict, machine_probability = classification.for_method(click.method)
    reasons = " ".join(classification.reasons)
    judged = (verdict, classification.confidence, reasons, round(machine_probability * BASIS_POINTS))
    if judged == (click.verdict, click.confidence, click.reasons, click.machine_basis_points):
        return False
    click.verdict, click.confidence, click.reasons, click.machine_basis_points = judged
    return True


# The message's counted clicks in the database from a moment on, oldest first.
LoadLaterClicks = Callable[[int], Iterable[Click]]


class UniqueClicks:
    """Unique clicks: the first counted click of a message, overall and on each link, from each country, and so on.

    Clickers are counted by these. A verdict that changes, or an event that comes late, moves them. Begins with those in
    the database, and changes `unique_flags` of the clicks.
    """

    def __init__(self, stored: Iterable[Click]) -> None:
        self._current: dict[DimensionValue, Click] = {}
        for click in stored:
            for key in click.own_dimensions:
                if click.unique_flags & DIMENSION_FLAGS[key[0]]:
                    self._current[key] = click

    def update(self, clicks: Iterable[Click], load_later: LoadLaterClicks) -> None:
        """Take in clicks that are new or whose verdict changed. `load_later` is asked only when a first one was lost,
        and read no further than to those who take its place.
        """
        offered: list[Click] = []
        lost: dict[DimensionValue, Click] = {}
        for click in clicks:
            if click.is_counted:
                offered.append(click)
            elif click.unique_flags:
                lost |= self._release(click)
        for click in offered:
            self._claim(click, click.own_dimensions)
        if lost:
            self._promote_next(lost, load_later)

    def first_click_at(self, position: int) -> int | None:
        """When the first counted click on the link in this place was made; None: there was none."""
        times = [click.at for key, click in self._current.items() if key[0] == "link" and click.position == position]
        return min(times, default=None)

    def _release(self, click: Click) -> dict[DimensionValue, Click]:
        keys = [key for key in click.own_dimensions if click.unique_flags & DIMENSION_FLAGS[key[0]]]
        for key in keys:
            del self._current[key]
        click.unique_flags = 0
        return dict.fromkeys(keys, click)

    def _claim(self, click: Click, keys: Iterable[DimensionValue]) -> None:
        for key in keys:
            holder = self._current.get(key)
            if holder is None or click.sort_key < holder.sort_key:
                if holder is not None:
                    holder.unique_flags &= ~DIMENSION_FLAGS[key[0]]
                self._current[key] = click
                click.unique_flags |= DIMENSION_FLAGS[key[0]]

    def _promote_next(self, lost: dict[DimensionValue, Click], load_later: LoadLaterClicks) -> None:
        # nothing that counts is older than a first one that was lost: whoever reads on from there reads each click
        # at most once for each time that a first one moves on
        for click in load_later(min(unique.at for unique in lost.values())):
            promoted = [key for key in click.own_dimensions if key in lost]
            self._claim(click, promoted)
            for key in promoted:
                del lost[key]
            if not lost:
                return

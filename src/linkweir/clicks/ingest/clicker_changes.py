"""Changes of expected clickers: how likely each message of a batch was clicked by a person, before it and after it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from linkweir.clicks.ingest.click import AggregationTarget, Click
from linkweir.clicks.ingest.message_clicks import MessageClicks
from linkweir.db.click_probabilities import MAX_HITS_PER_MESSAGE, ExpectedClicker, ProbableHit, expected_clickers
from linkweir.db.dimensions import DimensionValue
from linkweir.db.expected_clickers import MessageKey, load_hits
from linkweir.db.reclassification_queries import MessageRef


@dataclass(slots=True)  # not frozen: one is made for every message of a batch
class ClickersChange:
    """The contribution of a message along each dimension, before a batch of clicks and after it."""

    message_key: MessageRef
    target: AggregationTarget | None
    before: Mapping[DimensionValue, ExpectedClicker]
    after: Mapping[DimensionValue, ExpectedClicker]


def iter_clicker_changes(connection: Connection, groups: Sequence[MessageClicks]) -> Iterator[ClickersChange]:
    """Yield the changes of these messages; the database must have their clicks as they were before."""
    changed = [(group, clicks) for group in groups if (clicks := _changed_clicks(group))]
    known: dict[MessageKey, dict[int, ProbableHit]] = {}
    for few in (True, False):
        keys = [_key(group) for group, _ in changed if group.hit_count != 0 and _has_few_hits(group) is few]
        known |= load_hits(connection, keys, few=few)
    for group, clicks in changed:
        yield _change(group, clicks, known.get(_key(group), {}))


def _changed_clicks(group: MessageClicks) -> list[Click]:
    """Return the clicks that are new or whose probability changed."""
    tied = (click for click in group.new if click.message_key is not None)
    return [click for click in (*tied, *group.stored.values()) if click.probability_changed]


def _key(group: MessageClicks) -> MessageKey:
    assert group.message_key is not None
    return group.account_id, group.message_key


def _has_few_hits(group: MessageClicks) -> bool:
    return group.hit_count is not None and group.hit_count <= MAX_HITS_PER_MESSAGE


def _change(group: MessageClicks, changed: Sequence[Click], known: Mapping[int, ProbableHit]) -> ClickersChange:
    now = dict(known)
    for click in changed:
        if click.counted_verdict is None or click.id.int in known:
            now[click.id.int] = click.to_probable_hit()
    assert group.message_key is not None
    before = expected_clickers(known.values()) if known else {}
    return ClickersChange(group.message_key, group.target, before, expected_clickers(now.values()))

"""From facts to clicks: whose they are, which message they belong to, and what address and user agent say.

Here the privacy mode is heeded once more: a click whose reader objected is tied to its message's campaign and to
nothing else, and so is one on a message that is gone, whose link goes on working.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from linkweir.clicks.click_event import ClickEvent, Enrichment
from linkweir.clicks.ingest import aggregation_target
from linkweir.clicks.ingest.classifier import ClickClassifier, EnricherInterface
from linkweir.clicks.ingest.click import IngestedClick
from linkweir.clicks.ingest.message_clicks import MessageClicks
from linkweir.db import clicks_table
from linkweir.db.dimensions import CLICK_DIMENSIONS
from linkweir.db.reclassification_queries import MessageRef
from linkweir.tokens.campaign_tags import SANDBOX_TAG, first_encodable_tag

MIN_OWN_NUMBER = 1 << 40  # numbers of this service are 62 random bits; whoever mints in bulk counts from 1


@dataclass(slots=True)
class AttributedClick:
    """A click that was not stored before, with what is stored of it beside what `Click` holds."""

    click: IngestedClick
    message_clicks: MessageClicks
    target: aggregation_target.AggregationTarget | None
    event: ClickEvent
    campaign: str | None
    system: str | None
    region: str | None


def attribute_events(
    connection: Connection, events: Sequence[ClickEvent], classifier: ClickClassifier
) -> list[AttributedClick]:
    """The facts that are new, each once, put to the group of their message."""
    once = {fact.id: fact for fact in events}
    new = [once[key] for key in once.keys() - clicks_table.find_stored_ids(connection, list(once))]
    new.sort(key=lambda fact: (fact.at, fact.id.int))
    known = clicks_table.get_messages_by_number(connection, {fact.number for fact in new if fact.number is not None})
    owners = clicks_table.get_key_owners(connection, {fact.key_id for fact in new}) if new else {}
    groups: dict[tuple[uuid.UUID | None, MessageRef], MessageClicks] = {}
    found = []
    for fact in new:
        row = known.get(fact.number) if fact.number is not None else None
        one = _attribute_event(fact, row, owners.get(fact.key_id), classifier.enricher, groups)
        one.message_clicks.new.append(one.click)
        if fact.ip and one.message_clicks.message_key is not None:
            classifier.ip_spread.observe(fact.ip, one.message_clicks.message_key, fact.at)
        found.append(one)
    return found


def _attribute_event(
    fact: ClickEvent,
    row: RowMapping | None,
    owner: uuid.UUID | None,
    enricher: EnricherInterface,
    groups: dict[tuple[uuid.UUID | None, MessageRef], MessageClicks],
) -> AttributedClick:
    account = row["account_id"] if row is not None else owner
    gone = row is None and fact.number is not None and fact.number >= MIN_OWN_NUMBER
    full = fact.privacy == "full"
    described = enricher.enrich(fact.ip, fact.user_agent) if full else _stored_enrichment(fact)
    click = _make_click(fact, account, described)
    campaign = fact.campaign
    if fact.objected:
        campaign = _aggregate_campaign(row) if row is not None else None
    elif gone:
        _strip_personal_data(click, described.signals)
    elif row is not None:
        click.message, click.message_ref = row["id"], None
    group = _get_message_clicks(groups, account, row["id"] if row is not None else click.message_ref, row)
    tied = click.message is not None
    where = group.target if tied else account and aggregation_target.target_for_campaign(account, campaign)
    told = described if not gone else Enrichment()
    return AttributedClick(click, group, where or None, fact, campaign, told.system, told.region)


def _aggregate_campaign(row: RowMapping) -> str | None:
    """What a click on this message counts under when it must not be tied to it."""
    return SANDBOX_TAG if row["sandbox_result"] is not None else first_encodable_tag(row["tags"])


def _stored_enrichment(fact: ClickEvent) -> Enrichment:
    return Enrichment(fact.client, fact.system, fact.device, fact.country, fact.region, fact.network)


def _make_click(fact: ClickEvent, account: uuid.UUID | None, described: Enrichment) -> IngestedClick:
    return IngestedClick(
        fact.id,
        fact.at,
        fact.kind,
        fact.method,
        fact.privacy,
        account,
        None,
        None if fact.objected else fact.message_ref,
        fact.position,
        fact.destination,
        fact.ip,
        fact.user_agent,
        fact.prefetch,
        fact.signals,
        described.network,
        dimension_values=tuple(
            [getattr(fact if one.from_request else described, one.name) for one in CLICK_DIMENSIONS]
        ),
    )


def _strip_personal_data(click: IngestedClick, user_agent_signals: Sequence[str]) -> None:
    """Nothing personal is kept of a click on a message that has expired or was erased; the class of its user agent is,
    or a program that says what it is would be taken for a person.
    """
    click.signals = " ".join((*click.signals.split(), *user_agent_signals))
    click.privacy = "anonymous"
    click.message_ref = click.destination = click.ip = click.user_agent = None
    click.dimension_values = tuple(
        value if one.is_coarse else None for one, value in zip(CLICK_DIMENSIONS, click.dimension_values, strict=True)
    )
    click.__post_init__()


def _get_message_clicks(
    groups: dict[tuple[uuid.UUID | None, MessageRef], MessageClicks],
    account: uuid.UUID | None,
    name: MessageRef | None,
    row: RowMapping | None,
) -> MessageClicks:
    if name is None:
        return MessageClicks(None, account)
    group = groups.get((account, name))
    if group is None:
        group = groups[account, name] = MessageClicks(name, account)
        if row is not None:
            group.delivered_at, group.link_count = row["delivered_at"], row["tracked_links"]
            group.target = aggregation_target.target_for_message(row)
        elif account is not None:
            group.target = aggregation_target.target_for_campaign(account, None)
    return group

"""Attribution: from click events to clicks, with their account, their message, and what is derived from them.

The privacy mode is enforced once more: a click whose reader opted out is tied to its message's campaign and to nothing
else, and so is one on a message that was deleted, whose link goes on working.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping

from linkweir.clicks.classify import InternalOrigin
from linkweir.clicks.click_event import MIN_OWN_NUMBER, ClickEvent
from linkweir.clicks.enrichment import Enricher, Enrichment
from linkweir.clicks.ingest.click import Click, target_for_campaign, target_for_message
from linkweir.clicks.ingest.message_clicks import ClickClassifier, MessageClicks
from linkweir.db import clicks_table, message_locks
from linkweir.db.dimensions import CLICK_DIMENSIONS
from linkweir.db.reclassification_queries import MessageRef
from linkweir.tokens.campaign_tags import INTERNAL_TAG, SANDBOX_TAG, first_encodable_tag

# by the numbers of account and message, which are hashed quicker than their ids; True: whose readers object
_Groups = dict[tuple[int | None, int | str, bool], MessageClicks]


def attribute_events(
    connection: Connection, events: Sequence[ClickEvent], classifier: ClickClassifier
) -> list[MessageClicks]:
    """The events that are not stored yet, each once, as new clicks by message, oldest first."""
    by_id = {event.id.int: event for event in events}
    numbers = {event.number for event in events if event.number is not None}
    messages = clicks_table.get_messages_by_number(connection, numbers, lock=True)
    message_locks.lock_references(
        connection, {event.message_ref for event in events if event.message_ref and event.number not in messages}
    )  # before it is asked what is stored: another worker may have some of these events
    for stored in clicks_table.find_stored_ids(connection, [event.id for event in by_id.values()]):
        del by_id[stored.int]
    new = list(by_id.values())
    new.sort(key=lambda event: (event.at, event.id.int))
    owners = clicks_table.get_key_owners(connection, {event.key_id for event in new}) if new else {}
    groups: _Groups = {}
    groups_by_id: dict[int, MessageClicks] = {}
    for event in new:
        row = messages.get(event.number) if event.number is not None else None
        group, click = _attribute_event(event, row, owners.get(event.key_id), classifier.enricher, groups)
        group.new.append(click)
        groups_by_id[id(group)] = group
    return list(groups_by_id.values())


def _attribute_event(
    event: ClickEvent, row: RowMapping | None, owner: uuid.UUID | None, enricher: Enricher, groups: _Groups
) -> tuple[MessageClicks, Click]:
    account_id = row["account_id"] if row is not None else owner
    if event.privacy == "full":
        enrichment = enricher.enrich(event.ip, event.user_agent)
    else:
        enrichment = Enrichment(device=event.device, country=event.country, network=event.network)
    internal, campaign = _find_internal_origin(event, row, account_id), event.campaign
    if campaign == INTERNAL_TAG:
        campaign = None
    if event.objected:
        campaign = _aggregate_campaign(row) if row is not None else None
    elif row is None and event.number is not None and event.number >= MIN_OWN_NUMBER:  # deleted or erased
        event, enrichment = _strip_personal_data(event, enrichment)
    message_id = row["id"] if row is not None and not event.objected else None
    click = Click.from_event(
        event, enrichment, account_id=account_id, message_id=message_id, campaign=campaign, internal=internal
    )
    group = _get_message_clicks(groups, account_id, row["id"] if row is not None else click.message_ref, row, event)
    if message_id is not None:
        click.target = group.target
    elif account_id is not None:
        click.target = target_for_campaign(account_id, campaign)
    return group, click


def _find_internal_origin(
    event: ClickEvent, row: RowMapping | None, account_id: uuid.UUID | None
) -> InternalOrigin | None:
    """By what the sender's own people made this click; None: not as far as is known."""
    if event.internal_accounts and account_id is not None and account_id.hex in event.internal_accounts.split():
        return "network"
    if event.campaign == INTERNAL_TAG or (row is not None and row["internal"]):
        return "recipient"
    return None


def _aggregate_campaign(row: RowMapping) -> str | None:
    """The campaign under which a click on this message counts when it must not be tied to it."""
    return SANDBOX_TAG if row["sandbox_result"] is not None else first_encodable_tag(row["tags"])


def _strip_personal_data(event: ClickEvent, enrichment: Enrichment) -> tuple[ClickEvent, Enrichment]:
    """Nothing personal is stored of a click on a message that has expired or was erased; the class of its user agent
    is, or a program that names itself would be classified as a person.
    """
    personal = [dimension for dimension in CLICK_DIMENSIONS if not dimension.is_coarse]
    requested: dict[str, Any] = {dimension.name: None for dimension in personal if dimension.from_request}
    derived: dict[str, Any] = {dimension.name: None for dimension in personal if not dimension.from_request}
    event = replace(
        event,
        signals=" ".join((*event.signals.split(), *enrichment.signals)),
        privacy="anonymous",
        message_ref=None,
        destination=None,
        ip=None,
        user_agent=None,
        **requested,
    )
    return event, replace(enrichment, system=None, region=None, **derived)


def _get_message_clicks(
    groups: _Groups, account_id: uuid.UUID | None, key: MessageRef | None, row: RowMapping | None, event: ClickEvent
) -> MessageClicks:
    """Clicks that are stored without their message are judged beside each other only: with those of the message, its
    verdicts would depend on what arrives together.
    """
    if key is None:
        return MessageClicks(None, account_id)
    name = key.int if isinstance(key, uuid.UUID) else key
    number = None if account_id is None else account_id.int
    group = groups.get((number, name, event.objected))
    if group is None:
        group = groups[number, name, event.objected] = MessageClicks(None if event.objected else key, account_id)
        if row is not None:
            group.delivered_at, group.link_count = row["delivered_at"], row["tracked_links"]
            group.hit_count = row["hit_count"]
            group.target = target_for_message(row)
        elif account_id is not None:
            group.target = target_for_campaign(account_id, None)
    return group

"""From facts to clicks: whose they are, which message they belong to, and what address and user agent say.

Here the privacy mode is heeded once more: a click whose reader objected is tied to its message's campaign and to
nothing else, and so is one on a message that is gone, whose link goes on working.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from linkweir.click import place
from linkweir.click.fact import Described, Fact
from linkweir.click.group import Group
from linkweir.click.single import Click
from linkweir.click.understand import Enricher, Understand
from linkweir.store import clicks
from linkweir.store.hits import Name
from linkweir.token.campaign import SANDBOX, first

OURS = 1 << 40  # numbers of this service are 62 random bits; whoever mints in bulk counts from 1


@dataclass(slots=True)
class Received:
    """A click that was not stored before, with what is stored of it beside what `Click` holds."""

    click: Click
    group: Group
    place: place.Place | None
    fact: Fact
    campaign: str | None
    system: str | None
    region: str | None


def receive(connection: Connection, facts: Sequence[Fact], understand: Understand) -> list[Received]:
    """The facts that are new, each once, put to the group of their message."""
    once = {fact.id: fact for fact in facts}
    new = [once[key] for key in once.keys() - clicks.stored(connection, list(once))]
    new.sort(key=lambda fact: (fact.at, fact.id.int))
    known = clicks.messages_of(connection, {fact.number for fact in new if fact.number is not None})
    owners = clicks.owners(connection, {fact.key_id for fact in new}) if new else {}
    groups: dict[tuple[uuid.UUID | None, Name], Group] = {}
    found = []
    for fact in new:
        row = known.get(fact.number) if fact.number is not None else None
        one = _received(fact, row, owners.get(fact.key_id), understand.enricher, groups)
        one.group.new.append(one.click)
        if fact.ip and one.group.name is not None:
            understand.sources.note(fact.ip, one.group.name, fact.at)
        found.append(one)
    return found


def _received(
    fact: Fact,
    row: RowMapping | None,
    owner: uuid.UUID | None,
    enricher: Enricher,
    groups: dict[tuple[uuid.UUID | None, Name], Group],
) -> Received:
    account = row["account_id"] if row is not None else owner
    gone = row is None and fact.number is not None and fact.number >= OURS
    full = fact.privacy == "full"
    described = enricher.describe(fact.ip, fact.user_agent) if full else _said(fact)
    click = _click(fact, account, described)
    campaign = fact.campaign
    if fact.objected:
        campaign = _campaign(row) if row is not None else None
    elif gone:
        _forget(click, described.signals)
    elif row is not None:
        click.message, click.ref = row["id"], None
    group = _group(groups, account, row["id"] if row is not None else click.ref, row)
    tied = click.message is not None
    where = group.place if tied else account and place.of_campaign(account, campaign)
    told = described if not gone else Described()
    return Received(click, group, where or None, fact, campaign, told.system, told.region)


def _campaign(row: RowMapping) -> str | None:
    """What a click on this message counts under when it must not be tied to it."""
    return SANDBOX if row["sandbox_result"] is not None else first(row["tags"])


def _said(fact: Fact) -> Described:
    return Described(fact.client, fact.system, fact.device, fact.country, fact.region, fact.network)


def _click(fact: Fact, account: uuid.UUID | None, described: Described) -> Click:
    return Click(
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
        described.client,
        described.device,
        described.country,
        described.network,
    )


def _forget(click: Click, said: Sequence[str]) -> None:
    """Nothing personal is kept of a click on a message that has expired or was erased; the class of its user agent is,
    or a program that says what it is would be taken for a person.
    """
    click.signals = " ".join((*click.signals.split(), *said))
    click.privacy = "anonymous"
    click.ref = click.destination = click.ip = click.user_agent = click.client = None
    click.__post_init__()


def _group(
    groups: dict[tuple[uuid.UUID | None, Name], Group],
    account: uuid.UUID | None,
    name: Name | None,
    row: RowMapping | None,
) -> Group:
    if name is None:
        return Group(None, account)
    group = groups.get((account, name))
    if group is None:
        group = groups[account, name] = Group(name, account)
        if row is not None:
            group.delivered_at, group.links = row["delivered_at"], row["tracked_links"]
            group.place = place.of_message(row)
        elif account is not None:
            group.place = place.of_campaign(account, None)
    return group

"""A mix of traffic to judge verdicts on, made from public sources only.

It was written without knowledge of the rules that give verdicts, and is not for tuning them. `sources.py` lists where
each share, time and header comes from; behaviours of people are in `people.py`, of machines in `machines.py`, of what
comes with a click in `companions.py`; who they are is in `organisations.py`.
"""

from dataclasses import replace
from random import Random

from bench.simulator.clients import EPOCH_SECONDS, Campaign, Mail
from bench.simulator.holdout.companions import antivirus_arrival
from bench.simulator.holdout.machines import scan
from bench.simulator.holdout.mailings import Mailing, Schedule, deliveries
from bench.simulator.holdout.organisations import Person
from bench.simulator.holdout.people import read
from bench.simulator.holdout.world import World, WorldBuilder


def generate(seed: int, mails: int) -> Campaign:
    """`mails` mails with at least one request each, over six weeks, to returning people; all of it follows from `seed`.

    A mail that nobody and nothing opens is left out.
    """
    rng = Random(seed)  # noqa: S311 - a simulation, not a secret
    world = WorldBuilder(rng).build(max(30, mails // 10))
    campaign = Campaign(data_centres=world.data_centres(), internal_networks=world.internal_networks)
    schedule = Schedule(rng, mails)
    while len(campaign.mails) < mails:
        mailing = schedule.next_mailing(rng)
        before = len(campaign.mails)
        for person, delivered in deliveries(rng, mailing, world):
            mail = Mail(len(campaign.mails), mailing.links, delivered, [], mailing.number, person.address)
            _treat(mail, mailing, person, world, rng)
            if mail.requests and len(campaign.mails) < mails:
                campaign.mails.append(_count_from_epoch(mail))
        schedule.count(len(campaign.mails) - before)
    return campaign


def _count_from_epoch(mail: Mail) -> Mail:
    """The mail with its requests in order, and times as the other mixes have them; browsers are of a day in time."""
    requests = sorted(mail.requests, key=lambda request: request.at)
    mail.requests = [replace(request, at=request.at - EPOCH_SECONDS) for request in requests]
    mail.delivered -= EPOCH_SECONDS
    return mail


def _treat(mail: Mail, mailing: Mailing, person: Person, world: World, rng: Random) -> None:
    """Let the organisation's filters and the person have a mail."""
    scan(mail, person.organisation.filters, mail.delivered, rng, mailing.intensity)
    if person.companion == "antivirus-arrival":
        antivirus_arrival(mail, person, mail.delivered, rng)
    if person.habit == "tester" or rng.random() < mailing.kind.clicks * min(2.0, person.activity):
        read(mail, person, world, mailing.kind.waiting, rng)

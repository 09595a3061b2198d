"""Mails of one morning, or of a season: organisations, their scanners and their people, all from one seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from bench.simulator import clients, human_clicks, scanners
from bench.simulator.clients import Campaign, DataCentre, Mail
from bench.simulator.human_clicks import ReaderProfile
from bench.simulator.scanners import SecurityGateway

# How often each manner of sweeping is met before a seed shifts the weights: the measured one leads.
BEHAVIOUR_WEIGHTS = {"at once": 58.0, "in a row": 14.0, "slowly": 6.0, "strewn": 3.0, "partial": 7.0, "head first": 8.0}
BEHAVIOUR_WEIGHTS["library"] = 4.0
DAY_SECONDS = 86_400.0
REACHED_SHARE = 0.8  # the part of the organisations that a mailing of a season goes to


@dataclass(frozen=True, slots=True)
class _Population:
    """How common each manner of sweeping is, clicking at all, and mails to a list; `makers`: whose data centres are
    shared by many organisations, for their scanners and for their isolating browsers.
    """

    behaviour_weights: dict[str, float]
    click_rate: float
    list_rate: float
    vendors: Sequence[DataCentre] = ()


@dataclass(frozen=True, slots=True)
class _Organisation:
    """The people of one office, or somebody at home with habits of their own, and whatever scans their mail."""

    size: int
    office: str | None
    relay: DataCentre | None
    gateway: SecurityGateway | None
    checks_clicks: bool
    profile: ReaderProfile | None = None


def generate_campaign(seed: int, mails: int = 400) -> Campaign:
    """The traffic of about this many mails, sent once. Each seed shifts how common every manner and habit is."""
    dice = Random(seed)  # noqa: S311 - traffic must be repeatable, and is no secret
    crowd, made = _make_population(dice), Campaign()
    while len(made.mails) < mails:
        somebody = _make_organisation(dice, crowd, made)
        _add_mailing(dice, crowd, made, somebody, links=clients.random_link_count(dice), sent=dice.uniform(0, 600))
    return made


def generate_campaign_series(seed: int, mails: int = 400, mailings: int = 6, *, lists: bool = True) -> Campaign:
    """The traffic of several mailings over days to the same people, alerts and newsletters: about this many mails each.

    Scanners and people come back from where they were. Half of the organisations use one of few makers, whose networks
    are the same for all customers, and some read through isolating browsers in their scanner's own networks. Somebody
    at home keeps place, browser and habit, be it to open everything at once. `lists`: some mails have many readers.
    """
    dice = Random(seed)  # noqa: S311 - traffic must be repeatable, and is no secret
    crowd = _make_population(dice, [clients.make_data_centre(dice) for _ in range(dice.randint(3, 8))])
    crowd = crowd if lists else replace(crowd, list_rate=0.0)
    made, everyone = Campaign(), list[_Organisation]()
    while sum(one.size for one in everyone) * REACHED_SHARE < mails:
        everyone.append(_make_organisation(dice, crowd, made, returning=True))
    start = 0.0
    for _ in range(mailings):
        for one in everyone:
            if dice.random() < REACHED_SHARE:
                links = clients.random_link_count(dice)
                _add_mailing(dice, crowd, made, one, links=links, sent=start + dice.uniform(0, 600))
        start += dice.uniform(0.2, 3) * DAY_SECONDS
    return made


def _make_population(rng: Random, makers: Sequence[DataCentre] = ()) -> _Population:
    manners = {name: weight * rng.lognormvariate(0, 0.5) for name, weight in BEHAVIOUR_WEIGHTS.items()}
    return _Population(manners, rng.uniform(0.25, 0.6), rng.uniform(0.0, 0.02), makers)


def _make_organisation(
    rng: Random, population: _Population, made: Campaign, *, returning: bool = False
) -> _Organisation:
    size = rng.choices((1, rng.randint(2, 12), rng.randint(13, 60)), (70, 22, 8))[0]
    office = clients.random_ip(rng) if size > 1 else None
    relay = clients.make_data_centre(rng) if office and rng.random() < 0.12 else None
    gate = (
        scanners.make_gateway(rng, office or clients.random_ip(rng), population.behaviour_weights)
        if rng.random() < 0.5
        else None
    )
    checks_clicks = gate is not None and rng.random() < 0.06
    habit = None
    if returning:
        gate, relay = _use_shared_vendor(rng, population, gate, relay)
        habit = human_clicks.make_profile(rng) if size == 1 else None
    made.data_centres.extend(home for home in (relay, gate.home if gate else None) if isinstance(home, DataCentre))
    return _Organisation(size, office, relay, gate, checks_clicks, habit)


def _use_shared_vendor(
    rng: Random, population: _Population, gateway: SecurityGateway | None, relay: DataCentre | None
) -> tuple[SecurityGateway | None, DataCentre | None]:
    if gateway and isinstance(gateway.home, DataCentre) and rng.random() < 0.5:
        gateway = gateway.with_home(rng.choice(population.vendors))
    if relay and gateway and isinstance(gateway.home, DataCentre) and rng.random() < 0.3:
        relay = gateway.home
    return gateway, relay


def _add_mailing(
    rng: Random, population: _Population, made: Campaign, to: _Organisation, *, links: int, sent: float
) -> None:
    """Mails to everybody there."""
    gate = to.gateway
    for _ in range(to.size):
        mail = Mail(len(made.mails), links, sent + rng.uniform(0, 5))
        if gate and rng.random() < 0.02:
            scanners.add_probe(rng, mail, gate)
        elif gate:
            scanners.add_scan(rng, mail, gate)
        human_clicks.add_reader_clicks(
            rng,
            mail,
            office=to.office,
            relay=to.relay,
            click_rate=population.click_rate,
            list_rate=population.list_rate,
            profile=to.profile,
        )
        if to.checks_clicks and gate:
            scanners.add_click_time_check(rng, mail, gate)
        if rng.random() < 0.03:
            human_clicks.add_prefetch(rng, mail)
        made.mails.append(mail)

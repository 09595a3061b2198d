"""Mails of one morning, or of a season: organisations, their scanners and their people, all from one seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from bench.simulator import people, scanners, world
from bench.simulator.people import Habit
from bench.simulator.scanners import Gateway
from bench.simulator.world import DataCentre, Mail

# How often each manner of sweeping is met before a seed shifts the weights: the measured one leads.
MANNERS = {"at once": 58.0, "in a row": 14.0, "slowly": 6.0, "strewn": 3.0, "partial": 7.0, "head first": 8.0}
MANNERS["library"] = 4.0
DAY = 86_400.0
REACHED = 0.8  # the part of the organisations that a mailing of a season goes to


@dataclass(frozen=True, slots=True)
class Campaign:
    """Mails with the requests for their links; `data_centres` are networks of which an operator's list names some."""

    mails: list[Mail] = field(default_factory=list)
    data_centres: list[DataCentre] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Crowd:
    """How common each manner of sweeping is, clicking at all, and mails to a list; `makers`: whose data centres are
    shared by many organisations, for their scanners and for their isolating browsers.
    """

    manners: dict[str, float]
    eager: float
    many: float
    makers: Sequence[DataCentre] = ()


@dataclass(frozen=True, slots=True)
class _Organisation:
    """The people of one office, or somebody at home with habits of their own, and whatever scans their mail."""

    size: int
    office: str | None
    relay: DataCentre | None
    gate: Gateway | None
    checks_clicks: bool
    habit: Habit | None = None


def campaign(seed: int, mails: int = 400) -> Campaign:
    """The traffic of about this many mails, sent once. Each seed shifts how common every manner and habit is."""
    dice = Random(seed)  # noqa: S311 - traffic must be repeatable, and is no secret
    crowd, made = _crowd(dice), Campaign()
    while len(made.mails) < mails:
        somebody = _organisation(dice, crowd, made)
        _mailing(dice, crowd, made, somebody, links=world.links_of_a_mail(dice), sent=dice.uniform(0, 600))
    return made


def season(seed: int, mails: int = 400, mailings: int = 6, *, lists: bool = True) -> Campaign:
    """The traffic of several mailings over days to the same people, alerts and newsletters: about this many mails each.

    Scanners and people come back from where they were. Half of the organisations use one of few makers, whose networks
    are the same for all customers, and some read through isolating browsers in their scanner's own networks. Somebody
    at home keeps place, browser and habit, be it to open everything at once. `lists`: some mails have many readers.
    """
    dice = Random(seed)  # noqa: S311 - traffic must be repeatable, and is no secret
    crowd = _crowd(dice, [world.data_centre(dice) for _ in range(dice.randint(3, 8))])
    crowd = crowd if lists else replace(crowd, many=0.0)
    made, everyone = Campaign(), list[_Organisation]()
    while sum(one.size for one in everyone) * REACHED < mails:
        everyone.append(_organisation(dice, crowd, made, returning=True))
    start = 0.0
    for _ in range(mailings):
        for one in everyone:
            if dice.random() < REACHED:
                links = world.links_of_a_mail(dice)
                _mailing(dice, crowd, made, one, links=links, sent=start + dice.uniform(0, 600))
        start += dice.uniform(0.2, 3) * DAY
    return made


def _crowd(dice: Random, makers: Sequence[DataCentre] = ()) -> _Crowd:
    manners = {name: weight * dice.lognormvariate(0, 0.5) for name, weight in MANNERS.items()}
    return _Crowd(manners, dice.uniform(0.25, 0.6), dice.uniform(0.0, 0.02), makers)


def _organisation(dice: Random, crowd: _Crowd, made: Campaign, *, returning: bool = False) -> _Organisation:
    size = dice.choices((1, dice.randint(2, 12), dice.randint(13, 60)), (70, 22, 8))[0]
    office = world.anywhere(dice) if size > 1 else None
    relay = world.data_centre(dice) if office and dice.random() < 0.12 else None
    gate = scanners.gateway(dice, office or world.anywhere(dice), crowd.manners) if dice.random() < 0.5 else None
    checks_clicks = gate is not None and dice.random() < 0.06
    habit = None
    if returning:
        gate, relay = _of_a_maker(dice, crowd, gate, relay)
        habit = people.habit(dice) if size == 1 else None
    made.data_centres.extend(home for home in (relay, gate.home if gate else None) if isinstance(home, DataCentre))
    return _Organisation(size, office, relay, gate, checks_clicks, habit)


def _of_a_maker(
    dice: Random, crowd: _Crowd, gate: Gateway | None, relay: DataCentre | None
) -> tuple[Gateway | None, DataCentre | None]:
    if gate and isinstance(gate.home, DataCentre) and dice.random() < 0.5:
        gate = gate.moved(dice.choice(crowd.makers))
    if relay and gate and isinstance(gate.home, DataCentre) and dice.random() < 0.3:
        relay = gate.home
    return gate, relay


def _mailing(dice: Random, crowd: _Crowd, made: Campaign, to: _Organisation, *, links: int, sent: float) -> None:
    """Mails to everybody there."""
    gate = to.gate
    for _ in range(to.size):
        mail = Mail(len(made.mails), links, sent + dice.uniform(0, 5))
        if gate and dice.random() < 0.02:
            scanners.probe(dice, mail, gate)
        elif gate:
            scanners.sweep(dice, mail, gate)
        people.readers(dice, mail, office=to.office, relay=to.relay, eager=crowd.eager, many=crowd.many, habit=to.habit)
        if to.checks_clicks and gate:
            scanners.check_at_click(dice, mail, gate)
        if dice.random() < 0.03:
            people.ahead(dice, mail)
        made.mails.append(mail)

"""A campaign: organisations, their mails, their scanners and their people, all from one seed."""

from dataclasses import dataclass
from random import Random

from bench.simulator import people, scanners, world
from bench.simulator.world import DataCentre, Mail

# How often each manner of sweeping is met before a seed shifts the weights: the measured one leads.
MANNERS = {"at once": 58.0, "in a row": 14.0, "slowly": 6.0, "strewn": 3.0, "partial": 7.0, "head first": 8.0}
MANNERS["library"] = 4.0


@dataclass(frozen=True, slots=True)
class Campaign:
    """Mails with the requests for their links; `data_centres` are networks of which an operator's list names some."""

    mails: list[Mail]
    data_centres: list[DataCentre]


def campaign(seed: int, mails: int = 400) -> Campaign:
    """The traffic of about this many mails. Each seed shifts how common every manner and habit is."""
    dice = Random(seed)  # noqa: S311 - traffic must be repeatable, and is no secret
    manners = {name: weight * dice.lognormvariate(0, 0.5) for name, weight in MANNERS.items()}
    crowd = _Crowd(manners, dice.uniform(0.25, 0.6), dice.uniform(0.0, 0.02))
    made = Campaign([], [])
    while len(made.mails) < mails:
        _organisation(dice, crowd, made)
    return made


@dataclass(frozen=True, slots=True)
class _Crowd:
    """How common each manner of sweeping is, clicking at all, and mails to a list."""

    manners: dict[str, float]
    eager: float
    many: float


def _organisation(dice: Random, crowd: _Crowd, made: Campaign) -> None:
    """Mails to the people of one office, or to somebody at home."""
    size = dice.choices((1, dice.randint(2, 12), dice.randint(13, 60)), (70, 22, 8))[0]
    office = world.anywhere(dice) if size > 1 else None
    relay = world.data_centre(dice) if office and dice.random() < 0.12 else None
    gate = scanners.gateway(dice, office or world.anywhere(dice), crowd.manners) if dice.random() < 0.5 else None
    checks_clicks = gate is not None and dice.random() < 0.06
    links, sent = world.links_of_a_mail(dice), dice.uniform(0, 600)
    made.data_centres.extend(home for home in (relay, gate.home if gate else None) if isinstance(home, DataCentre))
    for _ in range(size):
        mail = Mail(len(made.mails), links, sent + dice.uniform(0, 5))
        if gate and dice.random() < 0.02:
            scanners.probe(dice, mail, gate)
        elif gate:
            scanners.sweep(dice, mail, gate)
        people.readers(dice, mail, office=office, relay=relay, eager=crowd.eager, many=crowd.many)
        if checks_clicks and gate:
            scanners.check_at_click(dice, mail, gate)
        if dice.random() < 0.03:
            people.ahead(dice, mail)
        made.mails.append(mail)

"""Mailings: their kinds, how many links they have, whom they go to and when they are delivered."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from random import Random

from bench.simulator.clients import EPOCH_SECONDS
from bench.simulator.holdout.distributions import DAY_SECONDS, HOUR_SECONDS, spread
from bench.simulator.holdout.organisations import Person
from bench.simulator.holdout.world import World

WEEKS = 6


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mail: its share of mails, bands of links as (share, from, to), whether it goes to many at once.

    `clicks` is the share of mails that a person clicks in: far more than in life, where it is one in fifty, because a
    mail without requests is no question to anybody; own judgement, so that machines make the shares of omnivery.
    """

    share: float
    links: tuple[tuple[float, int, int], ...]
    clicks: float
    waiting: bool = False
    business_share: float = 0.5


# Link counts: bands of mailerlite-links, 9 to 10 links in craft-campaign#546; the shares are own judgement.
KINDS: dict[str, Kind] = {
    "newsletter": Kind(0.36, ((0.3, 6, 10), (0.45, 9, 16), (0.25, 17, 30)), 0.40),
    "promotion": Kind(0.20, ((0.5, 3, 6), (0.5, 7, 20)), 0.40, business_share=0.35),
    "digest": Kind(0.04, ((1.0, 20, 45),), 0.45),
    "invitation": Kind(0.13, ((0.2, 1, 1), (0.8, 2, 5)), 0.40, business_share=0.7),
    "notice": Kind(0.12, ((0.5, 1, 1), (0.5, 2, 3)), 0.45),
    "confirmation": Kind(0.14, ((0.72, 1, 1), (0.28, 2, 2)), 0.88, waiting=True, business_share=0.45),
}


@dataclass(frozen=True, slots=True)
class Mailing:
    """Mails with the same links: of `kind`, begun at a time, to many within minutes or to one after the other."""

    number: int
    kind: Kind
    links: int
    begin: float
    intensity: float  # how much filters distrust it, for reputation changes how many mails are swept (suped-timing)
    size: int  # to how many; log-normal, as inntopia's mean of 175,000 is far beyond a sample of some thousand mails


def random_begin(rng: Random) -> float:
    """A time of sending: six weeks, work days three times as often, by day."""
    while True:
        day = rng.randrange(WEEKS * 7)
        midnight = EPOCH_SECONDS - EPOCH_SECONDS % DAY_SECONDS + day * DAY_SECONDS
        if day % 7 in (0, 6) and rng.random() < 0.67:  # the epoch is a Sunday
            continue
        at = midnight + rng.choice((6, 7, 8, 8, 9, 9, 10, 11, 13, 14, 15, 16, 18)) * HOUR_SECONDS + rng.uniform(0, 1800)
        if at > EPOCH_SECONDS:
            return at


class Schedule:
    """Gives mailing after mailing, so that each kind gets its share of the mails that come of them."""

    def __init__(self, rng: Random, mails: int) -> None:
        weights = {name: kind.share * exp(rng.gauss(0.0, 0.15)) for name, kind in KINDS.items()}
        self._targets = {name: weight / sum(weights.values()) for name, weight in weights.items()}
        self._mails = dict.fromkeys(KINDS, 0)
        self._kind = ""
        self._number = -1
        self._median_size = max(8.0, mails / 150)

    def next_mailing(self, rng: Random) -> Mailing:
        """The next mailing, of the kind that lags most behind its share."""
        total = sum(self._mails.values()) + 1
        self._kind = max(KINDS, key=lambda name: self._targets[name] * total - self._mails[name])
        self._number += 1
        kind = KINDS[self._kind]
        _, low, high = rng.choices(kind.links, [share for share, _, _ in kind.links])[0]
        size = max(3, int(spread(rng, self._median_size, 0.8)))
        return Mailing(self._number, kind, rng.randint(low, high), random_begin(rng), spread(rng, 1.0, 0.25), size)

    def count(self, mails: int) -> None:
        """Count the mails that came of the mailing."""
        self._mails[self._kind] += mails


def deliveries(rng: Random, mailing: Mailing, world: World) -> Iterator[tuple[Person, float]]:
    """Whom a mailing's mails go to, and when their servers take them; greylisting delays one in forty."""
    people = [person for person in world.people if person.organisation.business]
    consumers = [person for person in world.people if not person.organisation.business]
    length = spread(rng, 60 + 2.0 * mailing.size, 0.6)
    chosen: set[str] = set()
    for _ in range(mailing.size):
        person = rng.choice(people if rng.random() < mailing.kind.business_share else consumers)
        if person.address in chosen and not mailing.kind.waiting:
            continue
        chosen.add(person.address)
        if mailing.kind.waiting:
            at = mailing.begin - mailing.begin % DAY_SECONDS + rng.uniform(5, 23) * HOUR_SECONDS
            at = max(EPOCH_SECONDS, at + rng.randrange(14) * DAY_SECONDS)
        else:
            at = mailing.begin + rng.uniform(0, length)
            if rng.random() < 0.025:
                at += spread(rng, 900, 0.6)
        yield person, at
    if not mailing.kind.waiting:
        for person in rng.sample(world.testers, rng.choice((1, 1, 2))):
            yield person, max(EPOCH_SECONDS, mailing.begin - abs(rng.gauss(1, 0.7)) * HOUR_SECONDS)

"""People who follow links: once, twice, quickly, on several devices, in offices, through relays, for others."""

from dataclasses import dataclass
from random import Random

from bench.simulator import world
from bench.simulator.world import Mail, Seat

MANNERS = ("one", "some", "tabs", "all")
USUAL = (72, 18, 7, 3)


@dataclass(frozen=True, slots=True)
class Habit:
    """What somebody keeps from mail to mail: place and browser, and how they follow links."""

    seat: Seat
    manners: tuple[int, ...]


def habit(dice: Random) -> Habit:
    """Of somebody at home; a few open nearly everything at once, every time."""
    return Habit(seat(dice, None, None), dice.choices((USUAL, (20, 10, 65, 5)), (93, 7))[0])


def first_click(dice: Random) -> float:
    """Seconds from delivery until somebody follows a link; a few wait for the mail and click at once."""
    if dice.random() < 0.04:
        return dice.uniform(3, 30)
    return 20 + dice.lognormvariate(8.6, 1.9)  # half within an hour and a half, a tenth within eight minutes


def seat(dice: Random, office: str | None, relay: world.DataCentre | None) -> Seat:
    """A desk in the office or at home, or a phone on the way."""
    headers = world.person_headers(dice)
    if dice.random() < 0.4 and relay is None:
        return Seat(world.anywhere(dice), world.phone(dice), headers)
    agent = world.desktop(dice)
    if office and dice.random() < 0.08:
        agent = world.OUTLOOK.format(dice.choice((4266, 17328, 18025)))
        headers = {"accept": "*/*", "accept-language": "en-GB"}
    if relay:  # an isolating browser: it fetches with what the relay's own Chrome says
        return Seat(relay.address(dice), world.WINDOWS_CHROME.format(140), headers)
    return Seat(office or world.anywhere(dice), agent, headers)


def follow(dice: Random, mail: Mail, start: float, at: Seat, who: str, *, manners: tuple[int, ...] = USUAL) -> None:
    """One sitting of one person with one mail."""
    kind = dice.choices(MANNERS, manners)[0] if mail.links > 1 else "one"
    wanted = {"one": 1, "some": dice.randint(2, 4), "tabs": dice.randint(2, 7), "all": mail.links}[kind]
    chosen = dice.sample(range(mail.links), min(wanted, mail.links, 14))
    if kind != "one" and dice.random() < 0.65:
        chosen.sort()  # most people read from the top
    now = start
    for link in chosen:
        mail.add(now, link, at, f"human/{who}, {kind}")
        if dice.random() < 0.06:
            mail.add(now + dice.uniform(0.12, 0.7), link, at, f"human/{who}, double click")
        now += _pause(dice, kind)


def _pause(dice: Random, kind: str) -> float:
    if kind == "tabs":  # a hand, a mouse and the next link
        return max(0.35, dice.lognormvariate(0.6, 0.5))
    return 3 + dice.lognormvariate(3.0, 0.9)


def readers(
    dice: Random,
    mail: Mail,
    *,
    office: str | None,
    relay: world.DataCentre | None,
    eager: float,
    many: float,
    habit: Habit | None = None,
) -> None:
    """Everybody who follows links of this mail. `eager`: the part of people who click; `many`: of mails that go to a
    list or a shared mailbox; `habit`: of the one who reads it first.
    """
    if dice.random() < many:
        for _ in range(round(10 * 60 ** dice.random())):
            place = seat(dice, office if dice.random() < 0.7 else None, relay)
            follow(dice, mail, mail.delivered + dice.uniform(20, 40) + dice.expovariate(1 / 2500), place, "of a list")
        return
    if dice.random() > eager:
        return
    start = mail.delivered + first_click(dice)
    place = habit.seat if habit else seat(dice, office, relay)
    who = "relayed" if relay else "office" if office else "alone"
    follow(dice, mail, start, place, who, manners=habit.manners if habit else USUAL)
    if dice.random() < 0.10:
        device = Seat(world.anywhere(dice), world.phone(dice), world.person_headers(dice))
        follow(dice, mail, start + dice.lognormvariate(7, 2), device, "second device")
    if dice.random() < 0.05:
        for _ in range(dice.randint(1, 5)):
            friend = seat(dice, office if dice.random() < 0.5 else None, None)
            follow(dice, mail, start + 60 + dice.lognormvariate(7.5, 1.5), friend, "forwarded")


def ahead(dice: Random, mail: Mail) -> None:
    """A browser or mail program that fetches links before anybody looks, and says so."""
    place = seat(dice, None, None)
    headers = {**place.headers, dice.choice(("sec-purpose", "purpose", "x-moz")): "prefetch"}
    start = mail.delivered + first_click(dice)
    links = dice.sample(range(mail.links), min(mail.links, dice.randint(1, 3)))
    for link in links:
        mail.add(start + dice.uniform(0, 0.4), link, Seat(place.ip, place.agent, headers), "prefetch/browser")
    if dice.random() < 0.5:
        mail.add(start + dice.uniform(2, 40), links[0], place, "human/after prefetch")

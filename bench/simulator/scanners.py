"""Machines that follow links: gateways that sweep a mail at once, slowly, in part or from many places, and bots."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from bench.simulator import world
from bench.simulator.world import DataCentre, Mail, Seat

# Start after delivery of 836 sweeps that somebody measured (field.md, section 4): seconds from, to, part in per mille.
STARTS = ((0, 10, 5), (10, 20, 22), (20, 60, 664), (60, 300, 283), (300, 1800, 19), (1800, 7200, 7))
BARE = {"accept": "*/*", "accept-encoding": "gzip"}
LIBRARIES = ("python-requests/2.32.3", "Go-http-client/1.1", "curl/8.9.1", "okhttp/4.12.0", "Apache-HttpClient/4.5.14")


@dataclass(frozen=True, slots=True)
class Gateway:
    """One maker's scanner as an organisation has it: its places, its looks and the manner of its sweeps."""

    manner: str
    home: DataCentre | str  # a str: an appliance behind the office's own address
    agents: tuple[str, ...]
    headers: dict[str, str]
    rotates: bool
    fraction: float
    pace: float
    ordered: bool
    again: float

    def seat(self, dice: Random) -> Seat:
        """Where a request comes from, and what it says."""
        ip = self.home if isinstance(self.home, str) else self.home.address(dice)
        return Seat(ip, dice.choice(self.agents), self.headers)

    def moved(self, home: DataCentre) -> "Gateway":
        """The same scanner in another data centre."""
        return replace(self, home=home)


def gateway(dice: Random, office: str, manners: dict[str, float]) -> Gateway:
    """A scanner whose manner is drawn from these weights, and its details from wide ranges."""
    manner = dice.choices(list(manners), list(manners.values()))[0]
    agents = {world.WINDOWS_CHROME.format(version) for version in dice.sample((118, 126, 138, 139, 140, 141), 3)}
    appliance = dice.random() < 0.15
    return Gateway(
        manner=manner,
        home=office if appliance else world.data_centre(dice),
        agents=(dice.choice(LIBRARIES),) if manner == "library" else tuple(sorted(agents)[: dice.choice((1, 1, 1, 3))]),
        headers=dict(BARE) if manner == "library" or dice.random() < 0.35 else dict(world.FULL_HEADERS),
        rotates=dice.random() < 0.5,
        fraction=dice.uniform(0.3, 0.9) if manner == "partial" else dice.choice((1.0, 1.0, 1.0, 0.9)),
        pace=dice.lognormvariate(1.6, 0.9),  # seconds a link, of those that go slowly: 5, mostly from 1 to 25
        ordered=dice.random() < 0.8,
        again=dice.choice((0.0, 0.0, 0.15)),
    )


def start(dice: Random) -> float:
    """Seconds after delivery until a sweep begins."""
    low, high, _ = dice.choices(STARTS, [part for _, _, part in STARTS])[0]
    return dice.uniform(low, high)


def sweep(dice: Random, mail: Mail, gate: Gateway) -> None:
    """Everything that a gateway does with one mail."""
    begin = mail.delivered + start(dice)
    _once(dice, mail, gate, begin)
    if dice.random() < gate.again:
        later = begin + dice.uniform(120, 4000)
        if dice.random() < 0.5:
            _once(dice, mail, gate, later)
        else:
            link = dice.randrange(mail.links)
            mail.add(later, link, gate.seat(dice), "machine/checks one again")


def _once(dice: Random, mail: Mail, gate: Gateway, begin: float) -> None:
    links = list(range(mail.links))
    if gate.fraction < 1:
        links = sorted(dice.sample(links, max(1, round(gate.fraction * mail.links))))
    if not gate.ordered:
        dice.shuffle(links)
    seat = gate.seat(dice)
    for at, link in zip(MANNERS[gate.manner](dice, len(links), gate.pace), links, strict=True):
        if gate.rotates:
            seat = gate.seat(dice)
        moment = begin + at
        if gate.manner == "head first":
            mail.add(moment, link, seat, "machine/head first", method="HEAD")
            moment += dice.uniform(0.05, 1.5)
            if dice.random() < 0.15:
                continue  # the HEAD was enough
        mail.add(moment, link, seat, f"machine/{gate.manner}")


def _at_once(dice: Random, count: int, _pace: float) -> list[float]:
    width = dice.uniform(0.1, 1.2)
    return [dice.uniform(0, width) for _ in range(count)]


def _in_a_row(dice: Random, count: int, _pace: float) -> list[float]:
    step, at, found = dice.uniform(0.15, 0.9), 0.0, []
    for _ in range(count):
        found.append(at)
        at += step * dice.uniform(0.5, 1.6)
    return found


def _slowly(dice: Random, count: int, pace: float) -> list[float]:
    at, found = 0.0, []
    deviation = dice.choice((0.02, 0.3, 0.7))
    for _ in range(count):
        found.append(at)
        at += pace * dice.lognormvariate(0, deviation)
    return found


def _strewn(dice: Random, count: int, pace: float) -> list[float]:
    return [dice.uniform(0, min(pace * count, 240)) for _ in range(count)]


MANNERS: dict[str, Callable[[Random, int, float], list[float]]] = {
    "at once": _at_once,
    "in a row": _in_a_row,
    "slowly": _slowly,
    "strewn": _strewn,
    "partial": _at_once,
    "head first": _in_a_row,
    "library": _at_once,
}


def check_at_click(dice: Random, mail: Mail, gate: Gateway) -> None:
    """A gateway that looks at a link again in the moment when somebody follows it."""
    people = [request for request in mail.requests if request.truth == "human"]
    for request in people[:3]:
        moment = request.at - dice.uniform(0.05, 1.5)
        mail.add(moment, request.link, gate.seat(dice), "machine/at the click")


def probe(dice: Random, mail: Mail, gate: Gateway) -> None:
    """A scanner that picks one link only."""
    link = dice.randrange(mail.links)
    moment = mail.delivered + start(dice)
    mail.add(moment, link, gate.seat(dice), "machine/one link only")

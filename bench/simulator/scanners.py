"""Machines that follow links: gateways that sweep a mail at once, slowly, in part or from many places, and bots."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from bench.simulator import clients
from bench.simulator.clients import Client, DataCentre, Mail

# Start after delivery of 836 sweeps that somebody measured (field.md, section 4): seconds from, to, part in per mille.
START_DISTRIBUTION = ((0, 10, 5), (10, 20, 22), (20, 60, 664), (60, 300, 283), (300, 1800, 19), (1800, 7200, 7))
MINIMAL_HEADERS = {"accept": "*/*", "accept-encoding": "gzip"}
LIBRARY_USER_AGENTS = (
    "python-requests/2.32.3",
    "Go-http-client/1.1",
    "curl/8.9.1",
    "okhttp/4.12.0",
    "Apache-HttpClient/4.5.14",
)


@dataclass(frozen=True, slots=True)
class SecurityGateway:
    """One maker's scanner as an organisation has it: its places, its looks and the manner of its sweeps."""

    behaviour: str
    home: DataCentre | str  # a str: an appliance behind the office's own address
    agents: tuple[str, ...]
    headers: dict[str, str]
    rotates: bool
    fraction: float
    seconds_per_link: float
    ordered: bool
    repeat_probability: float

    def make_client(self, rng: Random) -> Client:
        """Where a request comes from, and what it says."""
        ip = self.home if isinstance(self.home, str) else self.home.random_ip(rng)
        return Client(ip, rng.choice(self.agents), self.headers)

    def with_home(self, home: DataCentre) -> "SecurityGateway":
        """The same scanner in another data centre."""
        return replace(self, home=home)


def make_gateway(rng: Random, office: str, manners: dict[str, float]) -> SecurityGateway:
    """A scanner whose manner is drawn from these weights, and its details from wide ranges."""
    manner = rng.choices(list(manners), list(manners.values()))[0]
    agents = {clients.WINDOWS_CHROME.format(version) for version in rng.sample((118, 126, 138, 139, 140, 141), 3)}
    appliance = rng.random() < 0.15
    return SecurityGateway(
        behaviour=manner,
        home=office if appliance else clients.make_data_centre(rng),
        agents=(rng.choice(LIBRARY_USER_AGENTS),)
        if manner == "library"
        else tuple(sorted(agents)[: rng.choice((1, 1, 1, 3))]),
        headers=dict(MINIMAL_HEADERS) if manner == "library" or rng.random() < 0.35 else dict(clients.FULL_HEADERS),
        rotates=rng.random() < 0.5,
        fraction=rng.uniform(0.3, 0.9) if manner == "partial" else rng.choice((1.0, 1.0, 1.0, 0.9)),
        seconds_per_link=rng.lognormvariate(
            1.6, 0.9
        ),  # seconds a link, of those that go slowly: 5, mostly from 1 to 25
        ordered=rng.random() < 0.8,
        repeat_probability=rng.choice((0.0, 0.0, 0.15)),
    )


def start_seconds(rng: Random) -> float:
    """Seconds after delivery until a sweep begins."""
    low, high, _ = rng.choices(START_DISTRIBUTION, [part for _, _, part in START_DISTRIBUTION])[0]
    return rng.uniform(low, high)


def add_scan(rng: Random, mail: Mail, gateway: SecurityGateway) -> None:
    """Everything that a gateway does with one mail."""
    begin = mail.delivered + start_seconds(rng)
    _add_scan_pass(rng, mail, gateway, begin)
    if rng.random() < gateway.repeat_probability:
        later = begin + rng.uniform(120, 4000)
        if rng.random() < 0.5:
            _add_scan_pass(rng, mail, gateway, later)
        else:
            link = rng.randrange(mail.links)
            mail.add(later, link, gateway.make_client(rng), "machine/checks one again")


def _add_scan_pass(rng: Random, mail: Mail, gateway: SecurityGateway, begin: float) -> None:
    links = list(range(mail.links))
    if gateway.fraction < 1:
        links = sorted(rng.sample(links, max(1, round(gateway.fraction * mail.links))))
    if not gateway.ordered:
        rng.shuffle(links)
    seat = gateway.make_client(rng)
    for at, link in zip(BEHAVIOURS[gateway.behaviour](rng, len(links), gateway.seconds_per_link), links, strict=True):
        if gateway.rotates:
            seat = gateway.make_client(rng)
        moment = begin + at
        if gateway.behaviour == "head first":
            mail.add(moment, link, seat, "machine/head first", method="HEAD")
            moment += rng.uniform(0.05, 1.5)
            if rng.random() < 0.15:
                continue  # the HEAD was enough
        mail.add(moment, link, seat, f"machine/{gateway.behaviour}")


def _burst_offsets(rng: Random, count: int, _pace: float) -> list[float]:
    width = rng.uniform(0.1, 1.2)
    return [rng.uniform(0, width) for _ in range(count)]


def _sequential_offsets(rng: Random, count: int, _pace: float) -> list[float]:
    step, at, found = rng.uniform(0.15, 0.9), 0.0, []
    for _ in range(count):
        found.append(at)
        at += step * rng.uniform(0.5, 1.6)
    return found


def _slow_offsets(rng: Random, count: int, pace: float) -> list[float]:
    at, found = 0.0, []
    deviation = rng.choice((0.02, 0.3, 0.7))
    for _ in range(count):
        found.append(at)
        at += pace * rng.lognormvariate(0, deviation)
    return found


def _scattered_offsets(rng: Random, count: int, pace: float) -> list[float]:
    return [rng.uniform(0, min(pace * count, 240)) for _ in range(count)]


BEHAVIOURS: dict[str, Callable[[Random, int, float], list[float]]] = {
    "at once": _burst_offsets,
    "in a row": _sequential_offsets,
    "slowly": _slow_offsets,
    "strewn": _scattered_offsets,
    "partial": _burst_offsets,
    "head first": _sequential_offsets,
    "library": _burst_offsets,
}


def add_click_time_check(rng: Random, mail: Mail, gateway: SecurityGateway) -> None:
    """A gateway that looks at a link again in the moment when somebody follows it."""
    people = [request for request in mail.requests if request.truth == "human"]
    for request in people[:3]:
        moment = request.at - rng.uniform(0.05, 1.5)
        mail.add(moment, request.link, gateway.make_client(rng), "machine/at the click")


def add_probe(rng: Random, mail: Mail, gateway: SecurityGateway) -> None:
    """A scanner that picks one link only."""
    link = rng.randrange(mail.links)
    moment = mail.delivered + start_seconds(rng)
    mail.add(moment, link, gateway.make_client(rng), "machine/one link only")
